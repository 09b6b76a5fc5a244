"""Naming why a dial failed: by the SIP status alone, whatever the generation of LiveKit SIP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from livekit import api
from livekit.protocol.sip import CreateSIPParticipantRequest
from sip_statuses import SIP_STATUSES

from host.call import Ending
from host.dial import NotAnswered, duration, name, ring
from host.gate import Verdict
from host.local.exchange import PROFILES, Profile
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.twirp import PREFIX, Method, TwirpServer
from host.local.server import LocalServer
from host.outcome import Outcome

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"

both_profiles = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda each: each.name)


class Refuses(LocalServer):
    """LiveKit's SIP API, which answers every dial with one error."""

    def __init__(self, error: TwirpError, after: float = 0.0) -> None:
        self._error, self._after = error, after

    def application(self) -> web.Application:
        """Serve the one method."""
        create = Method(CreateSIPParticipantRequest, "call", self._refuse)
        server = TwirpServer({"CreateSIPParticipant": create}, KEY, SECRET)
        application = web.Application()
        application.router.add_post(PREFIX + "{method}", server.serve)
        return application

    async def _refuse(self, *request: Any) -> CreateSIPParticipantRequest:
        await asyncio.sleep(self._after)
        raise self._error


async def named(error: TwirpError) -> Ending:
    """Dial, be refused with this error, and name it as LiveKit's client tells it."""
    async with Refuses(error) as server, api.LiveKitAPI(server.url, KEY, SECRET) as livekit:
        with pytest.raises(api.ServerError) as refused:
            await livekit.sip.create_sip_participant(CreateSIPParticipantRequest())
    return name(refused.value)


@both_profiles
@pytest.mark.parametrize("status", SIP_STATUSES)
async def test_the_sip_status_names_the_outcome_in_both_generations(
    status: int, profile: Profile
) -> None:
    ending = await named(profile.invite_failed(status, "As the carrier says"))
    outcome, again = SIP_STATUSES[status]
    assert (ending.outcome, worth_a_retry(ending)) == (outcome, again)
    if status in (401, 407) and profile.newer:  # the only ones whose status does not get through
        assert (ending.sip_status, ending.by) == (None, "livekit")
    else:
        assert (ending.sip_status, ending.by) == (status, "far end")
        assert str(status) in ending.reason


@both_profiles
async def test_nobody_answered_in_both_generations(profile: Profile) -> None:
    ending = await named(TwirpError("canceled", FROM_SIP_NODE + profile.no_answer))
    assert (ending.outcome, ending.by, ending.sip_status) == (Outcome.NO_ANSWER, "far end", None)
    assert worth_a_retry(ending)


async def test_an_expired_request_means_no_answer() -> None:
    ending = await named(TwirpError("deadline_exceeded", "request timed out"))
    assert ending.outcome is Outcome.NO_ANSWER


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("not_found", "requested sip trunk does not exist"),
        ("invalid_argument", "missing sip trunk id"),
        ("invalid_argument", FROM_SIP_NODE + "lookup nowhere.example: no such host"),
        ("failed_precondition", FROM_SIP_NODE + "no numbers on outbound trunk"),
        ("failed_precondition", FROM_SIP_NODE + "max auth retry attempts reached for SIP invite"),
        ("failed_precondition", FROM_SIP_NODE + "no auth header in sip invite response"),
        ("unknown", FROM_SIP_NODE + "server required auth, but no username or password was given"),
        ("unauthenticated", "permissions denied"),
    ],
)
async def test_what_the_operator_has_to_mend_is_not_tried_again(code: str, text: str) -> None:
    ending = await named(TwirpError(code, text))
    assert (ending.outcome, ending.by, ending.sip_status) == (Outcome.TRUNK_ERROR, "livekit", None)
    assert ending.error == code
    assert not worth_a_retry(ending)
    assert text.removeprefix(FROM_SIP_NODE) in ending.reason
    assert "twirp" not in ending.reason


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("unavailable", "no response from servers"),
        ("unavailable", FROM_SIP_NODE + "cpu exhausted"),
        ("unavailable", FROM_SIP_NODE + "dial udp 192.0.2.1:5060: network is unreachable"),
        ("failed_precondition", FROM_SIP_NODE + "write udp 192.0.2.1:5060: broken pipe"),
        ("internal", FROM_SIP_NODE + "the room can't be joined"),
        ("unavailable", ""),
    ],
)
async def test_what_may_pass_by_itself_may_be_tried_again(code: str, text: str) -> None:
    ending = await named(TwirpError(code, text))
    assert (ending.outcome, ending.by, ending.sip_status) == (Outcome.TRUNK_ERROR, "livekit", None)
    assert worth_a_retry(ending)
    assert ending.reason.endswith(".")


async def test_a_telephone_that_comes_late_into_the_room_rings_as_long_as_any() -> None:
    """LiveKit SIP counts the ringing from its INVITE, after it has joined the room."""
    unanswered = TwirpError("canceled", FROM_SIP_NODE + "sip request timed out")
    request = CreateSIPParticipantRequest(wait_until_answered=True, ringing_timeout=duration(1))
    async with (
        Refuses(unanswered, after=3.5) as server,
        api.LiveKitAPI(server.url, KEY, SECRET) as livekit,
    ):
        with pytest.raises(NotAnswered) as refused:
            await ring(livekit, Verdict(True, "+15550001111"), request)
    assert refused.value.ending.outcome is Outcome.NO_ANSWER


def worth_a_retry(ending: Ending) -> bool:
    """Whether a retry makes sense, as the record will say."""
    if ending.retryable is not None:
        return ending.retryable
    return ending.outcome.retryable(ending.sip_status)
