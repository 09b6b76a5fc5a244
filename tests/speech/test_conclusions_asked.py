"""What a persona may ask to be concluded."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from in_memory.speech import Llm, Thinker
from livekit.agents import llm
from pydantic import BaseModel
from sample_calls import call_of
from waiting import logged_by_the_host

from host.base.clock import now
from host.call.live import LiveCall
from host.call.unrecorded import MARK
from host.local.rules import Rule
from host.records.record import Utterance
from host.settings import Settings
from host.speech.conclusions import asked_for, conclude, may_conclude
from host.speech.inference import inference_model


@pytest.mark.parametrize(
    ("answer", "named"), [("Visit", "str"), ({"day": str}, "dict"), (int, "type")]
)
def test_what_is_no_model_is_named_in_the_record(answer: Any, named: str) -> None:
    call = call_of(Settings(), conclusions=lambda call: answer)
    assert asked_for(call) is None
    expected = f"the hook returned {named}, and no class of a pydantic model"
    assert (call.state.conclusions_error, call.state.results) == (expected, {})


def test_a_hook_that_fails_is_told_of_in_the_record_and_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(call: Any) -> None:
        raise LookupError("no such visit")

    call = call_of(Settings(), conclusions=fails)
    assert asked_for(call) is None
    assert call.state.conclusions_error == "the hook failed: LookupError: no such visit"
    assert "the hook conclusions of desk failed" in caplog.text


def test_a_persona_may_decide_against_it(caplog: pytest.LogCaptureFixture) -> None:
    call = call_of(Settings(), conclusions=lambda call: None)
    assert asked_for(call) is None
    assert call.state.conclusions_error is None
    assert not caplog.records


@pytest.mark.parametrize(("heard", "may"), [([MARK], False), ([MARK, "On Monday."], True)])
def test_nothing_is_concluded_from_a_call_that_was_off_the_record_throughout(
    heard: list[str], may: bool
) -> None:
    call = call_of(Settings())
    session: Any = SimpleNamespace()
    call.session, call.state.greeted = session, True
    said = [("persona", "Good morning."), *(("caller", text) for text in heard)]
    call.state.transcript += [Utterance(at=now(), who=who, text=text) for who, text in said]
    assert may_conclude(call) is may


async def test_an_error_of_conclusions_quotes_no_private_number() -> None:
    def fails(call: Any) -> None:
        raise LookupError("no account of 8412 7733")

    call = call_of(Settings(), conclusions=fails)
    async with call.call.unrecorded():
        assert call.unrecorded.heard("8412 7733") == MARK
    assert asked_for(call) is None
    expected = "the hook failed: LookupError: no account of ••••••••"
    assert call.state.conclusions_error == expected


class Visit(BaseModel):
    day: str


def with_a_realtime_model(model: Any) -> LiveCall:
    """A call whose session has a realtime model; `llm` of the settings is another one."""
    call = call_of(Settings(llm="openai/other"), provide=lambda **asked: model)
    realtime: Any = inference_model(SETTINGS, "llm", "openai", "gpt-realtime", "", "en")
    session: Any = SimpleNamespace(llm=realtime)
    call.session = session
    return call


SETTINGS = Settings(livekit_api_key="key", livekit_api_secret="secret")


async def test_in_place_of_a_realtime_model_the_llm_of_the_settings_concludes() -> None:
    thinker = Thinker([Rule(calls=("conclude", {"day": "Monday"}))])
    call = with_a_realtime_model(Llm(thinker, "other"))
    await conclude(call, Visit)
    assert call.results["conclusions"] == {"day": "Monday"}
    assert [request["model"] for request in thinker.requests] == ["other"]


async def test_without_any_llm_the_record_says_that_there_is_none() -> None:
    call = with_a_realtime_model(
        inference_model(SETTINGS, "llm", "openai", "gpt-realtime", "", "en")
    )
    await conclude(call, Visit)
    expected = 'a realtime model draws no conclusions, and neither does llm = "openai/other"'
    assert (call.state.conclusions_error, call.state.results) == (expected, {})


async def test_arguments_that_are_no_json_are_not_quoted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Babbles(Llm):
        """Writes a private word in place of JSON."""

        def chat(self, **asked: Any) -> Any:
            calls = [llm.FunctionToolCall(name="conclude", arguments="[1, 'secret", call_id="1")]
            answer = llm.CollectedResponse(tool_calls=calls)
            return SimpleNamespace(collect=lambda: asyncio.sleep(0, answer))

    call = with_a_realtime_model(Babbles(Thinker([]), "other"))
    await conclude(call, Visit)
    expected = "the LLM's conclusions are not valid: they are no JSON object"
    assert call.state.conclusions_error == expected
    assert "secret" not in " ".join(line.getMessage() for line in logged_by_the_host(caplog))
