"""From names such as `deepgram/nova-3` to models, with those that step in when one fails.

LiveKit's own defaults try one provider four times in 46 s, and the caller hears nothing meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.utils.misc import is_cloud
from livekit.agents.voice.agent_session import SessionConnectOptions

from host.base.errors import HostError, SettingsError
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
    """Make what a hook answered, with the fallbacks of host.toml behind it.

    A fallback that can't be made is left out: the call has its provider all the same. A realtime
    model, which is one with its ears and voice, has no fallbacks.
    """
    if isinstance(first, str):
        first = make(call, kind, first)
    models = []
    for name in _names(call, kind):
        try:
            models.append(make(call, kind, name, setting=f"{kind}_fallbacks"))
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


@dataclass(frozen=True)
class ModelName:
    """A name, parted: `deepgram/nova-3`, `cartesia/sonic-3:VOICE`, `deepgram/nova-3:de`."""

    provider: str
    model: str
    voice: str
    language: str


def parse_name(kind: Kind, name: str, language: str) -> ModelName:
    """Part a name; `language` is that of the persona, where the name of an STT has none."""
    provider, _, model = name.partition("/")
    if kind == "llm":  # names of models have colons of their own: ollama/llama3.2:3b
        return ModelName(provider, model, "", language)
    model, _, more = model.partition(":")
    if kind == "stt":
        return ModelName(provider, model, "", more or language)
    return ModelName(provider, model, more, language)


def make(call: LiveCall, kind: Kind, name: str, *, setting: str = "") -> Any:
    """Make the model of this name: by a plugin, otherwise by LiveKit Inference.

    Raises HostError, with the `setting` in which the name stands, where neither can.
    """
    named = parse_name(kind, name, call.persona_settings.language)
    why = f"no plugin provides {named.provider}"
    if not call.settings.inference:
        try:
            model = call.hooks.provide(call=call.call, kind=kind, **asdict(named))
        except HostError as error:
            model, why = None, str(error)
        except Exception as error:
            raise HostError(f'{setting or kind} = "{name}": {error}') from error
        if model is not None:
            return model
        if not is_cloud(call.settings.livekit_url):
            missing = "; LiveKit Inference has it on LiveKit Cloud alone"
            if why != f"no plugin provides {named.provider}":
                missing = ""
            raise HostError(f'{setting or kind} = "{name}": {why}{missing}')
        log.info('%s = "%s" is taken from LiveKit Inference: %s', setting or kind, name, why)
    return inference_model(call.settings, kind, **asdict(_completed(call, named, setting or kind)))


def _completed(call: LiveCall, named: ModelName, setting: str) -> ModelName:
    """Fill in the model and voice that the provider's plugin has in its settings."""
    if named.model:
        return named
    with contextlib.suppress(SettingsError):
        own = call.persona_settings.plugin(named.provider)
        model, voice = getattr(own, "model", ""), getattr(own, "voice", "")
        if model:
            return replace(named, model=model, voice=voice)
    raise HostError(f'{setting} = "{named.provider}": name its model too, as in provider/model')


def faults(call: LiveCall, own: Collection[Kind] = ()) -> list[str]:
    """Say which models of a persona can't be made, a line each.

    `own` are the kinds that the persona's own hooks answer.
    """
    found = []
    for kind in KINDS:
        names = [(name, f"{kind}_fallbacks") for name in _names(call, kind)]
        if kind not in own:
            first = getattr(call.hooks, kind)(call=call.call)
            names += [(first, kind)] if isinstance(first, str) else []
        for name, setting in names:
            try:
                make(call, kind, name, setting=setting)
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
