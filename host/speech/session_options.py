"""What a session gets of a persona besides its agent and models; also of one that takes the call.

LiveKit reads most options when it needs them, or as an agent starts: those are the options of the
persona that has the call. `FIRST_ONLY` it reads once, as the session starts.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import Any

from livekit.agents import Agent, AgentSession, llm
from livekit.agents.utils import is_given

from host.call.live import LiveCall
from host.speech.listening import PATIENCE, recognises_backchannels
from host.speech.options import merged
from host.speech.persona_agent import Models, tools_of
from host.speech.providers import connecting

log = logging.getLogger("host")

FIRST_ONLY = ("aec_warmup_duration", "ivr_detection", "mcp_servers")
"""Options that hold for the whole call, as the persona has them that took it first."""
_LATER = (
    "turn_handling",
    "endpointing_overrides",
    "max_tool_steps",
    "user_away_timeout",
    "transcription_timeout",
    "min_consecutive_speech_delay",
    "use_tts_aligned_transcript",
    "tts_text_transforms",
    "session_close_transcript_timeout",
)
"""Fields of `AgentSession.options` that LiveKit (1.8.9) reads whenever it needs them."""


@dataclass(frozen=True)
class PersonaOptions:
    """A persona's options of AgentSession, and its tools."""

    values: dict[str, Any]
    tools: list[llm.Tool | llm.Toolset]
    backchannels: bool
    """Whether the host recognises backchannels."""


def options_of(call: LiveCall, models: Models, *, text: bool = False) -> PersonaOptions:
    """Collect a persona's options from its hooks. Raises what a hook raises, and HostError.

    A `text` conversation has no turns to detect.
    """
    # The persona's answer comes first in the list, and wins.
    answers = list(reversed(call.hooks.session_options(call=call.call)))
    options = merged([{"conn_options": connecting(call)}, *answers])
    if text:
        options.update(vad=None, turn_handling={"turn_detection": None})
    backchannels = models.hears and recognises_backchannels(call, options)
    if backchannels:
        options = merged([PATIENCE, options])
    tools = [*tools_of(call.call), *options.pop("tools", [])]
    return PersonaOptions(options, tools, backchannels)


class NextOptions:
    """The options of a persona that a call is handed over to."""

    def __init__(self, session: AgentSession[Any], options: PersonaOptions, models: Models) -> None:
        """Raises what AgentSession raises for an option that it can't take."""
        self._session, self._models, self._options = session, models, options
        # Never started: it checks the options, and completes them with LiveKit's defaults.
        self._made: AgentSession[Any] = AgentSession(**options.values)

    def before(self, agent: Agent) -> None:
        """Set what LiveKit reads as the next agent is made; the one before takes no more turns."""
        session, made, models = self._session, self._made, self._models
        # The session has the other persona's models until then, so the agent brings its own.
        own = {"stt": agent.stt, "llm": agent.llm, "tts": agent.tts}
        of_persona = {"stt": models.stt, "llm": models.llm, "tts": models.tts}
        agent.update_options(
            **{kind: of_persona[kind] for kind, given in own.items() if not is_given(given)}
        )
        # Private (livekit-agents 1.8.9): `update_options` has no VAD, interruptions and tools, and
        # takes a default turn detector for one that the persona has asked for.
        session._vad, session._using_default_vad = made._vad, made._using_default_vad
        session._turn_detection = made._turn_detection
        session._turn_detection_explicit = made._turn_detection_explicit
        session._interruption_detection = made._interruption_detection
        session._async_tool_options = made._async_tool_options

    def after(self, call: LiveCall) -> None:
        """Set the rest, once the agent before is closed, also for further agents of the persona."""
        session, made, models = self._session, self._made, self._models
        self._tell_kept(call.persona)
        for name in _LATER:
            setattr(session.options, name, getattr(made.options, name))
        for field in fields(session.conn_options):
            setattr(session.conn_options, field.name, getattr(made.conn_options, field.name))
        values, context = self._options.values, made.options.stt_context_options
        session.update_options(expressive=values.get("expressive", False))
        if context["keyterms"] != session.options.stt_context_options["keyterms"]:
            session.update_options(keyterms=list(context["keyterms"]))
        session.options.stt_context_options = context
        if "userdata" in values:
            session.userdata = values["userdata"]
        # Private: the models of a session (livekit-agents 1.8.9) have no setter.
        session._stt, session._llm, session._tts = models.stt, models.llm, models.tts
        for tool in session.tools:
            if isinstance(tool, llm.Toolset):
                call.spawn(tool.aclose(), "closing a toolset")
        session.tools[:] = self._options.tools
        if call.listening is not None:
            call.listening.recognises = self._options.backchannels

    def _tell_kept(self, persona: str) -> None:
        """Log the options of the persona that have no effect."""
        kept = [
            name for name in FIRST_ONLY if _value(self._session, name) != _value(self._made, name)
        ]
        if kept:
            names = ", ".join(kept)
            log.warning("session_options: %s has no effect in %s after a handover", names, persona)


def _value(session: AgentSession[Any], name: str) -> Any:
    return getattr(session if name == "mcp_servers" else session.options, name)
