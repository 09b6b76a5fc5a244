"""Options of a session's room: noise is cancelled as an author says, and only the far end heard."""

from __future__ import annotations

from typing import Any

import pytest
from livekit import rtc
from livekit.agents import room_io

from host.base.errors import HostError
from host.speech.room import room_options

CANCELLED = rtc.NoiseCancellationOptions("bvc", {})
"""What `noise_cancellation.BVCTelephony()` of LiveKit's plugin is, with another name."""


def heard(*answers: Any) -> room_io.AudioInputOptions:
    """What a session hears by these answers; the last one is the persona's."""
    options = room_options(answers, "sip_ann").get_audio_input_options()
    assert options
    return options


def test_without_an_answer_only_the_far_end_is_heard() -> None:
    options = room_options([], "sip_ann")
    assert options.participant_identity == "sip_ann"
    assert (options.text_input, options.video_input) == (False, False)
    assert (options.close_on_disconnect, options.delete_room_on_close) == (False, False)
    assert heard() == room_io.AudioInputOptions(pre_connect_audio=False)


@pytest.mark.parametrize(
    "answer",
    [
        {"audio_input": {"noise_cancellation": CANCELLED}},
        {"audio_input": room_io.AudioInputOptions(noise_cancellation=CANCELLED)},
    ],
)
def test_noise_is_cancelled_by_a_dict_or_by_livekits_own_options(answer: Any) -> None:
    assert heard(answer).noise_cancellation is CANCELLED
    assert heard(answer).pre_connect_audio is False


def test_a_selector_chooses_for_each_track() -> None:
    chosen = heard({"audio_input": {"noise_cancellation": lambda of: CANCELLED}})
    assert callable(chosen.noise_cancellation)


def test_the_personas_option_wins_and_leaves_the_plugins_others() -> None:
    options = heard(
        {"audio_input": {"noise_cancellation": CANCELLED, "frame_size_ms": 20}},
        {"audio_input": {"frame_size_ms": 10}},
    )
    assert (options.noise_cancellation, options.frame_size_ms) == (CANCELLED, 10)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (5, "a dict is expected, not int"),
        ({"audio_input": True}, "audio_input is a dict or AudioInputOptions, not bool"),
        (
            {"audio_input": {"noise_cancelation": CANCELLED}},
            "AudioInputOptions has no option noise_cancelation; did you mean noise_cancellation?",
        ),
        (
            {"audio_input": {"noise_cancellation": "bvc"}},
            "noise_cancellation is an object of a LiveKit plugin, such as "
            "noise_cancellation.BVCTelephony(), not str",
        ),
        *(
            (
                {name: value},
                f"no option '{name}' can be set (these can: audio_input, audio_output, "
                "text_output)",
            )
            for name, value in {
                "text_input": True,
                "participant_identity": "somebody",
                "participant_kinds": [],
                "close_on_disconnect": True,
                "delete_room_on_close": True,
            }.items()
        ),
    ],
)
def test_what_can_not_be_set_is_one_line(answer: Any, error: str) -> None:
    with pytest.raises(HostError) as raised:
        room_options([answer], "sip_ann")
    assert str(raised.value) == f"room_options: {error}"
