"""Outcomes, the record of a call, its redaction, and reading the call log."""
