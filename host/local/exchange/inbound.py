"""An inbound call from a telephone. Steps and timing as in livekit-sip's `inbound.go`."""

import asyncio
import time
from collections.abc import Mapping

from host.local.exchange.call import PhoneCall
from host.local.exchange.facts import Ending
from host.local.exchange.headers import attributes_from
from host.local.exchange.ids import new_id
from host.local.exchange.leg import Leg
from host.local.exchange.line import PersonScript
from host.local.exchange.office import Office
from host.local.exchange.rules import Route

RINGING_TIMEOUT = 180.0
"""Seconds of ringing unless the trunk sets another limit."""


async def take(
    office: Office,
    call: PhoneCall,
    leg: Leg,
    route: Route,
    script: PersonScript | None,
    headers: Mapping[str, str],
    patience: float | None,
) -> None:
    """Run an inbound call in the room of `route`, from the first ring to the end.

    It is answered when audio of another participant is published and subscribed; until then the
    caller hears ringing, for at most `patience` seconds if set. It is active once the caller's
    first packet has come, or a second after the answer.
    """
    office.write(call, "INVITE", f"from {call.caller}")
    if patience is not None:
        loop = asyncio.get_running_loop()
        giving_up = loop.call_later(patience, call.end, Ending("phone", "CANCEL"))
        call.over.add_done_callback(lambda _: giving_up.cancel())
    await _join(office, call, leg, route, headers)
    if call.over.done():
        _not_answered(office, call)
        if call.over.result().by == "phone":
            await asyncio.wait([leg.gone], timeout=office.profile.lingers)
        return
    if not await _ring(call, leg, route):
        _not_answered(office, call)
        return
    office.answer(call, leg, script)
    if call.bridged_after:
        await asyncio.wait([call.over], timeout=call.bridged_after)
    answered = {"sip.callStatus": "active"}
    if office.profile.newer:
        answered["lk.sip.answerTime"] = str(round(time.time() * 1000))
    await leg.set_all(answered)
    await asyncio.shield(call.over)


async def _join(
    office: Office, call: PhoneCall, leg: Leg, route: Route, headers: Mapping[str, str]
) -> None:
    profile, numbers = office.profile, dict(route.numbers)
    late = {"sip.callStatus": "ringing", "sip.callIDFull": new_id(), "sip.callTag": new_id()}
    if "sip.hostname" in numbers:
        late["sip.hostname"] = numbers.pop("sip.hostname")
    if profile.newer:
        late["lk.sip.inviteTime"] = str(round(call.started_at * 1000))
    early = {
        "sip.callID": call.id,
        "sip.trunkID": route.trunk.sip_trunk_id,
        "sip.ruleID": route.rule.sip_dispatch_rule_id,
    }
    token = office.token().with_kind("sip").with_name(route.name)
    token.with_metadata(route.rule.metadata).with_attributes(early | numbers)
    if route.rule.room_preset:
        token.with_room_preset(route.rule.room_preset)
    config = route.rule.room_config if route.rule.HasField("room_config") else None
    await leg.join(office.url, token, config=config)
    office.joined(call, leg, route.trunk.max_call_duration.ToTimedelta().total_seconds())
    office.serve(call, leg, headers)
    seconds = next(office.answers_late)
    if seconds and profile.late_attributes:
        # A participant becomes visible to the others once media is negotiated, here with its track.
        await leg.publish()
    await asyncio.wait([leg.gone], timeout=seconds)  # not for the caller, who may give up meanwhile
    custom = attributes_from(
        headers, route.trunk.headers_to_attributes, route.trunk.include_headers
    )
    await leg.set_all(custom | dict(route.rule.attributes) | late)
    call.ringing()
    await leg.publish()
    leg.subscribe()


async def _ring(call: PhoneCall, leg: Leg, route: Route) -> bool:
    """Ring until audio arrives (True), or the caller gives up or the limit is reached (False)."""
    audio = asyncio.create_task(leg.audio.wait())
    limit = route.trunk.ringing_timeout.ToTimedelta().total_seconds() or RINGING_TIMEOUT
    call.over.add_done_callback(lambda _: audio.cancel())
    await asyncio.wait([audio], timeout=max(0.0, limit - (time.time() - call.started_at)))
    audio.cancel()
    if not call.over.done() and leg.audio.is_set():
        return True
    call.end(Ending("far end", "ringing timeout", hangup=False))
    return False


def _not_answered(office: Office, call: PhoneCall) -> None:
    if call.over.result().by == "phone":
        call.sip_status = 487 if office.profile.answers_cancel else 0
    else:
        call.sip_status = 486
    call.pulse.beat()
