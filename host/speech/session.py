"""Builds LiveKit's AgentSession and Agent from a call's hooks."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    CloseReason,
    ConversationItemAddedEvent,
    ErrorEvent,
    SpeechCreatedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
)

from host.call.live import LiveCall
from host.call.mcp.toolset import join_mcp_tools
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Utterance
from host.speech.apology import fail_gracefully
from host.speech.first_words import FirstWords
from host.speech.listening import Listening
from host.speech.persona_agent import agent_of, models_of
from host.speech.persona_handover import PersonaHandover
from host.speech.prompts import RenderedSpeech
from host.speech.session_options import options_of
from host.speech.tool_log import ToolLog
from host.speech.tool_results import ToolResults
from host.speech.usage import keep_usage

log = logging.getLogger("host")


def make_session(call: LiveCall, *, text: bool = False) -> tuple[AgentSession[Any], Agent]:
    """Build a call's session and agent from its hooks. Raises what a hook raises.

    A `text` conversation has no STT or TTS and needs no keys for them.
    """
    models = models_of(call, text=text)
    options = options_of(call, models, text=text)
    session: AgentSession[Any] = AgentSession(
        stt=models.stt,
        llm=models.llm,
        tts=models.tts,
        tools=options.tools,
        **options.values,
    )
    agent = agent_of(call)
    join_mcp_tools(session, agent)
    call.session = session
    call.first_words = FirstWords(call, session)
    if models.stt is not None:
        call.listening = Listening(call, session, backchannels=options.backchannels)
        call.listening.attach(agent)
    call.handovers = PersonaHandover(call, session, text=text)
    _listen(call, session)
    ToolLog(call, session)
    if not text:
        call.tool_results = ToolResults(call, session)
        call.rendered = RenderedSpeech(call, session)
    keep_usage(call, session)
    return session, agent


def _listen(call: LiveCall, session: AgentSession[Any]) -> None:
    """Add the session's events to the call's state; end the call when the session closes."""

    @session.on("user_input_transcribed")
    def heard(event: UserInputTranscribedEvent) -> None:
        if event.is_final and event.transcript.strip() and not call.state.only_early_media:
            call.state.transcript.append(
                Utterance(
                    at=_time(event.created_at),
                    who="caller",
                    text=call.unrecorded.heard(event.transcript),
                )
            )
            call.transcript_changed.set()
            call.keypad.spoken.heard(event.transcript)

    @session.on("user_state_changed")
    def sounded(event: UserStateChangedEvent) -> None:
        if "speaking" in (event.old_state, event.new_state):
            call.unrecorded.far_end_speaks(begins=event.new_state == "speaking")
        if event.new_state == "speaking" and call.state.answered:
            call.state.sounded = True
            call.state.sounded_back |= call.state.first_word_at is not None

    @session.on("conversation_item_added")
    def said(event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, llm.ChatMessage) and item.role == "assistant" and not call.bridged:
            at = _time(item.created_at)
            text = call.unrecorded.spoken(item.text_content or "", at)
            call.state.transcript.append(Utterance(at=at, who="persona", text=text))

    @session.on("speech_created")
    def answered_by_itself(event: SpeechCreatedEvent) -> None:
        # A realtime model with its own turn detection does not ask PersonaAgent before it replies.
        by_itself = not event.user_initiated
        # Nor does an author's agent on hold. What the host itself says there, it says with replies
        # held.
        on_hold = call.hold.active and event.source == "generate_reply" and not call.replies_held
        if on_hold or (by_itself and (call.replies_held or not call.state.greeted)):
            event.speech_handle.interrupt(force=True)
            call.hold.suppressed = on_hold and by_itself

    @session.on("agent_state_changed")
    def stirred(event: AgentStateChangedEvent) -> None:
        if event.new_state == "speaking" and call.state.answered:
            call.state.mark("first_word")

    @session.on("error")
    def failed(event: ErrorEvent) -> None:
        log.warning("%s: %s", type(event.source).__name__, getattr(event.error, "error", None))
        if isinstance(event.error, llm.RealtimeModelError) and not event.error.recoverable:
            # LiveKit (1.8.9) then fails to close the session and never emits "close".
            _fail_gracefully(call, event.error)

    @session.on("close")
    def closed(event: CloseEvent) -> None:
        if call.state.connected:
            return  # the persona has left; the call continues
        if event.reason == CloseReason.ERROR:
            _fail_gracefully(call, event.error)
        elif event.reason == CloseReason.JOB_SHUTDOWN:
            call.end(Ending(Outcome.FAILED, "host", "the host was stopped"))
        else:
            call.end(Ending(Outcome.COMPLETED, "persona", f"{call.persona} hung up"))


def _fail_gracefully(call: LiveCall, error: Any) -> None:
    """Apologise and end the call after a permanent provider failure."""
    names = {"stt_error": "STT", "llm_error": "LLM", "tts_error": "TTS"}
    which = names.get(getattr(error, "type", ""), "realtime model")
    problem = getattr(error, "error", error)
    text = str(problem) or type(problem).__name__
    call.spawn(fail_gracefully(call, f"the {which} failed permanently", text), "failing the call")


def _time(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)
