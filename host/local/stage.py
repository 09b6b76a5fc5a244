"""The demo's output: a timeline of events on the world's telephones."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape

from host.local.exchange import PhoneCall
from host.local.world import World
from host.settings import Settings


@dataclass
class Stage:
    """The world of a scene, and its timeline."""

    world: World
    settings: Settings
    console: Console
    begun: float = field(default_factory=time.time)

    def show(self, who: str, what: str, style: str = "", at: float | None = None) -> None:
        """Print a line of the timeline; `at` is its Unix time, by default now."""
        at = (at or time.time()) - self.begun
        text = f"[{style}]{escape(what)}[/]" if style else escape(what)
        self.console.print(f"  [dim]{at:6.1f} s[/]  {who:<9} {text}", highlight=False)

    async def watch(self, call: PhoneCall) -> None:
        """Print a call's events until it is over."""
        shown: list[str] = []
        words = keys = 0
        while True:
            over = call.done
            for status, there in (
                ("rings", call.status == "ringing"),
                ("answered", call.answered_at),
            ):
                if there and status not in shown:
                    shown.append(status)
                    self.show("line", status, "cyan")
            for heard in call.heard[words:]:
                self.show("persona", heard.text, "green", (call.answered_at or 0) + heard.start)
            for key in call.keys[keys:]:
                at = (call.answered_at or 0) + key.at
                self.show("persona", f"presses {key.digit}", "green", at)
            words, keys = len(call.heard), len(call.keys)
            if over:
                break
            await call.pulse.until(
                lambda seen=(words, keys, call.status): (  # type: ignore[misc]
                    call.done or (len(call.heard), len(call.keys), call.status) != seen
                ),
                120,
                "the call",
            )
        end = (
            f"{call.ended_by} hung up" if call.answered_at else f"{call.status}, {call.sip_status}"
        )
        self.show("line", end, "cyan")
