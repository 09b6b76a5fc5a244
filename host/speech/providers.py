"""Who steps in when a provider fails: the lists of fallbacks of host.toml, and their time limits.

LiveKit's own defaults try one provider four times in 46 s, and the caller hears nothing meanwhile.
"""

from __future__ import annotations

import logging
from typing import Any, Literal

from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.voice.agent_session import SessionConnectOptions

from host.base.errors import HostError
from host.call.live import LiveCall
from host.dispatch.livekit import inference_model

log = logging.getLogger("host")

Kind = Literal["stt", "llm", "tts"]
KINDS: tuple[Kind, ...] = ("stt", "llm", "tts")

USUAL_LIMIT = 8.0
"""Seconds that stand for a dead_air_limit of 0, which is none."""
ALONE, OF_SEVERAL = 0.6, 0.375
"""The part of dead_air_limit that one provider may be silent before the next try."""
RETRIES = 2
"""How often a provider that has no fallback is tried again at once."""
RETRY_AFTER = 1.0
"""Seconds before the second of these tries; the first comes at once."""


def with_fallbacks(call: LiveCall, kind: Kind, first: Any) -> Any:
    """Put the fallbacks of host.toml behind what a hook answered.

    One that can't be made is left out: the call has its provider all the same. A realtime model,
    which is one with its ears and voice, has no fallbacks.
    """
    if isinstance(first, str):
        first = inference_model(call.settings, kind, first)
    models = []
    for name in _names(call, kind):
        try:
            models.append(make(call, kind, name))
        except Exception as error:
            log.error("the call goes without a fallback: %s", error)
    if not models or first is None or isinstance(first, llm.RealtimeModel):
        return first
    return adapter(call, kind, [first, *models])


def adapter(call: LiveCall, kind: Kind, models: list[Any]) -> Any:
    """Put models behind each other: the next one answers when one fails or takes too long."""
    patience = _patience(call, kind)
    if kind == "stt":
        return stt.FallbackAdapter(
            models, attempt_timeout=patience, max_retry_per_stt=0, retry_interval=RETRY_AFTER
        )
    if kind == "llm":
        return llm.FallbackAdapter(models, attempt_timeout=patience)
    return tts.FallbackAdapter(models, max_retry_per_tts=0)


def ears_left(ears: Any) -> list[Any]:
    """Return the STTs behind the one that listens now."""
    if not isinstance(ears, stt.FallbackAdapter):
        return []
    # Private: an STT that hangs is nothing that LiveKit's adapter notices (1.8.9), and it names
    # the STTs that it has nowhere else.
    every = ears._stt_instances
    return every[every.index(ears._active_instance) + 1 :]


def make(call: LiveCall, kind: Kind, name: str) -> Any:
    """Make the model that a list of fallbacks names. Raises HostError where nobody can."""
    try:
        model = call.hooks.fallback(call=call.call, kind=kind, model=name)
    except HostError:
        raise
    except Exception as error:
        raise HostError(f"{kind}_fallbacks: {name}: {error}") from error
    if model is None:
        raise HostError(
            f"{kind}_fallbacks: nothing makes {name}: no plugin knows it or its key is not set, "
            "and LiveKit Inference needs LiveKit Cloud"
        )
    return model


def faults(call: LiveCall) -> list[str]:
    """Say which fallbacks of a persona can't be made, a line each."""
    found = []
    for kind in KINDS:
        for name in _names(call, kind):
            try:
                make(call, kind, name)
            except HostError as error:
                found.append(str(error))
    target = call.persona_settings.transfer_on_failure
    if target and target not in call.persona_settings.transfers:
        found.append(f"transfer_on_failure: {target!r} is not among [transfers]")
    return found


def connecting(call: LiveCall) -> SessionConnectOptions:
    """How long a session waits for each provider, and how often it tries again."""
    return SessionConnectOptions(
        stt_conn_options=_options(call, "stt"),
        llm_conn_options=_options(call, "llm"),
        tts_conn_options=_options(call, "tts"),
    )


def _options(call: LiveCall, kind: Kind) -> APIConnectOptions:
    return APIConnectOptions(
        max_retry=0 if _names(call, kind) else RETRIES,  # the next one is tried instead
        retry_interval=RETRY_AFTER,
        timeout=_patience(call, kind),
    )


def _patience(call: LiveCall, kind: Kind) -> float:
    limit = call.persona_settings.dead_air_limit or USUAL_LIMIT
    return limit * (OF_SEVERAL if _names(call, kind) else ALONE)


def _names(call: LiveCall, kind: Kind) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(call.persona_settings, f"{kind}_fallbacks")
    return names
