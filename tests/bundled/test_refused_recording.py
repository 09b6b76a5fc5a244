"""The tool by which the model ends a recording that the caller refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_calls import a_call_with_a_job, call_of

from host.call.unrecorded import MARK
from host.records.record import Utterance
from host.settings import PersonaSettings, Settings
from plugins import recording


def settings_with(**own: bool) -> Settings:
    return Settings(personas={"reminder": PersonaSettings(**own)})


@pytest.mark.parametrize("discard", [False, True])
async def test_the_model_may_end_a_recording_and_tell_what_becomes_of_it(
    discard: bool, tmp_path: Path
) -> None:
    call = a_call_with_a_job(settings_with(record=True, discard_recording=discard))
    said = "Don't record me, please."
    call.state.transcript.append(Utterance(at=call.state.dispatched_at, who="caller", text=said))
    (stop,) = recording.tools(call.call)
    assert stop.__name__ == "stop_recording"
    told = await stop()
    assert ("is deleted" in told, "stays" in told) == (discard, not discard)
    assert call.unrecorded.stopped
    assert [line.text for line in call.state.transcript] == [MARK if discard else said]


@pytest.mark.parametrize("strict", ["reminder", "desk"])
async def test_what_one_persona_of_a_call_discards_is_discarded_for_all(strict: str) -> None:
    personas = {
        name: PersonaSettings(record=True, discard_recording=name == strict)
        for name in ("reminder", "desk")
    }
    call = a_call_with_a_job(Settings(personas=personas), "desk")
    for name in personas:
        call.state.begin_share(name)
    (stop,) = recording.tools(call.call)
    assert "is deleted" in await stop()


def test_a_call_that_another_persona_does_not_record_has_no_recording_to_end() -> None:
    personas = {"reminder": PersonaSettings(), "desk": PersonaSettings(record=True)}
    call = a_call_with_a_job(Settings(personas=personas), "desk")
    call.state.begin_share("reminder")
    call.state.persona = "desk"  # it is asked for its tools before it has the call
    assert call.call.personas == ["reminder"]
    assert recording.tools(call.call) == []


def test_there_is_nothing_to_end_in_a_call_without_a_recording() -> None:
    assert recording.tools(a_call_with_a_job(settings_with(record=False)).call) == []
    chat = call_of(settings_with(record=True), persona="reminder")
    assert recording.tools(chat.call) == []
