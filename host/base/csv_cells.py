"""Cells of CSV files that a person may open in a spreadsheet."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would evaluate."""


def no_formula(text: str) -> str:
    """Return a text, quoted if it is a formula: callers and files choose some of them."""
    return f"'{text}" if text.startswith(FORMULA) else text
