"""What `doctor` prints, and its exit code. Pure: see `host.cli.show`."""

from __future__ import annotations

import json
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

from host.cli.doctor.finding import Finding, Result, Status
from host.cli.doctor.steps import TrialCall
from host.cli.show import Shown

WIDTH = 100


def report(
    results: Sequence[Result], call: TrialCall | None = None, *, as_json: bool = False
) -> Shown:
    """Show findings, what was skipped, and the steps of the test call.

    Exit code 1 with a failure, a check that broke, or a test call that failed.
    """
    bad = {Status.FAILURE, Status.BROKEN}
    failed = any(each.status in bad for each in results) or (call is not None and not call.ok)
    show = _as_json if as_json else _as_text
    return Shown(show(results, call, failed), int(failed))


def _as_json(results: Sequence[Result], call: TrialCall | None, failed: bool) -> str:
    checks = [{**asdict(each), "seconds": round(each.seconds, 3)} for each in results]
    shown = {"ok": not failed, "checks": checks, "call": asdict(call) if call else None}
    return json.dumps(shown, indent=2)


def _as_text(results: Sequence[Result], call: TrialCall | None, failed: bool) -> str:
    parts = [_finding(each.id, finding) for each in results for finding in each.findings]
    parts += [
        f"broken   {each.id}: {each.reason}" for each in results if each.status is Status.BROKEN
    ]
    if skipped := _skipped(results):
        parts.append(skipped)
    if call is not None:
        parts.append(_call(call))
    parts.append(_summary(results))
    return "\n\n".join(parts)


def _finding(id: str, finding: Finding) -> str:
    return "\n".join(
        [
            *_wrapped(f"{finding.level:<8} {id}: ", finding.what, 9),
            *_wrapped("         why:  ", finding.why, 15),
            # Not wrapped: it is to be copied.
            f"         mend: {finding.mend}",
        ]
    )


def _wrapped(first: str, text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        first + text,
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _skipped(results: Sequence[Result]) -> str:
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for each in results:
        if each.status is Status.SKIPPED:
            reasons[each.reason].append(each.id)
    lines = []
    for reason, ids in reasons.items():
        lines += _wrapped("skipped  ", f"{', '.join(ids)}: {reason}", 9)
    return "\n".join(lines)


def _call(call: TrialCall) -> str:
    lines = [f"call     as {call.persona}, in room {call.room}"]
    for step in call.steps:
        at = "" if step.seconds is None else f"{step.seconds:6.1f} s"
        lines.append(f"         {step.status:<8} {step.name:<15} {at:<9} {step.note}".rstrip())
    if call.outcome:
        lines.append(f"         {call.outcome}: {call.reason}")
    if call.mend:
        lines.append(f"         mend: {call.mend}")
    return "\n".join(lines)


def _summary(results: Sequence[Result]) -> str:
    count = {status: sum(each.status is status for each in results) for status in Status}
    told = [f"{len(results)} checks: {count[Status.OK]} well"]
    for status, words in (
        (Status.FAILURE, "with failures"),
        (Status.WARNING, "with warnings"),
        (Status.BROKEN, "broken"),
        (Status.SKIPPED, "skipped"),
    ):
        if count[status]:
            told.append(f"{count[status]} {words}")
    return ", ".join(told)
