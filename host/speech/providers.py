"""Creates STT, LLM and TTS from names such as `deepgram/nova-3`, with their fallbacks.

LiveKit's default retries one provider four times in 46 s of silence, so timeouts are set here.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.utils.misc import is_cloud
from livekit.agents.voice.agent_session import SessionConnectOptions

from host.base.errors import HostError, SettingsError
from host.call.live import LiveCall
from host.speech.inference import inference_model

log = logging.getLogger("host")

Kind = Literal["stt", "llm", "tts"]
KINDS: tuple[Kind, ...] = ("stt", "llm", "tts")

USUAL_LIMIT = 8.0
"""Seconds used for timeouts if dead_air_limit is 0, meaning no limit."""
ALONE, OF_SEVERAL = 0.6, 0.375
"""Timeout of one attempt as a fraction of dead_air_limit: without and with fallbacks."""
RETRIES = 2
"""Retries of a provider without a fallback."""
RETRY_AFTER = 1.0
"""Seconds before the second retry; the first is immediate."""


def with_fallbacks(call: LiveCall, kind: Kind, first: Any) -> Any:
    """Create the provider that a hook returned, with the fallbacks of host.toml.

    A fallback that can't be created is logged and left out. A realtime model has no fallbacks.
    Raises HostError if the hook returned no model, or the name of one that nobody provides.
    """
    if isinstance(first, str):
        first = make(call, kind, first)
    elif first is not None and (fault := _no_model(kind, first, "the hook")):
        raise HostError(f"{kind}: {fault}")
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
    """Combine models in a FallbackAdapter: the next one takes over on failure or timeout."""
    patience = _patience(call, kind)
    if kind == "stt":
        return stt.FallbackAdapter(
            models, attempt_timeout=patience, max_retry_per_stt=0, retry_interval=RETRY_AFTER
        )
    if kind == "llm":
        return llm.FallbackAdapter(models, attempt_timeout=patience)
    return tts.FallbackAdapter(models, max_retry_per_tts=0)


def remaining_stts(current: Any) -> list[Any]:
    """Return the STTs of a FallbackAdapter after the active one; empty without an adapter."""
    if not isinstance(current, stt.FallbackAdapter):
        return []
    # Private: LiveKit's adapter (1.8.9) does not detect an STT that hangs, and exposes its
    # instances nowhere else.
    every = current._stt_instances
    return every[every.index(current._active_instance) + 1 :]


@dataclass(frozen=True)
class ModelName:
    """A parsed name: `deepgram/nova-3`, `cartesia/sonic-3:VOICE`, `deepgram/nova-3:de`."""

    provider: str
    model: str
    voice: str
    language: str


def parse_name(kind: Kind, name: str, language: str) -> ModelName:
    """Parse a name; `language` is the persona's, used for an STT without one."""
    provider, _, model = name.partition("/")
    if kind == "llm":  # model names may contain colons: ollama/llama3.2:3b
        return ModelName(provider, model, "", language)
    model, _, more = model.partition(":")
    if kind == "stt":
        return ModelName(provider, model, "", more or language)
    return ModelName(provider, model, more, language)


def make(call: LiveCall, kind: Kind, name: str, *, setting: str = "") -> Any:
    """Create a model by its name, from a plugin or else from LiveKit Inference.

    Raises HostError, which quotes the `setting` that has the name, if neither provides it.
    """
    named = parse_name(kind, name, call.persona_settings.language)
    where, why = f'{setting or kind} = "{name}"', ""
    if not named.provider:
        raise HostError(f"{where}: name a provider, as in provider/model")
    if call.settings.inference and not _reaches_inference(call):
        raise HostError(f"{where}: inference = true needs LiveKit Cloud")
    if not call.settings.inference:
        try:
            model = call.hooks.provide(call=call.call, kind=kind, **asdict(named))
        except HostError as error:
            model, why = None, str(error)
        except Exception as error:
            raise HostError(f"{where}: {error}") from error
        if model is not None:
            return _checked(kind, name, setting, model)
        none = f"no plugin provides {named.provider}"
        if not is_cloud(call.settings.livekit_url):
            elsewhere = f"{none}; LiveKit Inference has it on LiveKit Cloud alone"
            raise HostError(f"{where}: {why or elsewhere}")
        log.info("%s is taken from LiveKit Inference: %s", where, why or none)
    return inference_model(call.settings, kind, **asdict(_completed(call, named, setting or kind)))


