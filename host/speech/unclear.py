"""Ends a call whose far end speaks, but not so that the STT makes words of it."""

from __future__ import annotations

import logging

from host.base.errors import HostError
from host.call.keypad import Menu
from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.speech.apology import apologise

log = logging.getLogger("host")

SUMMARY = "The assistant could not understand the caller."
"""Summary for the colleague."""


async def end_unclear(call: LiveCall) -> None:
    """Offer a colleague by key, if there is one, else say goodbye and end the call.

    Returns without an ending if the far end says words after all.
    """
    if call.over or call.state.connected or call.giving_up:
        return
    reason = f"the {call.state.other_party} could not be understood"
    log.warning("%s", reason)
    target = _colleague(call)
    if target and await _offered(call, target):
        return
    call.giving_up = True
    await apologise(call, call.persona_settings.words.unclear_goodbye)
    call.end(Ending(Outcome.COMPLETED, "host", reason))


def _colleague(call: LiveCall) -> str | None:
    """Return the target to offer: `transfer_on_failure`, or the only one there is."""
    if not call.telephone:
        return None  # a browser has no keys
    settings = call.persona_settings
    alone = next(iter(settings.transfers)) if len(settings.transfers) == 1 else None
    return settings.transfer_on_failure or alone


async def _offered(call: LiveCall, target: str) -> bool:
    """Offer the colleague. Return whether the call goes on: with them, or by words."""
    said = _words(call)
    offer = Menu(call.persona_settings.words.unclear_offer, {"1": True}, default=False, tries=1)
    if await call.keypad.choose(offer):
        try:
            await call.transfer(target, summary=SUMMARY)
        except HostError as refusal:
            log.warning("offering %s: %s", target, refusal)
            return False
        return True
    if _words(call) == said or call.session is None:
        return False
    call.session.generate_reply()
    return True


def _words(call: LiveCall) -> int:
    return sum(line.who == "caller" for line in call.state.transcript)
