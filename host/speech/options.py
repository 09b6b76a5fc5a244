"""Options of LiveKit's AgentSession, merged from every answer of the hook `session_options`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from livekit.agents import AgentSession

from host.base.errors import HostError
from host.base.text import close_to

_FLAT = {
    "turn_detection": ("turn_detection",),
    "min_endpointing_delay": ("endpointing", "min_delay"),
    "max_endpointing_delay": ("endpointing", "max_delay"),
    "allow_interruptions": ("interruption", "enabled"),
    "discard_audio_if_uninterruptible": ("interruption", "discard_audio_if_uninterruptible"),
    "min_interruption_duration": ("interruption", "min_duration"),
    "min_interruption_words": ("interruption", "min_words"),
    "false_interruption_timeout": ("interruption", "false_interruption_timeout"),
    "agent_false_interruption_timeout": ("interruption", "false_interruption_timeout"),
    "resume_false_interruption": ("interruption", "resume_false_interruption"),
}
"""Options of LiveKit before `turn_handling`, and their place in it (livekit-agents 1.8.9).

LiveKit still takes them, and ignores them without a word beside a `turn_handling`: the host's.
"""
KNOWN = frozenset(inspect.signature(AgentSession).parameters)
"""The names of AgentSession's options."""


def merged(answers: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge answers in depth, key by key: what comes later wins.

    Raises HostError for an option that AgentSession does not have.
    """
    options: dict[str, Any] = {}
    for answer in answers:
        if not isinstance(answer, Mapping):
            raise HostError(f"session_options: a dict is expected, not {type(answer).__name__}")
        for name in answer:
            if name in ("stt", "llm", "tts"):
                raise HostError(f"session_options: answer {name} from the hook {name}")
            if name not in KNOWN:
                raise HostError(
                    f"session_options: AgentSession has no option {name}{close_to(name, KNOWN)}"
                )
        # None is a value of others: of `aec_warmup_duration` it is "no warm-up".
        given = {
            name: value
            for name, value in answer.items()
            if value is not None or name not in ("turn_handling", "tools")
        }
        options = _merge(options, _in_turn_handling(given))
    return options


def _in_turn_handling(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Move LiveKit's former options to where `turn_handling` has them now."""
    moved = {name: value for name, value in answer.items() if name not in _FLAT}
    for name, value in answer.items():
        if name in _FLAT:
            for key in reversed(_FLAT[name]):
                value = {key: value}
            moved = _merge({"turn_handling": value}, moved)
    early = moved.pop("preemptive_generation", None)
    if early is not None:
        early = dict(early) if isinstance(early, Mapping) else {"enabled": early}
        moved = _merge({"turn_handling": {"preemptive_generation": early}}, moved)
    return moved


def _merge(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings as one, in depth; `second` wins where both have a key."""
    whole = dict(first)
    for key, value in second.items():
        known = whole.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        whole[key] = _merge(known, value) if both else value  # type: ignore[arg-type]
    return whole
