"""The caller's turns: when one begins and ends, by the server's ears or by the client's word."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from host.local.realtime.conversation import Conversation, Item, Refused
from host.local.realtime.hearing import Hearing
from host.local.realtime.response import Send
from host.local.realtime.session import Session
from host.local.speech import Event, Sentences, SpeechEnded, SpeechStarted

LEAST_TO_COMMIT = 0.1
"""Seconds of sound that a client must have sent before it may say that a turn is over."""


class Turns:
    """Hears the caller, and puts each turn into the conversation.

    `interrupt` is called when the caller begins to speak, `respond` when an answer is due: both
    only where the client leaves that to the server. `lock` keeps events from crossing each other.
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
        """Id of the message that the caller is speaking."""

    def hear(self, audio: str) -> None:
        """Hear base64 of PCM16. Ears are made with the first sound, when the session is settled."""
        if self._hearing is None:
            told = self._noticed if self._session.turn_detection else _left_to_the_client
            self._hearing = Hearing(self._callers, self._session.silence, told)
        self._hearing.push(audio)

    async def forget(self) -> None:
        """Forget what was heard and is in no turn yet, and begin anew with the next sound."""
        hearing, self._hearing = self._hearing, None
        self._turn = ""
        if hearing is not None:
            await hearing.drop()

    async def commit(self) -> None:
        """End the turn because the client says so."""
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
        """Take turns for the client: server VAD."""
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
        """Make a message of what was said, and write it down for a client that wants to read it."""
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
    """Leave it to the client when a turn is over."""
