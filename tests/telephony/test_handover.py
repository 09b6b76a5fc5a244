"""Handing a call over: whom to, what LiveKit says of it, and what a colleague means."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import web
from livekit import api
from livekit.agents import JobContext
from livekit.protocol import sip
from sample_calls import call_of

from host.call.live import LiveCall
from host.compliance import as_uri
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.profiles import NOW
from host.local.exchange.twirp import PREFIX, Method, TwirpServer
from host.local.server import LocalServer
from host.settings import PersonaSettings, Settings, TransferTarget, Words
from host.telephony.transfer import Handover, bridge
from host.telephony.transfer.colleague import Colleague
from host.telephony.transfer.consultation import Reply, understood
from host.telephony.transfer.failure import ReferRefused, TransferFailed
from host.telephony.transfer.refer import refer
from plugins import transfer

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("+15550001111", "tel:+15550001111"),
        ("tel:+15550001111", "tel:+15550001111"),
        ("billing@pbx.example", "sip:billing@pbx.example"),
        ("sip:billing@pbx.example", "sip:billing@pbx.example"),
        ("sips:billing@pbx.example", "sips:billing@pbx.example"),
    ],
)
def test_a_target_gets_the_scheme_that_it_lacks(target: str, uri: str) -> None:
    assert as_uri(target) == uri


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Yes.", Reply.ACCEPTED),
        ("Okay, put them through!", Reply.ACCEPTED),
        ("No problem.", Reply.ACCEPTED),
        ("No.", Reply.DECLINED),
        ("I can\u2019t right now", Reply.DECLINED),
        ("Not now, I am busy.", Reply.DECLINED),
        ("Yes and no", None),
        ("I am not sure", None),
        ("Who is calling?", None),
        ("Yesterday I was nowhere", None),
        ("Okay, you have reached the voicemail of Bob, who is out today", None),
        ("", None),
    ],
)
def test_a_yes_or_a_no_is_found_in_what_a_colleague_says(said: str, meant: Reply | None) -> None:
    assert understood(said, Words()) is meant


def test_a_deployment_understands_yes_and_no_in_its_own_language() -> None:
    german = Words(consult_yes=("ja", "gerne"), consult_no=("nein", "geht nicht"))
    assert understood("Ja, gerne!", german) is Reply.ACCEPTED
    assert understood("Geht NICHT.", german) is Reply.DECLINED
    assert understood("Yes", german) is None


def call_with(**targets: Any) -> LiveCall:
    settings = Settings(
        personas={"desk": PersonaSettings(transfers=targets)}, allow_numbers=("+1555*",)
    )
    call = call_of(settings)
    call.far_end, call.job = a_line(), cast(JobContext, SimpleNamespace())
    return call


def a_line(*, telephone: bool = True, left: bool = False) -> Any:
    """A line with somebody on it, who may have hung up already."""
    identity = "sip_+15557770001"
    room = SimpleNamespace(remote_participants={identity: "the caller"})
    return SimpleNamespace(telephone=telephone, identity=identity, left=left, room=room)


def a_job(livekit: Any = None) -> Any:
    """The job of a call, of which LiveKit's API alone is used."""
    return SimpleNamespace(api=livekit)


def schema_of(call: LiveCall) -> dict[str, Any]:
    """What the model is offered, as OpenAI is told of it."""
    from livekit.agents import function_tool, llm
    from livekit.agents.llm.utils import build_legacy_openai_schema

    (tool,) = transfer.tools(call.call)
    tool = tool if isinstance(tool, llm.FunctionTool) else function_tool(tool)
    schema: dict[str, Any] = build_legacy_openai_schema(tool)["function"]
    return schema


def test_the_model_is_asked_for_a_summary_where_a_colleague_is_asked_first() -> None:
    schema = schema_of(
        call_with(sales={"number": "+15550003101", "warm": True}, bob="+15550003102")
    )
    assert schema["name"] == "transfer_call"
    assert schema["parameters"]["properties"]["to"]["enum"] == ["bob", "sales"]
    assert "who is calling" in schema["parameters"]["properties"]["summary"]["description"]
    assert sorted(schema["parameters"]["required"]) == ["summary", "to"]


