"""What is said off the record: in a pause of the recording, and after its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from canaries import CARD
from livekit.agents import UserInputTranscribedEvent, UserStateChangedEvent
from sample_calls import call_of
from written import Said, a_session_that_writes

from host import privacy as private
from host.call.keypad import MASK
from host.call.live import LiveCall
from host.call.unrecorded import MARK
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import KeyPress, MenuChoice, ToolUse, Utterance
from host.runner.checkpoint import CheckpointStore
from host.runner.takeover import restored
from host.settings import Settings
from host.speech.session import _listen

SAYS = f"My card is {CARD} and the word is violet marmalade."
NOW = datetime.now(UTC)


@pytest.fixture
async def call() -> AsyncIterator[LiveCall]:
    """A call with a session of which the host takes notes."""
    call = call_of(Settings())
    async with a_session_that_writes(Said()) as call.session:
        _listen(call, call.session)
        yield call


def hear(call: LiveCall, text: str) -> None:
    """Let the STT return an utterance of the far end."""
    assert call.session is not None
    heard = UserInputTranscribedEvent(transcript=text, is_final=True)
    call.session.emit("user_input_transcribed", heard)


def speaks(call: LiveCall, *, begins: bool) -> None:
    """Let the far end begin to speak, or end."""
    assert call.session is not None
    states: Any = ("listening", "speaking") if begins else ("speaking", "listening")
    event = UserStateChangedEvent(old_state=states[0], new_state=states[1])
    call.session.emit("user_state_changed", event)


def transcript(call: LiveCall) -> list[str]:
    return [said.text for said in call.state.transcript]


def everything(call: LiveCall, folder: Path) -> str:
    """All that a call would leave behind, if its process died now."""
    store = CheckpointStore(folder)
    store.write(call)
    return store.file(call.state.id).read_text()


async def test_what_both_sides_say_in_a_block_is_marked_and_kept_nowhere(
    call: LiveCall, tmp_path: Path
) -> None:
    hear(call, "I would like to pay.")
    async with call.call.unrecorded():
        await call.say("Please tell me the number of your card.")
        hear(call, SAYS)
        await call.say(f"I have {CARD}, is that right?")
        hear(call, "Yes.")
        call.keypad.pressed("7")
        call.call.state.order = {"card": int(CARD.replace(" ", "")), "said": SAYS, "of": 7}
    await call.say("Thank you, it is paid.")
    assert transcript(call) == [
        *("I would like to pay.", MARK, MARK, MARK, MARK),
        "Thank you, it is paid.",
    ]
    assert [said.who for said in call.state.transcript][1:5] == [
        *("persona", "caller", "persona", "caller")
    ]
    assert [key.digit for key in call.state.keys] == [MASK]
    written = everything(call, tmp_path)
    for secret in (CARD, CARD.replace(" ", ""), "violet", "tell me the number"):
        assert secret not in written
    assert json.loads(written)["kept"]["order"]["of"] == 7


async def test_what_is_said_later_is_recorded_without_the_number(call: LiveCall) -> None:
    async with call.call.unrecorded():
        hear(call, "4929 1186")
        hear(call, "0375 4429")
    await call.say(f"I have taken {CARD.replace(' ', '-')} and nothing else.")
    assert transcript(call)[-1] == f"I have taken {MASK * 16} and nothing else."


async def test_a_transcript_that_comes_late_is_of_the_pause(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.call.unrecorded.LATE", timedelta(seconds=0.05))
    async with call.call.unrecorded():
        speaks(call, begins=True)
    speaks(call, begins=False)
    await asyncio.sleep(0.1)
    hear(call, SAYS)
    assert transcript(call) == [MARK]
    await asyncio.sleep(0.1)
    speaks(call, begins=True)
    hear(call, "What day is it?")
    assert transcript(call) == [MARK, "What day is it?"]


async def test_the_rest_of_long_speech_belongs_to_the_pause_in_which_it_began(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.call.unrecorded.LATE", timedelta(seconds=0.01))
    async with call.call.unrecorded():
        speaks(call, begins=True)
        hear(call, "My card is")
    await asyncio.sleep(0.05)
    hear(call, CARD)
    assert transcript(call) == [MARK, MARK]
    await asyncio.sleep(0.05)
    hear(call, "and that was all of it.")
    assert transcript(call)[2:] == ["and that was all of it."]


async def test_speech_that_begins_soon_after_a_pause_counts_as_part_of_it(call: LiveCall) -> None:
    async with call.call.unrecorded():
        pass
    speaks(call, begins=True)
    hear(call, SAYS)
    assert transcript(call) == [MARK]


async def test_a_pause_lasts_until_the_last_digit_is_said(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = call.session
    assert session is not None
    monkeypatch.setattr(type(session), "user_state", "speaking")
    await call.call.pause_recording()
    ending = asyncio.create_task(call.call.resume_recording())
    await asyncio.sleep(0.01)
    assert call.off_record
    monkeypatch.setattr(type(session), "user_state", "listening")
    speaks(call, begins=False)
    await ending
    assert not call.off_record


async def test_noise_on_the_line_does_not_keep_a_pause_from_ending(
    call: LiveCall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.call.unrecorded.QUIET_LIMIT", 0.01)
    monkeypatch.setattr(type(call.session), "user_state", "speaking")
    async with call.call.unrecorded():
        pass
    assert not call.off_record


async def test_pauses_within_each_other_end_with_the_outermost(call: LiveCall) -> None:
    async with call.call.unrecorded():
        async with call.call.unrecorded():
            pass
        assert call.off_record
        await call.call.resume_recording()
        assert call.off_record
    assert not call.off_record
    await call.call.pause_recording()
    async with call.call.unrecorded():
        pass
    assert call.off_record
    await call.call.resume_recording()
    assert not call.off_record


async def test_a_block_that_fails_ends_its_pause(call: LiveCall) -> None:
    with pytest.raises(LookupError):
        async with call.call.unrecorded():
            raise LookupError
    assert not call.off_record


async def test_a_process_that_dies_in_a_pause_has_written_that_it_is_one(
    call: LiveCall, tmp_path: Path
) -> None:
    store = CheckpointStore(tmp_path)
    call.save = lambda: store.write(call)
    await call.call.pause_recording()
    checkpoint = store.read(call.state.id)
    assert checkpoint is not None
    again = restored(Settings(), checkpoint)
    assert again.off_record
    assert again.unrecorded.heard(SAYS) == MARK


@pytest.mark.parametrize("how", ["resume", "block"])
async def test_a_pause_of_a_dead_process_is_ended_by_the_next_one(how: str) -> None:
    before = call_of(Settings())
    await before.call.pause_recording()
    call = LiveCall(Settings(), before.state)
    assert call.off_record
    if how == "resume":
        await call.call.resume_recording()
    else:
        async with call.call.unrecorded():
            pass
    assert not call.off_record


async def test_keys_of_a_pause_are_private_also_where_keys_are_recorded(call: LiveCall) -> None:
    for key in "4711":
        call.keypad.pressed(key)
    async with call.call.unrecorded():
        assert await call.call.collect_digits(length=4) == "4711"
    assert [key.digit for key in call.state.keys] == [*MASK * 4]
    assert call.keypad.hide("It is 4711.") == f"It is {MASK * 4}."


async def test_after_its_end_nothing_is_recorded_any_more(call: LiveCall) -> None:
    hear(call, "Don't record me.")
    await call.call.stop_recording()
    async with call.call.unrecorded():
        pass
    await call.call.resume_recording()
    hear(call, SAYS)
    await call.say("As you like.")
    assert transcript(call) == ["Don't record me.", MARK, MARK]
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    record = call.state.record(await call.ending)
    assert record.recording_stopped_at == call.state.recording_stopped_at
    assert record.recording_stopped_at is not None
    assert LiveCall(Settings(), call.state).off_record


async def test_what_was_said_before_may_be_discarded_too(call: LiveCall, tmp_path: Path) -> None:
    hear(call, SAYS)
    call.keypad.pressed("5")
    tool = ToolUse(at=NOW, name="pay", arguments=f'{{"card": "{CARD}"}}', result=SAYS, failed=False)
    call.state.tools.append(tool)
    choice = MenuChoice(at=NOW, menu="kind of card", key="5", choice="credit")
    call.state.menus.append(choice)
    call.call.results["order"] = {"card": CARD, "said": SAYS, "day": "Monday"}
    await call.call.stop_recording(discard=True)
    assert transcript(call) == [MARK]
    assert call.state.keys == [KeyPress(at=call.state.keys[0].at, who="caller", digit=MASK)]
    assert (tool.name, tool.arguments, tool.result) == ("pay", "", "")
    assert (choice.menu, choice.key, choice.choice) == ("kind of card", MASK, MASK * 4)
    expected = {"card": MASK * 16, "said": MASK * 4, "day": "Monday"}
    assert call.call.results["order"] == expected
    assert call.state.recording_discarded
    assert "4929" not in everything(call, tmp_path)


@pytest.mark.parametrize("transcript_first", [True, False])
async def test_a_result_has_no_number_of_a_pause_whenever_its_transcript_comes(
    call: LiveCall, transcript_first: bool
) -> None:
    def take_note() -> None:
        call.call.results["order"] = {"card": CARD, "items": [17]}

    call.call.results["before"] = "17 roses"
    async with call.call.unrecorded():
        if transcript_first:
            hear(call, SAYS)
            take_note()
        else:  # a realtime model is faster than its transcript
            take_note()
            hear(call, SAYS)
    expected = {"before": "17 roses", "order": {"card": MASK * 16, "items": [17]}}
    assert call.state.results == expected


@pytest.mark.parametrize("allowed", [False, True])
async def test_no_setting_brings_it_into_the_log(
    call: LiveCall, mask_of_a_process: None, allowed: bool
) -> None:
    private.use(private.Mask(digits=not allowed, words=not allowed, numbers=not allowed))
    private.keep_out(tuple, call.keypad.in_a_row, tuple, call.unrecorded.words)
    async with call.call.unrecorded():
        hear(call, CARD)
        hear(call, "Marmalade")
        for key in "123":
            call.keypad.pressed(key)
        code = await call.call.collect_digits(length=3)
        number = CARD.replace(" ", "")
        for line in (f"no card {number}", f"no card {CARD}", f"code {code}", "marmalade!"):
            masked = private.mask(line)
            assert not set("4929118603754429123") & set(masked)
            assert "marmalade" not in masked
    assert private.mask("It is paid.") == "It is paid."


def test_a_call_that_pauses_nothing_masks_nothing_more() -> None:
    call = call_of(Settings())
    call.keypad.keep_secret("4711")
    call.state.transcript.append(Utterance(at=NOW, who="caller", text="Good morning."))
    assert call.unrecorded.words() == []
