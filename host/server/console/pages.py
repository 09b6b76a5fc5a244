"""Renders pages. Everything from outside is escaped: Jinja2 does so for each value."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from host.records.outcome import Kind, Outcome

HERE = Path(__file__).parent
STATIC = HERE / "static"
NAVIGATION = {
    "/live": "Live",
    "/calls": "Calls",
    "/campaigns": "Campaigns",
    "/personas": "Personas",
    "/gate": "Gate",
    "/figures": "Figures",
}


def render(request: Request, template: str, status: int = 200, /, **facts: Any) -> HTMLResponse:
    """Render a template as the response of a request."""
    state = request.state
    path = "/" + request.url.path.split("/")[1]
    facts |= {"session": state.session, "nonce": state.nonce, "at": path, "navigation": NAVIGATION}
    return HTMLResponse(environment().get_template(template).render(facts), status)


@cache
def environment() -> Environment:
    """Return the templates."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"static": static, "zone": zone}
    made.filters |= {
        "clock": clock,
        "length_of": len,
        "day": day,
        "length": length,
        "money": money,
        "seconds": seconds,
        "tone": tone,
        "words": words,
        "written": written,
    }
    return made


@cache
def static(name: str) -> str:
    """Return the address of a file, which changes with it: browsers may keep it."""
    return f"/static/{name}?{hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"


def zone() -> str:
    """Return the name of the host's time zone, in which all times are."""
    return datetime.now().astimezone().strftime("%Z")


def clock(moment: datetime) -> str:
    """A time of the day, local: 14:03:07."""
    return moment.astimezone().strftime("%H:%M:%S")


def day(moment: datetime) -> str:
    """A day and a time, local: 2026-11-30 14:03."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def length(seconds: float) -> str:
    """A length of time: 1:05, or 1:02:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(amount: float, currency: str) -> str:
    """An amount of money: 1,204.50 USD; one below ten has four decimal places."""
    return f"{amount:,.{2 if amount >= 10 else 4}f} {currency}"


def seconds(value: float) -> str:
    """A short time: 0.8 s."""
    return f"{value:.1f} s"


def words(name: str) -> str:
    """An outcome or a status in words: no_answer is no answer."""
    return str(name).replace("_", " ")


def tone(outcome: str) -> str:
    """The class of an outcome: good if somebody was reached, bad if something failed."""
    if outcome not in {*Outcome}:
        return "plain"  # a newer host has written it
    found = Outcome(outcome)
    return "good" if found.reached else "bad" if found.kind is Kind.FAILED else "plain"


def written(value: Any) -> str:
    """A JSON value as text: strings as they are."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