def test_the_model_is_asked_for_no_summary_where_nobody_hears_it() -> None:
    schema = schema_of(call_with(bob="+15550003102"))
    assert list(schema["parameters"]["properties"]) == ["to"]


def test_in_a_browser_the_model_is_offered_those_who_are_asked_first() -> None:
    bob = {"number": "+15550003102", "mode": "refer"}
    call = call_with(sales={"number": "+15550003101", "warm": True}, bob=bob)
    call.far_end = a_line(telephone=False)
    assert schema_of(call)["parameters"]["properties"]["to"]["const"] == "sales"
    assert transfer.tools(call_with().call) == []


class Answers(LocalServer):
    """LiveKit's SIP API, which answers every transfer alike."""

    def __init__(self, answer: sip.TransferSIPParticipantResponse) -> None:
        self._answer = answer

    def application(self) -> web.Application:
        """Serve the one method."""
        method = Method(sip.TransferSIPParticipantRequest, "call", self._transfer)
        server = TwirpServer({"TransferSIPParticipant": method}, KEY, SECRET)
        application = web.Application()
        application.router.add_post(PREFIX + "{method}", server.serve)
        return application

    async def _transfer(self, *request: Any) -> sip.TransferSIPParticipantResponse:
        return self._answer


async def referred(answer: sip.TransferSIPParticipantResponse, *, left: bool = False) -> None:
    """Refer a call to somebody, and be answered so."""
    call = call_with(bob="+15550003102")
    call.far_end = line = a_line(left=left)
    async with Answers(answer) as server, api.LiveKitAPI(server.url, KEY, SECRET) as livekit:
        target = TransferTarget(number="+15550003102")
        await refer(a_job(livekit), call, line, target)


class Refuses(Answers):
    """LiveKit's SIP API, which answers every transfer with an error."""

    def __init__(self, error: TwirpError) -> None:
        self._error = error

    async def _transfer(self, *request: Any) -> sip.TransferSIPParticipantResponse:
        raise self._error


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        (NOW.refer_refused(603, "Decline"), ReferRefused, 603),
        (NOW.transfer_failed(603, "Decline"), TransferFailed, 603),
        (NOW.transfer_failed(486, "Busy Here"), TransferFailed, 486),
        (
            TwirpError("internal", f"{FROM_SIP_NODE}SIP REFER failed with code 603"),
            ReferRefused,
            603,
        ),
        (
            TwirpError("permission_denied", f"{FROM_SIP_NODE}SIP REFER was denied"),
            ReferRefused,
            403,
        ),
        (TwirpError("canceled", f"{FROM_SIP_NODE}call transfer failed"), TransferFailed, None),
        (TwirpError("not_found", "participant does not exist"), TransferFailed, None),
    ],
    ids=[
        "refused",
        "declined",
        "busy",
        "refused of 1.0",
        "denied of 1.0",
        "failed of 1.0",
        "nobody",
    ],
)
async def test_a_refusal_of_the_refer_is_told_from_the_answer_of_the_target(
    error: TwirpError, kind: type[TransferFailed], status: int | None
) -> None:
    call = call_with(bob="+15550003102")
    call.far_end = line = a_line()
    async with Refuses(error) as server, api.LiveKitAPI(server.url, KEY, SECRET) as livekit:
        with pytest.raises(TransferFailed) as failed:
            await refer(a_job(livekit), call, line, TransferTarget(number="+15550003102"))
    assert (type(failed.value), failed.value.sip_status) == (kind, status)


class GoesAgain:
    """A colleague who picks up, and is out of the room when we look."""

    hung_up = 0

    def __init__(self, *facts: Any) -> None:
        pass

    async def ring(self, limit: float) -> None:
        """They have answered."""

    async def hang_up(self) -> None:
        GoesAgain.hung_up += 1


@contextlib.asynccontextmanager
async def no_music(room: Any) -> AsyncIterator[None]:
    yield


@contextlib.asynccontextmanager
async def no_answer(*facts: Any) -> AsyncIterator[None]:
    yield


