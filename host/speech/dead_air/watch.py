"""Watches a call for dead air: a filler, another try, and at last an apology and the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from livekit.agents import AgentSession, llm

from host.call.live import LiveCall
from host.speech.apology import fail_gracefully, note_said, room_voice
from host.speech.dead_air.pending_reply import PendingReply
from host.speech.dead_air.playout import PlayoutMonitor
from host.speech.greeting import greeting_of
from host.speech.prompts import sound_of
from host.speech.providers import adapter, ears_left

log = logging.getLogger("host")

GLANCE = 0.1
"""Seconds between two looks at the line."""
AGAIN = 1.0
"""Seconds before a reply that was lost is asked for again."""
TOOL_LIMIT = 60.0
"""Seconds that a tool may run while the far end waits for it."""
ASKS = 2
"""How often in a row the far end is asked to say something again: it may have been noise. Once
where nothing has ever been understood: the STT may be gone."""
SILENT = {
    "stt": "the STT returned no transcript",
    "llm": "the LLM returned no reply",
    "tts": "the TTS returned no audio",
    "tool": "a tool did not return",
}
"""The reason in the record, by what the reply was blocked on."""
SAY_AGAIN = "Your last words were not heard to their end. Say it again."


def watch(call: LiveCall) -> None:
    """Watch a call from the answer to its end; its greeting comes next."""
    session = call.session
    if session is None or session.output.audio is None:
        return
    voice = PlayoutMonitor(session.output.audio, lambda: session.current_speech)
    session.output.audio = voice
    call.spawn(DeadAir(call, session, voice).hold(), "watching for dead air")


class DeadAir:
    """What is done about dead air in one call."""

    def __init__(self, call: LiveCall, session: AgentSession[Any], voice: PlayoutMonitor) -> None:
        self._call, self._session, self._voice = call, session, voice
        self._debt = PendingReply(session, voice)
        self._filled = False
        self._tools_since: float | None = None

    async def hold(self) -> None:
        """Watch until the call is over, or somebody else's."""
        call = self._call
        while not (call.over or call.state.connected or call.giving_up):
            await asyncio.sleep(GLANCE)
            await self._look()

    async def _look(self) -> None:
        if not self._debt.tools:
            self._tools_since = None
        if self._somebody_speaks():
            self._debt.settle()
            self._filled = False
            return
        waited, politely = self._debt.age()
        deployment = self._call.persona_settings
        limit = deployment.dead_air_limit
        if self._debt.hopeless or 0 < limit <= waited:
            await self._too_long()
        elif 0 < limit / 2 <= waited and self._may_ask_again():
            await self._ask_again()
        elif 0 < deployment.filler_after <= politely and not self._filled:
            self._filled = True
            await self._say(deployment.words.filler)
        elif self._debt.lost and self._debt.idle:
            self._try_again()

    def _somebody_speaks(self) -> bool:
        if self._voice.sounds or self._session.user_state == "speaking":
            return True
        line = self._call.far_end
        if line is not None and line.pressing:
            return True  # to a menu, that is a word of ours
        # What is paused goes on by itself when nobody has spoken after all.
        return self._call.replies_held or self._voice.paused is not None

    async def _too_long(self) -> None:
        """Do what is left to do when the far end has waited as long as it may."""
        debt = self._debt
        blocked_on, now = debt.blocked_on, asyncio.get_running_loop().time()
        if blocked_on == "tool":
            self._tools_since = (
                self._tools_since or now - self._call.persona_settings.dead_air_limit
            )
            if now - self._tools_since < TOOL_LIMIT:
                await self._say(self._call.persona_settings.words.filler)
                debt.restart_timer()
                return
        error = debt.lost.error if debt.lost else debt.errors.get(blocked_on)
        await fail_gracefully(self._call, SILENT[blocked_on], error)

    async def _ask_again(self) -> None:
        self._debt.asked += 1
        self._debt.unheard = not self._debt.ever_heard
        await self._say(self._call.persona_settings.words.not_heard)
        self._debt.restart_timer()

    def _may_ask_again(self) -> bool:
        if self._debt.blocked_on != "stt":
            return False
        return self._other_ears() or self._debt.asked < (ASKS if self._debt.ever_heard else 1)

    def _other_ears(self) -> bool:
        """Take the next STT of the fallbacks where this one is silent; False where none is left."""
        left = ears_left(self._session.current_agent.stt or self._session.stt)
        if not left:
            return False
        log.warning("the STT returned no transcript, switching to the next fallback")
        self._session.current_agent.update_options(stt=adapter(self._call, "stt", left))
        return True

    def _try_again(self) -> None:
        """Ask once more for a reply that a provider has failed to bring."""
        lost = self._debt.lost
        assert lost is not None
        now = asyncio.get_running_loop().time()
        if now - (lost.again or lost.at) < AGAIN:
            return
        lost.again = now
        log.info("the %s failed, requesting the reply again", lost.kind.upper())
        with contextlib.suppress(RuntimeError):  # the session is closing
            words = "" if self._has_talked() else greeting_of(self._call).text
            if words:
                self._call.speak(words, interruptible=False)
            elif self._last_role() == "assistant":
                self._session.generate_reply(instructions=SAY_AGAIN)
            else:
                self._session.generate_reply()

    def _has_talked(self) -> bool:
        return "user" in self._roles()

    def _last_role(self) -> str | None:
        return next(reversed(self._roles()), None)

    def _roles(self) -> list[str]:
        items = self._session.history.items
        return [item.role for item in items if isinstance(item, llm.ChatMessage)]

    async def _say(self, words: str) -> None:
        """Say words of the host's own beside the session, whose voice waits meanwhile."""
        if not words:
            return
        sound = await sound_of(self._call, words)
        if not sound or self._somebody_speaks():
            return
        self._voice.hold()
        try:
            note_said(self._call, words)
            await room_voice(self._call).play(sound)
        finally:
            self._voice.release()
