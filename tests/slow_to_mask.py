"""Texts that are made to be slow to mask: of what numbers and secrets are made, over and over.

Their test holds that they are masked to the end; `benchmarks/figures.py` measures how fast.
"""

from __future__ import annotations

REPEATED = (
    *("1", "1,", "1_", "1_1a", "1x", "+1", "%", "%2B", "%201", "%11", "\\x", r"\xa01", r"\u00a01"),
    *("1.1 ", "1,000,", "12:34 ", "2026-", "one ", "1 one ", "one    ", "un deux ", "1     "),
    *("sip:a:", "Cookie: a;", "cookie=", "_pass", "no audio frames were pushed for text:"),
)
"""Pieces of numbers and secrets."""

SLOW = (
    "1 " * 50_000 + "a",
    "+" * 100_000,
    "(" * 100_000,
    "1-" * 50_000,
    "eyJ" * 30_000,
    "-eyJ" * 30_000,
    "a-" * 50_000,
    "authorization:" * 8_000,
    "://" * 30_000,
    "five " * 20_000,
    "a:" * 50_000 + "@",
    "api_key" * 15_000,
    "-" * 100_000,
    *(unit * (65_536 // len(unit)) for unit in REPEATED),
    *(unit * (65_536 // len(unit)) + "a" for unit in REPEATED),
)
