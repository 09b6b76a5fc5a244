"""Options of a session: the host's stay where an author changes one of them."""

from __future__ import annotations

from typing import Any

import pytest

from host.base.errors import HostError
from host.call.live import LiveCall
from host.registry import defaults
from host.settings import Settings
from host.speech.options import merged

HOSTS = dict(defaults.session_options(LiveCall(Settings()).call))


def with_hosts(*answers: dict[str, Any]) -> dict[str, Any]:
    """What a session gets of these answers and the host's; the last one is the persona's."""
    return merged([HOSTS, *answers])


def test_an_option_of_the_personas_leaves_the_hosts_others_as_they_are() -> None:
    options = with_hosts({"turn_handling": {"interruption": {"min_words": 2}}})
    assert options["turn_handling"]["interruption"] == {
        "mode": "vad",
        "discard_audio_if_uninterruptible": False,
        "min_words": 2,
    }
    assert options["max_tool_steps"] == HOSTS["max_tool_steps"]


def test_the_personas_option_wins_key_by_key() -> None:
    options = with_hosts(
        {"turn_handling": {"interruption": {"mode": "vad", "min_words": 3}}},
        {"turn_handling": {"interruption": {"mode": "adaptive"}, "turn_detection": None}},
    )
    handling = options["turn_handling"]
    assert (handling["interruption"]["mode"], handling["interruption"]["min_words"]) == (
        "adaptive",
        3,
    )
    assert handling["turn_detection"] is None


@pytest.mark.parametrize(
    ("former", "place"),
    [
        ({"min_interruption_words": 2}, ("interruption", "min_words", 2)),
        ({"allow_interruptions": False}, ("interruption", "enabled", False)),
        ({"min_endpointing_delay": 0.2}, ("endpointing", "min_delay", 0.2)),
        ({"preemptive_generation": False}, ("preemptive_generation", "enabled", False)),
        (
            {"preemptive_generation": {"max_retries": 1}},
            ("preemptive_generation", "max_retries", 1),
        ),
    ],
)
def test_livekits_former_options_are_not_lost_beside_the_hosts(
    former: dict[str, Any], place: tuple[str, str, Any]
) -> None:
    part, key, value = place
    options = with_hosts(former)
    assert options["turn_handling"][part][key] == value
    assert options["turn_handling"]["interruption"]["discard_audio_if_uninterruptible"] is False
    assert not former.keys() & options.keys()


def test_answers_are_not_changed() -> None:
    own = {"turn_handling": {"interruption": {"min_words": 2}}}
    with_hosts(own)
    assert own == {"turn_handling": {"interruption": {"min_words": 2}}}
    assert "min_words" not in HOSTS["turn_handling"]["interruption"]


def test_an_option_that_livekit_does_not_have_is_one_line() -> None:
    with pytest.raises(HostError, match="has no option max_tool_step; did you mean max_tool_steps"):
        with_hosts({"max_tool_step": 3})


def test_a_model_has_a_hook_of_its_own() -> None:
    with pytest.raises(HostError, match="^session_options: answer stt from the hook stt$"):
        with_hosts({"stt": object()})


def test_none_is_a_value_but_for_what_is_merged() -> None:
    options = with_hosts({"turn_handling": None, "tools": None, "aec_warmup_duration": None})
    assert options["aec_warmup_duration"] is None
    assert "tools" not in options
    assert options["turn_handling"] == HOSTS["turn_handling"]


@pytest.mark.parametrize("answer", [5, "tools", [("tools", [])]])
def test_what_is_no_dict_is_one_line(answer: Any) -> None:
    with pytest.raises(HostError, match="^session_options: a dict is expected, not "):
        merged([answer])
