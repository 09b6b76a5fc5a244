"""The caller's turns: detected by the server or committed by the client."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from host.local.realtime.conversation import Conversation, Item, Refused
from host.local.realtime.hearing import Hearing
from host.local.realtime.response import Send
from host.local.realtime.session import Session
from host.local.speech import Event, Sentences, SpeechEnded, SpeechStarted

LEAST_TO_COMMIT = 0.1
"""Minimum seconds of audio in a turn that a client commits."""


class Turns:
    """Recognises the caller and adds each turn to the conversation.

    `interrupt` is called when the caller starts to speak and `respond` when a response is due,
    each only if the client leaves that to the server. `lock` serialises events.
    """

    def __init__(
        self,
        session: Session,
        conversation: Conversation,
        callers: Sentences,
        *,
        send: Send,
        new_id: Callable[[str], str],
        lock: asyncio.Lock,
        interrupt: Callable[[], Awaitable[None]],
        respond: Callable[[], Awaitable[None]],
    ) -> None:
        self._session, self._conversation, self._callers = session, conversation, callers
        self._send, self._new_id, self._lock = send, new_id, lock
        self._interrupt, self._respond = interrupt, respond
        self._hearing: Hearing | None = None
        self._turn = ""
        """Id of the message in progress."""

    def hear(self, audio: str) -> None:
        """Recognise base64-encoded PCM16. Recognition starts with the first audio."""
        if self._hearing is None:
            notify = self._noticed if self._session.turn_detection else _left_to_the_client
            self._hearing = Hearing(self._callers, self._session.silence, notify)
        self._hearing.push(audio)

    async def forget(self) -> None:
        """Discard audio that belongs to no turn yet, and start again with the next audio."""
        hearing, self._hearing = self._hearing, None
        self._turn = ""
        if hearing is not None:
            await hearing.drop()

    async def commit(self) -> None:
        """End the turn at the client's request."""
        hearing = self._hearing
        if self._session.turn_detection:
            if not self._turn or hearing is None:
                raise Refused("nobody is speaking", "input_audio_buffer_commit_empty")
            hearing.flush()
            return
        if hearing is None or hearing.seconds < LEAST_TO_COMMIT:
            raise Refused("there is too little sound", "input_audio_buffer_commit_empty")
        self._hearing = None
        await self._end(self._new_id("item"), await hearing.finish(), hearing.seconds)

    async def _noticed(self, event: Event) -> None:
        """Handle turns for the client: server VAD."""
        async with self._lock:
            wishes = self._session.turn_detection or {}
            if isinstance(event, SpeechStarted):
                self._turn = self._new_id("item")
                at = {"item_id": self._turn, "audio_start_ms": round(event.at * 1000)}
                await self._send("input_audio_buffer.speech_started", **at)
                if wishes.get("interrupt_response") is not False:
                    await self._interrupt()
            elif isinstance(event, SpeechEnded) and self._hearing is not None:
                turn, self._turn = self._turn, ""
                at = {"item_id": turn, "audio_end_ms": round(event.end * 1000)}
                await self._send("input_audio_buffer.speech_stopped", **at)
                await self._end(turn, self._hearing.take(), event.end - event.start)
                if wishes.get("create_response") is not False:
                    await self._respond()

    async def _end(self, turn: str, words: str, seconds: float) -> None:
        """Add the turn to the conversation, and send its transcript if requested."""
        content = {"type": "input_audio", "transcript": None}
        item: Item = {"id": turn, "object": "realtime.item", "type": "message", "role": "user"}
        item |= {"status": "completed", "content": [content]}
        before = self._conversation.add(item)
        await self._send("input_audio_buffer.committed", item_id=turn, previous_item_id=before)
        await self._send("conversation.item.added", item=item, previous_item_id=before)
        await self._send("conversation.item.done", item=item, previous_item_id=before)
        content["transcript"] = words
        if self._session.transcribes:
            kind = "conversation.item.input_audio_transcription"
            at: dict[str, Any] = {"item_id": turn, "content_index": 0}
            usage = {"type": "duration", "seconds": round(seconds, 2)}
            await self._send(f"{kind}.delta", **at, delta=words)
            await self._send(f"{kind}.completed", **at, transcript=words, usage=usage)


async def _left_to_the_client(event: Event) -> None:
    """Ignore events: the client commits turns."""
