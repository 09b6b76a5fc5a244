"""What `simulate` prints: a table, and the transcripts of what failed; or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from host.cli.layout import aligned, cut, printable
from host.cli.show import Shown
from host.cli.simulate.run import Simulated

LONGEST = 60
"""Characters of a caller's name in the table."""


def report(persona: str, calls: Sequence[Simulated], *, as_json: bool) -> Shown:
    """Show all simulated calls. Exit code 1 if one failed."""
    failed = [call for call in calls if not call.passed]
    text = _json(persona, calls) if as_json else "\n".join(_lines(calls, failed))
    return Shown(text, int(bool(failed)))


def _lines(calls: Sequence[Simulated], failed: Sequence[Simulated]) -> list[str]:
    rows = [("caller", "mood", "turns", "outcome", "result")]
    rows += [
        (
            cut(printable(call.caller.label), LONGEST),
            printable(call.caller.mood),
            str(call.turns),
            call.outcome or "none",
            "passed" if call.passed else "failed",
        )
        for call in calls
    ]
    lines = aligned(rows)
    for call in failed:
        mood = f", {call.caller.mood}" if call.caller.mood else ""
        lines += ["", f"failed: {printable(call.caller.label + mood)}"]
        lines += [f"  {printable(fault)}" for fault in call.faults]
        lines += aligned([(who, printable(what)) for who, what in call.lines], "    ")
        if call.reason:
            lines.append(f"    {call.outcome}: {printable(call.reason)}")
    lines += ["", f"{len(calls) - len(failed)} of {len(calls)} passed"]
    return lines


def _json(persona: str, calls: Sequence[Simulated]) -> str:
    shown: dict[str, Any] = {
        "persona": persona,
        "passed": sum(call.passed for call in calls),
        "failed": sum(not call.passed for call in calls),
        "callers": [_call(call) for call in calls],
    }
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _call(call: Simulated) -> dict[str, Any]:
    return {
        "name": call.caller.label,
        "goal": call.caller.goal,
        "mood": call.caller.mood,
        "passed": call.passed,
        "faults": call.faults,
        "judgments": {
            name: {"verdict": judged.verdict, "reasoning": judged.reasoning}
            for name, judged in call.judgments.items()
        },
        "turns": call.turns,
        "outcome": call.outcome or None,
        "reason": call.reason or None,
        "transcript": [line._asdict() for line in call.lines],
    }
