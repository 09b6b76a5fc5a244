"""Hands a call over to another persona: its agent, models, tools, settings and hooks take over.

The conversation goes along. LiveKit changes the agent once the speech is over that is under way,
and the tools of its turn: so `hand_over` returns before, and a tool may await it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from types import MethodType
from typing import Any

from livekit.agents import NOT_GIVEN, Agent, AgentSession, ConversationItemAddedEvent, llm

from host import registry
from host.base.errors import HostError
from host.call.live import LiveCall
from host.call.mcp.toolset import FIRST_REPLY_LIMIT, join_mcp_tools, wait_for_servers
from host.dispatch.rooms import notify_watchers
from host.registry.found import describe
from host.speech.disclosure import disclose
from host.speech.handover_rules import Shares, require_allowed
from host.speech.listening import Listening
from host.speech.persona_agent import Models, agent_of, brief, models_of
from host.speech.session_options import NextOptions, options_of

log = logging.getLogger("host")

TOOL = "hand_over"
"""The tool of the bundled plugin; its calls are not part of the conversation that goes along."""
GO_ON = "The call is yours now: reply to what the caller said last."
LONGEST_NOTE = 2000
"""Characters of a note that are kept."""
GLANCE = 0.1
"""Seconds between checks of state that has no event."""


@dataclass(frozen=True)
class Cast:
    """What the session gets of the other persona."""

    agent: Agent
    models: Models
    options: NextOptions
    backchannels: bool


class PersonaHandover:
    """Hands one call over, as often as `max_handovers` allows."""

    def __init__(self, call: LiveCall, session: AgentSession[Any], *, text: bool = False) -> None:
        """A `text` conversation has no STT and TTS, and counts in no budget."""
        self._call, self._session, self._text = call, session, text
        self._shares = Shares(call, counted=not text)
        self._next = ""
        """The persona that gets the call, until it has entered the conversation."""

    async def hand_over(self, to: str, note: str) -> None:
        """Give the call to another persona; see `Call.hand_over`.

        Raises HostError, one sentence: the persona that asks keeps the call.
        """
        call, by = self._call, self._call.persona
        require_allowed(call, to)
        if self._next:
            raise HostError(f"the call is being handed over to {self._next} already")
        self._next = to
        previous = self._session.current_agent
        note, before = note[:LONGEST_NOTE], call.state.note
        try:
            left = self._shares.admit(to)
            try:
                cast = await self._cast(to, note)
            except BaseException:
                self._shares.release(to)
                give_to(call, by)
                call.state.note = before
                raise
        except BaseException:
            self._next = ""
            raise
        self._shares.settle(by)
        call.time_left = left
        call.state.begin_share(to)
        log.info("%s has handed the call over to %s", by, to)
        await brief(call, cast.agent, note)
        self._stop_recording()
        if call.job is not None:
            told = notify_watchers(call.job.room, {"host.persona": to})
            call.spawn(told, "notifying watchers")
        self._change_to(cast, previous, by, note)

    async def _cast(self, to: str, note: str) -> Cast:
        """Build what the session gets, by the hooks of the other persona. Raises HostError."""
        call = self._call
        known = call.state.names
        give_to(call, to)
        # A checkpoint has it, in which nothing private may be.
        call.state.note = "" if call.off_record else call.keypad.hide(note)
        if to not in known:
            await call.events.emit_to_persona("prepare_call")
        try:
            models = models_of(call, text=self._text)
            asked = options_of(call, models, text=self._text)
            options = NextOptions(self._session, asked, models)
            agent = agent_of(call)
        except Exception as error:
            log.error("%s can't take the call", to, exc_info=error)
            text = str(error) if isinstance(error, HostError) else describe(error)
            raise HostError(f"{to} can't take the call: {call.keypad.hide(text)}") from error
        if call.over:
            raise HostError("the call is over")
        return Cast(agent, models, options, asked.backchannels)

    def _stop_recording(self) -> None:
        """Stop recording for good if a persona of the call does not record."""
        call = self._call
        if call.recorder and not call.settings.of_a_call(call.state.names).record:
            call.spawn(call.recorder.close(), "closing the recording")

    def _change_to(self, cast: Cast, previous: Agent, by: str, note: str) -> None:
        """Have LiveKit change the agent, once it has said and done what is under way."""
        call, session, agent = self._call, self._session, cast.agent
        if cast.models.stt is not None:
            if call.listening is None:  # the persona before had a model that hears by itself
                call.listening = Listening(call, session, backchannels=cast.backchannels)
            call.listening.attach(agent)
        enter = MethodType(type(agent).on_enter, agent)  # not one that we have put there before

        async def on_enter() -> None:
            try:
                await self._bring_conversation(agent, previous)
            except Exception:
                log.exception("the conversation is lost to %s", call.persona)
            self._next = ""
            if not call.hold.active:
                await disclose(call)
            going_on = self._go_on(agent, by, note)
            if self._text:
                await enter()
                await going_on  # `AgentSession.run` returns what is said here
                return
            call.spawn(going_on, "going on with the call")
            await enter()

        agent.on_enter = on_enter  # type: ignore[method-assign]

        def on_item(event: ConversationItemAddedEvent) -> None:
            if isinstance(event.item, llm.AgentHandoff):  # the agent before is closed
                session.off("conversation_item_added", on_item)
                cast.options.after(call)
                join_mcp_tools(session, cast.agent)
                for follow in call.on_handover:
                    follow()

        session.on("conversation_item_added", on_item)
        cast.options.before(agent)
        session.update_agent(agent)

    async def _bring_conversation(self, agent: Agent, previous: Agent) -> None:
        """Add what was said so far to the agent's context, behind its own instructions."""
        turns = agent.chat_ctx.copy()
        known = {item.id for item in turns.items}
        talk = llm.ChatContext.empty()
        for source in (previous.chat_ctx, self._session.history):
            talk.merge(
                source.copy(
                    exclude_instructions=True, exclude_handoff=True, exclude_config_update=True
                )
            )
        turns.items += [
            item
            for item in talk.items
            if item.id not in known and getattr(item, "name", None) != TOOL
        ]
        await agent.update_chat_ctx(turns)

    async def _go_on(self, agent: Agent, by: str, note: str) -> None:
        """Emit `joined`; if nobody has said anything then, let the model reply."""
        call, session = self._call, self._session
        held = call.hold.active
        await call.hold.over()
        await disclose(call)
        spoken: list[object] = []
        session.on("speech_created", spoken.append)
        try:
            await call.events.emit_and_wait("joined", patiently=True, by=by, note=note)
        finally:
            session.off("speech_created", spoken.append)
        # Who ends a hold by a word is answered to it, and an author's agent speaks on entering.
        if held or spoken or type(agent).on_enter is not Agent.on_enter:
            return
        await wait_for_servers([*session.tools, *agent.tools], FIRST_REPLY_LIMIT)
        while call.replies_held or call.hold.active:
            await asyncio.sleep(GLANCE)
        if call.over or call.giving_up or call.state.connected:
            return
        if session.current_agent is agent:
            words = call.first_words.take() if call.first_words else ""
            with contextlib.suppress(RuntimeError):  # the session is closing
                session.generate_reply(user_input=words or NOT_GIVEN, instructions=GO_ON)


def return_to_owner(call: LiveCall) -> None:
    """Let the persona's hooks and settings hold that has the call, at its end.

    Another one may still be asked whether it takes the call.
    """
    if call.state.owner and call.persona != call.state.owner:
        give_to(call, call.state.owner)


def give_to(call: LiveCall, persona: str) -> None:
    """Let a persona's hooks and settings hold for a call. Raises PersonaError."""
    call.take(persona, registry.load(call.settings).view(persona or None))
    if call.job is not None:
        call.job.log_context_fields = {"room": call.state.room, "persona": persona}
