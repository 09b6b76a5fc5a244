"""Which voice a TTS has: two with the same key sound alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import sha256
from typing import Any

from livekit.agents import tts

_KEPT_OUT = ("api_key", "secret", "token", "session", "credentials")
"""Parts of names of options that say who pays, and not how it sounds."""
_OF_LIVEKIT = ("_capabilities", "_events", "_expressive", "_label", "_num_channels")
"""Attributes of every TTS (livekit-agents 1.8.9), some of which change while it is used."""


def tts_key(engine: tts.TTS[Any]) -> str:
    """Return a key for a TTS voice: provider, model, and a digest of the options.

    Of a FallbackAdapter, it is the key of the first voice.
    """
    if isinstance(engine, tts.FallbackAdapter):
        engine = engine._tts_instances[0]  # private (livekit-agents 1.8.9): no attribute has it
    # Private: LiveKit has no public attribute for the voice. Its plugins keep all that they were
    # made with in `_opts`; a TTS of another kind has attributes of its own.
    options = getattr(engine, "_opts", None)
    own = _fields(options) if options is not None else _own(engine)
    known = json.dumps(_plain({**own, "rate": engine.sample_rate}), sort_keys=True)
    return "/".join((engine.provider, engine.model, sha256(known.encode()).hexdigest()[:16]))


def _own(engine: tts.TTS[Any]) -> Mapping[str, Any]:
    """Return the attributes that the class of a TTS has added to LiveKit's."""
    return {name: value for name, value in vars(engine).items() if name not in _OF_LIVEKIT}


def _fields(options: Any) -> Mapping[str, Any]:
    if is_dataclass(options):
        return {each.name: getattr(options, each.name) for each in fields(options)}
    return options if isinstance(options, Mapping) else vars(options)


def _plain(value: Any) -> Any:
    """Return what of a value is the same in each process; None for the rest, such as a client."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, Mapping):
        return {
            str(name): _plain(each)
            for name, each in value.items()
            if not any(part in str(name) for part in _KEPT_OUT)
        }
    return None
