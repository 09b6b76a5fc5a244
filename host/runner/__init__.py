"""Runs one call in a process of its own: its life, limits, ending, checkpoints and takeover."""
