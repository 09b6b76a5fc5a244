"""A conversation as people read it: who said what, and what the persona did."""

from __future__ import annotations

from typing import NamedTuple

from host.call.state import CallState


class Line(NamedTuple):
    """One line: who, and what they said or did."""

    who: str
    """`persona` or `caller`; or what was used: `tool`, `transfer`, `handover`."""
    what: str


def lines_of(state: CallState) -> list[Line]:
    """Return what happened in a call so far, in order."""
    happened = [
        *((said.at, Line(said.who, said.text)) for said in state.transcript),
        *((key.at, Line(key.who, f"presses {key.digit}")) for key in state.keys),
        *(
            (tool.at, Line("tool", f"{tool.name}({tool.arguments}): {tool.result}".rstrip(": ")))
            for tool in state.tools
        ),
        *(
            (each.at, Line("transfer", f"to {each.to}{'' if each.succeeded else ', in vain'}"))
            for each in state.transfers
        ),
        *((each.since, Line("handover", f"to {each.name}")) for each in state.personas[1:]),
    ]
    return [line for _, line in sorted(happened, key=lambda each: each[0])]