async def test_a_caller_is_not_left_with_a_colleague_who_hung_up_as_they_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def consult(*facts: Any) -> None:
        """They want the call."""

    monkeypatch.setattr(bridge, "Colleague", GoesAgain)
    monkeypatch.setattr(bridge, "hold_music", no_music)
    monkeypatch.setattr(bridge, "second_answer", no_answer)
    monkeypatch.setattr(bridge.Bridge, "_consult", consult)
    call = call_with(sales={"number": "+15550003101", "warm": True})
    call.far_end = line = a_line()
    call.transfers = Handover(a_job(), call, line)
    with pytest.raises(TransferFailed, match="sales answered and hung up at once"):
        await call.transfer("sales", announcement="")
    assert not call.state.connected
    assert not call.over
    assert GoesAgain.hung_up == 1
    (tried,) = call.state.transfers
    assert not tried.succeeded


class Dialling:
    """LiveKit's API while a telephone is dialled that is not in the room yet."""

    def __init__(self) -> None:
        self.sip = self.room = self
        self.there = self.put_out = False
        self.looked = asyncio.Event()

    async def create_sip_participant(self, request: Any, timeout: float) -> None:
        await self.looked.wait()
        self.there = True

    async def remove_participant(self, whom: Any) -> None:
        self.put_out = self.there
        self.looked.set()


async def given_up(livekit: Dialling) -> None:
    """A caller who hangs up as soon as a colleague is dialled."""
    targets = {"sales": TransferTarget(number="+15550003101", warm=True)}
    call = call_of(Settings(allow_numbers=("+1555*",), trunk="ST_1", transfers=targets))
    colleague = Colleague(a_job(livekit), call, targets["sales"], "desk-1")
    ringing = asyncio.create_task(colleague.ring(60))
    await asyncio.sleep(0)
    ringing.cancel()
    await asyncio.wait({ringing})
    await asyncio.wait_for(colleague.hang_up(), 10)


async def test_a_colleague_who_comes_into_the_room_late_does_not_ring_on() -> None:
    livekit = Dialling()
    await given_up(livekit)
    assert livekit.put_out


class Unanswered(Dialling):
    """The same, for a telephone that nobody picks up."""

    async def create_sip_participant(self, request: Any, timeout: float) -> None:
        await super().create_sip_participant(request, timeout)
        raise TimeoutError


async def test_a_caller_who_gives_up_while_a_colleague_rings_leaves_no_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gc.collect()
    caplog.clear()  # what earlier tests have left behind
    await given_up(Unanswered())
    gc.collect()  # it is then that Python tells of an error that nobody has looked at
    assert "never retrieved" not in caplog.text


async def test_livekits_word_is_believed_where_it_gives_one() -> None:
    successful = sip.TransferSIPParticipantResponse(status=sip.STS_TRANSFER_SUCCESSFUL)
    await asyncio.wait_for(referred(successful, left=True), 5)


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (
            sip.TransferSIPParticipantResponse(
                status=sip.STS_TRANSFER_FAILED,
                reason=sip.STR_REJECTED,
                sip_status=sip.SIPStatus(code=sip.SIP_STATUS_BUSY_HERE),
            ),
            486,
            "the target did not take the call",
        ),
        (
            sip.TransferSIPParticipantResponse(
                status=sip.STS_TRANSFER_FAILED, reason=sip.STR_CALL_ENDED
            ),
            None,
            "the caller hung up",
        ),
    ],
)
async def test_a_transfer_that_failed_without_an_error_has_failed(
    answer: sip.TransferSIPParticipantResponse, status: int | None, reason: str
) -> None:
    with pytest.raises(TransferFailed, match=reason) as failed:
        await asyncio.wait_for(referred(answer), 5)
    assert failed.value.sip_status == status


async def test_a_caller_who_is_gone_was_not_transferred_where_livekit_says_nothing() -> None:
    with pytest.raises(TransferFailed, match="the caller hung up"):
        await asyncio.wait_for(referred(sip.TransferSIPParticipantResponse(), left=True), 5)
