"""Opting out: the model's tool and the caller's key, with the plugin itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from carrier import Carrier, put_on_line
from livekit.agents import ToolError
from sample_calls import call_of
from written import Said, a_session_that_writes

from host.call.call import Call
from host.call.live import LiveCall
from host.records.outcome import Outcome
from host.settings import Settings
from plugins import opt_out

ANN = "+12125550101"


@pytest.fixture
async def said() -> Said:
    """What the host has said, in order."""
    return Said()


@pytest.fixture
async def call(said: Said, carrier: Carrier) -> AsyncIterator[LiveCall]:
    """An answered call whose words are written and not spoken."""
    call = call_of(Settings(opt_out_key="9"), ANN)
    async with a_session_that_writes(said) as call.session, carrier.livekit() as livekit:
        put_on_line(call, livekit)
        yield call


def tool_of(call: LiveCall) -> Any:
    (tool,) = opt_out.tools(call.call)
    return tool


async def test_the_model_puts_whoever_it_talks_with_on_the_list(call: LiveCall) -> None:
    assert "nobody calls this number" in await tool_of(call)()
    assert call.gate.do_not_call.has(ANN)
    assert call.state.opted_out
    assert not call.over


async def test_the_model_is_told_where_that_did_not_work(
    call: LiveCall, deployment_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    call.state.number = "anonymous"
    with pytest.raises(ToolError, match="could not be noted"):
        await tool_of(call)()
    assert "an opt-out could not be noted" in caplog.text
    assert not call.state.opted_out
    assert not (deployment_folder / "do-not-call.txt").exists()


async def test_the_tool_names_no_number_for_the_model_to_choose(call: LiveCall) -> None:
    from livekit.agents import function_tool
    from livekit.agents.llm.utils import build_legacy_openai_schema

    schema = build_legacy_openai_schema(function_tool(tool_of(call)))["function"]
    assert schema["parameters"]["properties"] == {}


async def test_a_chat_has_nobody_to_opt_out() -> None:
    assert opt_out.tools(call_of(Settings(), None).call) == []


async def test_the_key_does_it_says_so_and_ends_the_call(call: LiveCall, said: Said) -> None:
    await opt_out.digit_pressed(call.call, "9")
    await call.ending
    assert call.gate.do_not_call.has(ANN)
    assert said == ["All right, we will not call this number again. Goodbye."]
    assert call.ending.result().outcome is Outcome.COMPLETED


async def test_the_goodbye_breaks_off_what_is_said_and_takes_longer_than_a_key(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    session, pressed_thrice = call.session, asyncio.Event()

    class Talking:
        current_speech = "a long story"
        stt = llm = None

        async def interrupt(self, *, force: bool) -> None:
            assert force
            heard.append("silence")

    async def say(text: str, *, interruptible: bool = True) -> None:
        assert not interruptible
        await pressed_thrice.wait()
        heard.append(text)

    call.session = Talking()  # type: ignore[assignment]
    monkeypatch.setattr(call, "say", say)
    monkeypatch.setattr("host.call.events.EVENT_LIMIT", 0.1)
    call.take("desk", SimpleNamespace(digit_pressed=lambda **facts: [pressed(**facts)]))  # type: ignore[arg-type]
    for _ in range(3):
        await call.events.emit_and_wait("digit_pressed", digit="9")
    pressed_thrice.set()
    assert call.gate.do_not_call.has(ANN)
    await asyncio.wait_for(call.ending, 5)
    assert heard == ["silence", call.persona_settings.words.opted_out]
    call.session = session


async def pressed(call: Call, digit: str) -> None:
    await opt_out.digit_pressed(call, digit)


async def test_a_goodbye_that_is_never_heard_ends_the_call_all_the_same(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opt_out, "GOODBYE_LIMIT", 0.1)
    monkeypatch.setattr(call, "say", lambda *words, **how: asyncio.Event().wait())
    await opt_out.digit_pressed(call.call, "9")
    await asyncio.wait_for(call.ending, 5)
    assert call.ending.result().outcome is Outcome.COMPLETED


async def test_another_key_does_not(call: LiveCall, said: Said) -> None:
    for digit in "012345678*#":
        await opt_out.digit_pressed(call.call, digit)
    assert not call.gate.do_not_call.has(ANN)
    assert said == []


async def test_a_key_that_answers_a_question_does_not(call: LiveCall) -> None:
    asking = asyncio.create_task(call.call.collect_digits(length=2, tries=1))
    await asyncio.sleep(0)
    assert call.keypad.asking
    call.keypad.pressed("9")
    await opt_out.digit_pressed(call.call, "9")
    call.keypad.pressed("1")
    assert await asking == "91"
    await opt_out.digit_pressed(call.call, "9")  # told of a little later
    assert not call.gate.do_not_call.has(ANN)


async def test_without_the_setting_no_key_does(call: LiveCall) -> None:
    call.persona_settings = Settings().persona("desk")
    await opt_out.digit_pressed(call.call, "9")
    await opt_out.digit_pressed(call.call, "")
    assert not call.gate.do_not_call.has(ANN)


async def test_a_caller_hears_that_it_did_not_work(call: LiveCall, said: Said) -> None:
    call.state.number = None
    await opt_out.digit_pressed(call.call, "9")
    assert said == ["I am sorry, something went wrong on our side. Please call again later."]
    assert not call.over
