"""The page of the gate: whether a number may be called, now or at another time."""

from __future__ import annotations

from datetime import datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from host.base.e164 import E164
from host.compliance import Gate
from host.compliance.verdict import Verdict
from host.records.filters import read_number
from host.server.console.context import Console, console_of
from host.server.console.pages import render

LONGEST = 100
"""Characters of a number that are looked at."""


def show(request: Request) -> Response:
    """Show the form."""
    return _page(request, {}, None, "")


async def judge(request: Request) -> Response:
    """Show what the gate says of a number. Nothing is dialled, and no attempt counts."""
    form, console = request.state.form, console_of(request)
    persona, at = form.get("persona", ""), None
    if persona and persona not in console.loaded.personas:
        return _page(request, form, None, "there is no such persona")
    if form.get("at"):
        try:
            at = datetime.fromisoformat(form["at"]).astimezone()
        except (ValueError, OverflowError):
            return _page(request, form, None, "the time is none like 2026-11-30T09:30")
    number = form.get("number", "").strip()[:LONGEST]
    verdict = await run_in_threadpool(_judged, console, number, persona, at)
    return _page(request, form, verdict, "")


def _judged(console: Console, number: str, persona: str, at: datetime | None) -> Verdict:
    read = read_number(number)
    rules = Gate(console.settings, console.settings.persona(persona), persona)
    return rules.dial(read if E164.fullmatch(read) else number, at, attempt=False)


def _page(request: Request, form: dict[str, str], verdict: Verdict | None, fault: str) -> Response:
    personas = sorted(console_of(request).loaded.personas)
    return render(request, "gate.html", form=form, verdict=verdict, fault=fault, personas=personas)
