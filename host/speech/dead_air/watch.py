"""Handles dead air: a filler, another request, and finally an apology and the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from livekit.agents import AgentSession, llm

from host.call.live import LiveCall
from host.speech.apology import add_utterance, fail_gracefully, prompt_player_of
from host.speech.babble import Babble
from host.speech.dead_air.pending_reply import PendingReply
from host.speech.dead_air.playout import PlayoutMonitor
from host.speech.greeting import greeting_of
from host.speech.prompts import sound_of
from host.speech.providers import adapter, remaining_stts
from host.speech.unclear import end_unclear

log = logging.getLogger("host")

GLANCE = 0.1
"""Seconds between checks."""
NO_WORDS = 1.5
"""Seconds after speech of which the STT made no words before the caller is asked again."""
AGAIN = 1.0
"""Seconds before a lost reply is requested again."""
TOOL_LIMIT = 60.0
"""Seconds that a tool may run while the caller waits."""
ASKS = 2
"""How often in a row the caller is asked to repeat, since it may have been noise. Once if nothing
was ever transcribed: the STT may be down."""
SILENT = {
    "stt": "the STT returned no transcript",
    "llm": "the LLM returned no reply",
    "tts": "the TTS returned no audio",
    "tool": "a tool did not return",
}
"""Reasons for the record, by what the reply was blocked on."""
SAY_AGAIN = "Your last words were not heard to their end. Say it again."


def watch(call: LiveCall) -> None:
    """Start watching an answered call, before its greeting."""
    session = call.session
    if session is None or session.output.audio is None:
        return
    playout = PlayoutMonitor(session.output.audio, lambda: session.current_speech)
    session.output.audio = playout
    call.spawn(DeadAir(call, session, playout).run(), "watching for dead air")


class DeadAir:
    """Detects and handles dead air in one call."""

    def __init__(self, call: LiveCall, session: AgentSession[Any], playout: PlayoutMonitor) -> None:
        self._call, self._session, self._playout = call, session, playout
        listening = call.listening
        self._reply = PendingReply(
            session,
            playout,
            lambda: call.awaits_tool,
            lambda: listening.last_result if listening else 0.0,
        )
        call.on_handover.append(self._reply.follow_models)
        self._babble = Babble(session)
        self._interjected = False
        """Whether the host has spoken into the babble that goes on."""
        self._filled = False
        self._tools_since: float | None = None

    async def run(self) -> None:
        """Watch until the call ends, is handed over or is given up."""
        call = self._call
        while not (call.over or call.state.connected or call.giving_up):
            await asyncio.sleep(GLANCE)
            await self._look()

    async def _look(self) -> None:
        if not self._reply.tools:
            self._tools_since = None
        if self._anyone_speaks():
            self._reply.settle()
            self._filled = False
            return
        if self._babble.long:
            await self._interject()
            return
        self._interjected = False
        waited, politely = self._reply.age()
        settings = self._call.persona_settings
        limit = settings.dead_air_limit
        if self._reply.unclear:
            if waited >= NO_WORDS:
                await self._not_understood()
        elif self._reply.hopeless or 0 < limit <= waited:
            await self._too_long()
        elif 0 < limit / 2 <= waited and self._may_ask_again():
            await self._ask_again()
        elif 0 < settings.filler_after <= politely and not self._filled:
            self._filled = True
            await self._say(settings.words.filler)
        elif self._reply.lost and self._reply.idle:
            self._try_again()

    def _anyone_speaks(self) -> bool:
        if self._playout.sounds or self._session.user_state == "speaking":
            return True
        far_end = self._call.far_end
        if far_end is not None and far_end.pressing:
            return True  # keys sent to an IVR menu are our reply
        if self._call.replies_held or self._call.hold.active:
            return True
        return self._playout.paused is not None  # it resumes by itself after a false interruption

    async def _too_long(self) -> None:
        """Act on a wait that has reached dead_air_limit: wait for a tool, or give the call up."""
        reply = self._reply
        blocked_on, now = reply.blocked_on, asyncio.get_running_loop().time()
        if blocked_on == "tool":
            self._tools_since = (
                self._tools_since or now - self._call.persona_settings.dead_air_limit
            )
            if now - self._tools_since < TOOL_LIMIT:
                await self._say(self._call.persona_settings.words.filler)
                reply.restart_timer()
                return
        error = reply.lost.error if reply.lost else reply.errors.get(blocked_on)
        await fail_gracefully(self._call, SILENT[blocked_on], error)

    async def _interject(self) -> None:
        """Ask at the first gap of long babble; from then on it counts as silence."""
        if not self._interjected:
            self._interjected = True
            await self._ask_again()

    async def _not_understood(self) -> None:
        """Ask again after speech that was no words; after ASKS times, bring the call to an end."""
        if self._reply.asked < ASKS:
            await self._ask_again()
        else:
            self._reply.unheard = False
            await end_unclear(self._call)

    async def _ask_again(self) -> None:
        self._reply.asked += 1
        # Until the STT has shown that it works, the wait goes on.
        works = self._reply.ever_heard or self._reply.unclear
        self._reply.unheard = self._reply.unheard and not works
        await self._say(self._call.persona_settings.words.not_heard)
        self._reply.restart_timer()

    def _may_ask_again(self) -> bool:
        if self._reply.blocked_on != "stt":
            return False
        return self._switch_stt() or self._reply.asked < (ASKS if self._reply.ever_heard else 1)

    def _switch_stt(self) -> bool:
        """Switch to the next fallback of a silent STT; False if there is none."""
        left = remaining_stts(self._session.current_agent.stt or self._session.stt)
        if not left:
            return False
        log.warning("the STT returned no transcript, switching to the next fallback")
        self._session.current_agent.update_options(stt=adapter(self._call, "stt", left))
        return True

    def _try_again(self) -> None:
        """Request a lost reply again."""
        lost = self._reply.lost
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
        """Play words of the host while the session's audio is blocked."""
        if not words:
            return
        sound = await sound_of(self._call, words)
        if not sound or self._anyone_speaks():
            return
        self._playout.hold()
        try:
            add_utterance(self._call, words)
            await prompt_player_of(self._call).play(sound)
        finally:
            self._playout.release()
