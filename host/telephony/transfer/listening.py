"""A session that hears a colleague, or an operator, and never replies by itself."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentSession,
    SpeechCreatedEvent,
    StopResponse,
    llm,
    room_io,
)

from host.call.live import LiveCall
from host.speech.persona_agent import stt_and_tts
from host.speech.usage import keep_usage
from host.telephony.transfer.colleague import IDENTITY

CLOSING_LIMIT = 3.0
"""Seconds that the session may take to close."""


class _Listener(Agent):
    """An agent that never replies: the host evaluates the transcript itself."""

    def __init__(self) -> None:
        super().__init__(instructions="Say exactly what you are told to say, and nothing else.")

    async def on_user_turn_completed(
        self, turn_ctx: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        raise StopResponse


def listening_session(call: LiveCall) -> AgentSession[Any]:
    """Return a session with the persona's STT, TTS and VAD, not started yet."""
    assert call.session is not None
    model = (
        call.hooks.llm(call=call.call) if isinstance(call.session.llm, llm.RealtimeModel) else None
    )
    stt, tts = stt_and_tts(call, model)
    options: dict[str, Any] = {"llm": model} if model else {}
    if call.session.vad:
        options["vad"] = call.session.vad
    if model is None:
        options["turn_handling"] = {"turn_detection": "vad"}
    session: AgentSession[Any] = AgentSession(stt=stt, tts=tts, **options)
    keep_usage(call, session)

    @session.on("speech_created")
    def answered_by_itself(event: SpeechCreatedEvent) -> None:
        # A realtime model with its own turn detection does not ask the agent before it replies.
        if not event.user_initiated:
            event.speech_handle.interrupt(force=True)

    return session


@contextlib.asynccontextmanager
async def listening(
    session: AgentSession[Any], room: rtc.Room, *, identity: str = IDENTITY, speaks: bool = True
) -> AsyncIterator[None]:
    """Run the session in a room that somebody will join. `speaks`: whether they hear it."""
    options = room_io.RoomOptions(
        participant_identity=identity,
        video_input=False,
        text_input=False,
        audio_output=speaks,
        text_output=speaks,
        close_on_disconnect=False,
    )
    try:
        await session.start(
            _Listener(), room=room, room_options=options, session_host=False, record=False
        )
        yield
    finally:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(session.aclose(), CLOSING_LIMIT)
