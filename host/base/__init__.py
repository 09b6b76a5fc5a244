"""What knows nothing of calls: errors, the clock, text from outside, tasks, SQLite, processes."""
