"""Keeps what the far end says before the persona may reply, so that none of it is lost.

LiveKit drops a turn that ends during uninterruptible speech.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from livekit.agents import (
    AgentSession,
    ConversationItemAddedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
)

from host.call.live import LiveCall

PAUSE = 0.8
"""Seconds in which LiveKit may still answer the last turn itself."""
WORDS_PATIENCE = 2.0
"""Seconds after speech in which its transcript may arrive."""
PATIENCE = 10.0
"""Seconds to wait for the far end to finish speaking."""


class FirstWords:
    """Transcripts of the far end that are not yet part of the model's context."""

    def __init__(self, call: LiveCall, session: AgentSession[Any]) -> None:
        self._call, self._session = call, session
        self._words: list[str] = []
        self._unread, self._still = False, 0.0
        self._stirred = False
        """Whether anything was heard since the last turn was dropped."""
        self._quiet = asyncio.Event()
        self._quiet.set()
        session.on("user_input_transcribed", self._on_words)
        session.on("conversation_item_added", self._on_item)
        session.on("user_state_changed", self._on_state)

    @property
    def due(self) -> bool:
        """True while the transcript of speech that has ended may still arrive."""
        return self._unread and _now() - self._still < WORDS_PATIENCE

    def take(self, *, keep_due: bool = False) -> str:
        """Return the text and clear it: whoever takes it must answer it.

        With `keep_due`, a transcript that is due still arrives; the speech that follows must not be
        interruptible then.
        """
        words, self._words = " ".join(self._words), []
        self.end_turn(keep_due=keep_due)
        return words

    def end_turn(self, *, keep_due: bool = False) -> None:
        """Drop the far end's turn if it is silent: a late end would interrupt what follows.

        LiveKit (1.8.9) then opens a new stream to the STT, and a transcript that is due is lost:
        so nothing is done where nothing was heard.
        """
        if not self._stirred:
            return
        if self._session.user_state != "speaking" and not (keep_due and self.due):
            with contextlib.suppress(RuntimeError):
                self._session.clear_user_turn()
                self._stirred = False

    async def keep(self) -> None:
        """Add the text to the model's context without a reply."""
        if words := self.take():
            await hear(self._session, words)

    async def answer(self, *, but_a_hello: bool = False) -> None:
        """Let the model reply to what was said during uninterruptible speech.

        With `but_a_hello`, one or two words only enter the context: people answer with "hello?".
        """
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._quiet.wait(), PATIENCE)
        await asyncio.sleep(PAUSE)
        said = " ".join(self._words).split()
        if self._session.user_state == "speaking" or self._call.replies_held or not said:
            return  # LiveKit replies when the current turn ends
        words = self.take()
        if but_a_hello and len(said) <= 2:
            await hear(self._session, words)
        else:
            self._session.generate_reply(user_input=words)

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        self._stirred = True
        if self._call.state.only_early_media:
            return
        if self._call.listening and self._call.listening.reporting:
            return  # a backchannel needs no answer
        if self._call.keypad.spoken.private:
            return  # the model need not know a private number either
        if event.is_final and event.transcript.strip():
            self._unread = False
            self._words.append(event.transcript.strip())

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "user":
            self._words.clear()

    def _on_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._unread = self._stirred = True
            self._quiet.clear()
        else:
            self._still = _now()
            self._quiet.set()


async def hear(session: AgentSession[Any], words: str) -> None:
    """Add words of the far end to the model's context without a reply."""
    agent = session.current_agent
    turns = agent.chat_ctx.copy()
    turns.add_message(role="user", content=words)
    await agent.update_chat_ctx(turns)


def _now() -> float:
    return asyncio.get_running_loop().time()
