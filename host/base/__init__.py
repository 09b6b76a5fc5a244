"""Basics that know nothing of calls: errors, clock, text, tasks, SQLite and processes."""
