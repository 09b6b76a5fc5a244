"""What `python -m host calls` lists and shows: the records of the call log."""
