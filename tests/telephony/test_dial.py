"""Naming why a dial failed: by the SIP status alone, whatever the generation of LiveKit SIP."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from carrier import Carrier, Room, place
from livekit import api
from livekit.protocol.sip import CreateSIPParticipantRequest
from sample_calls import call_of
from sip_statuses import SIP_STATUSES

from host.compliance import Verdict
from host.local.exchange import PROFILES, Profile
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.twirp import PREFIX, Method, TwirpServer
from host.local.server import LocalServer
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.settings import PersonaSettings, Settings
from host.telephony.dial import BRIDGED_LIMIT, NotAnswered, dial, duration, name, ring
from host.telephony.far_end import LiveKitFarEnd

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"

both_profiles = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda each: each.name)


class Refuses(LocalServer):
    """LiveKit's SIP API, which answers every dial with one error."""

    def __init__(self, error: TwirpError, after: float = 0.0) -> None:
        self._error, self._after = error, after
        self.times = 0
        """How often a dial was asked for."""

    def application(self) -> web.Application:
        """Serve the one method."""
        create = Method(CreateSIPParticipantRequest, "call", self._refuse)
        server = TwirpServer({"CreateSIPParticipant": create}, KEY, SECRET)
        application = web.Application()
        application.router.add_post(PREFIX + "{method}", server.serve)
        return application

    async def _refuse(self, *request: Any) -> CreateSIPParticipantRequest:
        self.times += 1
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
@pytest.mark.table(quick=4)
async def test_the_sip_status_names_the_outcome_in_both_generations(
    status: int, profile: Profile
) -> None:
    ending = await named(profile.invite_failed(status, "As the carrier says"))
    outcome, again = SIP_STATUSES[status]
    assert (ending.outcome, worth_a_retry(ending)) == (outcome, again)
    if status in (401, 407):  # the only ones whose status does not get through
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
    assert not ending.reason.endswith(".")


@pytest.mark.processes
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


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("unavailable", FROM_SIP_NODE + "dial udp 192.0.2.1:5060: network is unreachable"),
        ("failed_precondition", FROM_SIP_NODE + "write udp 192.0.2.1:5060: broken pipe"),
        ("internal", FROM_SIP_NODE + "cpu exhausted"),
    ],
)
async def test_a_telephone_that_may_have_rung_is_not_rung_again(code: str, text: str) -> None:
    async with (
        Refuses(TwirpError(code, text)) as server,
        api.LiveKitAPI(server.url, KEY, SECRET) as livekit,
    ):
        with pytest.raises(NotAnswered) as refused:
            await ring(livekit, Verdict(True, ANN), CreateSIPParticipantRequest())
    assert server.times == 1
    assert refused.value.ending.outcome is Outcome.TRUNK_ERROR


class Asked(Carrier):
    """LiveKit's SIP API, which keeps what it is asked for."""

    request: CreateSIPParticipantRequest

    async def _dial(self, request: Any, claims: Any) -> Any:
        self.request = request
        return await super()._dial(request, claims)


ANN = "+15552220001"
DIALS: dict[str, Any] = {
    "trunk": "ST_1",
    "caller_id": "+15550009999",
    "allow_numbers": ("+1555*",),
    "calling_hours": "",
    "max_attempts_a_day": 0,
    "max_duration": 120,
    "ringing_timeout": 25,
}


async def asked_for(**settings: Any) -> CreateSIPParticipantRequest:
    """Dial with these settings, and give what LiveKit was asked for."""
    async with Asked() as server, server.livekit() as livekit:
        assert await place(livekit, call_of(Settings(**DIALS, **settings), ANN)) is None
    return server.request


of_a_call = pytest.mark.usefixtures("deployment")


@of_a_call
async def test_livekit_is_told_what_to_show_and_when_to_give_up() -> None:
    request = await asked_for()
    assert (request.sip_trunk_id, request.sip_number) == ("ST_1", "+15550009999")
    assert (request.sip_call_to, request.room_name) == (ANN, "desk-1")
    assert request.wait_until_answered
    assert request.ringing_timeout.ToTimedelta().total_seconds() == 25
    # The host ends its calls itself; this is for the calls of a host that is gone.
    assert 120 + 25 < request.max_call_duration.ToTimedelta().total_seconds() < 300


@of_a_call
async def test_whoever_may_be_connected_to_a_colleague_is_not_cut_off() -> None:
    sales = {"number": "+15550003101", "warm": True}
    warm = await asked_for(transfers={"sales": sales})
    assert warm.max_call_duration.ToTimedelta().total_seconds() == BRIDGED_LIMIT
    bridged = await asked_for(transfers={"sales": ["sip:sales", "+15550003101"]})
    assert bridged.max_call_duration.ToTimedelta().total_seconds() == BRIDGED_LIMIT
    cold = await asked_for(transfers={"sales": {"number": "+15550003101", "mode": "refer"}})
    assert cold.max_call_duration.ToTimedelta().total_seconds() < 300


@of_a_call
async def test_whoever_hangs_up_as_they_answer_is_not_waited_for() -> None:
    room = Room()
    room.remote_participants = {}
    call = call_of(Settings(**DIALS), ANN)
    async with Carrier() as server, server.livekit() as livekit:
        job: Any = SimpleNamespace(api=livekit, room=room)
        line = LiveKitFarEnd(job, call)
        call.state.far_end = "sip_far_end"
        with pytest.raises(NotAnswered) as gone:
            await dial(job, call, line)
    ending = gone.value.ending
    assert (ending.outcome, ending.by) == (Outcome.ABANDONED, "far end")
    assert ending.reason == "the callee answered and hung up at once"


@of_a_call
async def test_a_host_without_a_trunk_does_not_ask_for_a_retry() -> None:
    async with Carrier() as server, server.livekit() as livekit:
        ending = await place(livekit, call_of(Settings(**{**DIALS, "trunk": None}), ANN))
    assert ending is not None
    assert (ending.outcome, ending.by) == (Outcome.TRUNK_ERROR, "host")
    assert "HOST_TRUNK" in ending.reason
    assert not worth_a_retry(ending)


@of_a_call
async def test_a_livekit_that_can_not_be_reached_is_named_and_may_be_tried_again() -> None:
    async with Carrier() as server:
        gone = server.url
    async with api.LiveKitAPI(gone, KEY, SECRET) as livekit:
        ending = await place(livekit, call_of(Settings(**DIALS), ANN))
    assert ending is not None
    assert (ending.outcome, ending.by) == (Outcome.TRUNK_ERROR, "livekit")
    assert ending.reason.startswith("LiveKit did not report whether the callee answered: ")
    assert worth_a_retry(ending)


def worth_a_retry(ending: Ending) -> bool:
    """Whether a retry makes sense, as the record will say."""
    if ending.retryable is not None:
        return ending.retryable
    return ending.outcome.retryable(ending.sip_status)


@of_a_call
async def test_whoever_may_be_handed_over_to_another_persona_is_not_cut_off() -> None:
    personas = {
        "desk": PersonaSettings(hands_over_to=("bob",)),
        "bob": PersonaSettings(hands_over_to=("desk", "cat"), max_duration=300),
        "cat": PersonaSettings(max_duration=400),
    }
    request = await asked_for(personas=personas)
    assert 120 + 25 + 700 < request.max_call_duration.ToTimedelta().total_seconds() < 1000