_CLASSES: dict[Kind, tuple[type, ...]] = {
    "stt": (stt.STT,),
    "llm": (llm.LLM, llm.RealtimeModel),
    "tts": (tts.TTS,),
}


def _reaches_inference(call: LiveCall) -> bool:
    return is_cloud(call.settings.livekit_url) or bool(os.environ.get("LIVEKIT_INFERENCE_URL"))


def _no_model(kind: Kind, answer: Any, by: str) -> str:
    """Say that `by` returned something else than a model of a kind; empty if it is one.

    LiveKit would fail silently.
    """
    if isinstance(answer, _CLASSES[kind]):
        return ""
    return f"{by} returned {type(answer).__name__}, which is no {kind.upper()}"


def _checked(kind: Kind, name: str, setting: str, model: Any) -> Any:
    """Return a plugin's model. Raises HostError if it is none of its kind."""
    where = f'{setting or kind} = "{name}"'
    if fault := _no_model(kind, model, "a plugin"):
        raise HostError(f"{where}: {fault}")
    if setting and isinstance(model, llm.RealtimeModel):
        raise HostError(f"{where}: a realtime model is no fallback")
    return model


def _completed(call: LiveCall, named: ModelName, setting: str) -> ModelName:
    """Fill in the model and voice from the settings of the provider's plugin."""
    if named.model:
        return named
    with contextlib.suppress(SettingsError):
        own = call.persona_settings.plugin(named.provider)
        model, voice = getattr(own, "model", ""), getattr(own, "voice", "")
        if model:
            return replace(named, model=model, voice=named.voice or voice)
    raise HostError(f'{setting} = "{named.provider}": name its model too, as in provider/model')


def faults(call: LiveCall, own: Collection[Kind] = ()) -> list[str]:
    """Return the models of a persona that can't be created, one line each.

    `own` are the kinds that the persona's own hooks answer; they are skipped.
    """
    found = []
    for kind in KINDS:
        names = [(name, f"{kind}_fallbacks") for name in _names(call, kind)]
        if kind not in own:
            try:
                first = getattr(call.hooks, kind)(call=call.call)
            except HostError as error:
                found.append(str(error))
                continue
            except Exception:  # a plugin's answer may depend on the call
                first = None
            if isinstance(first, str):
                names += [(first, kind)]
            elif first is not None and (fault := _no_model(kind, first, "a plugin")):
                found.append(f"{kind}: {fault}")
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
    """Return the session's timeouts and retries for each provider."""
    return SessionConnectOptions(
        stt_conn_options=_options(call, "stt"),
        llm_conn_options=_options(call, "llm"),
        tts_conn_options=_options(call, "tts"),
    )


def _options(call: LiveCall, kind: Kind) -> APIConnectOptions:
    return APIConnectOptions(
        max_retry=0 if _names(call, kind) else RETRIES,  # the fallback is tried instead
        retry_interval=RETRY_AFTER,
        timeout=_patience(call, kind),
    )


def _patience(call: LiveCall, kind: Kind) -> float:
    limit = call.persona_settings.dead_air_limit or USUAL_LIMIT
    return limit * (OF_SEVERAL if _names(call, kind) else ALONE)


def _names(call: LiveCall, kind: Kind) -> tuple[str, ...]:
    names: tuple[str, ...] = getattr(call.persona_settings, f"{kind}_fallbacks")
    return names
