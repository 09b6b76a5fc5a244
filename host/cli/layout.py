"""Lays text out for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime

from host.records.cost import Cost


def aligned(rows: Sequence[Sequence[str]], indent: str = "") -> list[str]:
    """Lay rows out with their columns aligned; an empty column takes no room.

    Not `rich.table`, which cuts or wraps long cells at the terminal's width: programs read these
    rows, too, and people copy paths from them.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        indent
        + "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in rows
    ]


def printable(text: str) -> str:
    """One line that does nothing to a terminal: callers and models send what they like."""
    line = " ".join(text.split())
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def cut(line: str, width: int | None) -> str:
    """Cut a line to the terminal's width, in columns; None is no terminal."""
    if width is None or len(line) <= width:
        return line
    return line[: width - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def hanging(head: str, text: str, width: int | None) -> list[str]:
    """Put a text behind its head, and what does not fit below itself."""
    line = head + printable(text)
    if width is None or len(line) <= width:
        return [line.rstrip()]
    return textwrap.wrap(
        line, max(width, len(head) + 20), subsequent_indent=" " * len(head), drop_whitespace=True
    )


def length(seconds: float) -> str:
    """A length of time in minutes and seconds, like 1:05."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


def day_and_time(moment: datetime, now: datetime) -> str:
    """When something was, in local time, as `ls -l` says it: the year where it is not this one."""
    local = moment.astimezone()
    this_year = local.year == now.astimezone().year
    return local.strftime("%b %d %H:%M" if this_year else "%b %d  %Y")


def money(cost: Cost) -> str:
    """Write what a call cost: `0.0312 USD`, and a + if something in it has no price."""
    return f"{cost.total:.4f}{'+' if cost.unpriced else ''} {printable(cost.currency)}"
