"""Divides by nothing."""

DEPTH = 1 / 0
