"""One conversation in text, from the greeting to the record."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any

from livekit.agents import AgentSession
from livekit.agents.testing import fake_job_context
from livekit.agents.voice.agent_activity import ActivityClosedError
from livekit.agents.voice.run_result import RunResult

from host.base.clock import now
from host.base.errors import HostError
from host.call.call import Call
from host.call.live import LiveCall
from host.call.mcp.toolset import wait_for_servers
from host.call.state import CallStatus
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord, Utterance
from host.runner.limits import ToolUses
from host.runner.text.line import (
    GLANCE,
    TextFarEnd,
    TextTransfers,
    TextVoicemail,
    press_keys,
)
from host.runner.text.notes import Notes
from host.runner.text.transcript import Line, lines_of
from host.runner.text.turn import Mark, Turn
from host.speech.conclusions import asked_for, conclude, may_conclude
from host.speech.first_words import hear
from host.speech.greeting import first_agent, greet
from host.speech.persona_agent import brief
from host.speech.persona_handover import return_to_owner
from host.speech.session import make_session

CLOSING_LIMIT = 10.0
"""Seconds that a session may take to close, and event hooks to end after the call."""
ROUNDS = 50
"""Rounds of the event loop in which nothing may happen until the persona counts as waiting."""


class Conversation:
    """A conversation with a persona; made by `converse`."""

    def __init__(self, call: LiveCall) -> None:
        self._live = call
        self._record: CallRecord | None = None
        self._notes = Notes(call)
        self._running: asyncio.Future[Any] | None = None
        """The LLM's turn, while a tool of it waits for keys."""
        self.greeting = Turn((), (), (), "")
        """What the persona said and did before the first words of the far end."""

    @property
    def call(self) -> Call:
        """The call, as hooks and tools get it."""
        return self._live.call

    @property
    def session(self) -> AgentSession[Any]:
        """LiveKit's session, for `session.run(user_input=...)` and `session.history`."""
        assert self._live.session is not None
        return self._live.session

    @property
    def over(self) -> bool:
        """True once the persona has hung up or transferred the call, or the far end has."""
        return self._live.over

    @property
    def ending(self) -> Ending:
        """How the call ended. Raises HostError while it goes on."""
        if not self.over:
            raise HostError("the conversation goes on")
        return self._live.ending.result()

    @property
    def record(self) -> CallRecord:
        """The call's record, complete once the conversation is closed. Raises HostError before."""
        return self._record or self._live.state.record(self.ending)

    @property
    def transcript(self) -> Sequence[Utterance]:
        """What both sides have said so far."""
        return self._live.state.transcript

    @property
    def lines(self) -> Sequence[Line]:
        """What both sides have said and done so far, as people read it."""
        return lines_of(self._live.state)

    def persona_at(self, at: datetime) -> str:
        """Return the name of the persona that had the call at a time."""
        return self._live.state.persona_at(at)

    async def say(self, text: str) -> Turn:
        """Say something to the persona, and wait for all that it does about it.

        Raises HostError if the call is over, and LiveKit's APIError if the LLM fails; when it has
        failed permanently, HostError.
        """
        if self._running and not self._live.keypad.waiting:  # the tool has given up on its keys
            await self._react()
        self._require_going_on()
        live, mark = self._live, self._mark
        live.hold.end("the far end speaks")
        if live.replies_held:  # a question for keys, or the host itself, speaks
            private = live.keypad.spoken.private
            self._notes.heard(text, now())
            if not private:  # the model need not know a private number
                await hear(self.session, text)
            await self._go_on()
            return mark.turn(live.state, self._notes.said)
        run: RunResult[Any] = self.session.run(user_input=text)
        self._running = asyncio.ensure_future(run)
        await self._react()
        if live.over and self.ending.error:  # LiveKit closes a session whose LLM fails repeatedly
            raise HostError(f"{self.ending.reason}: {self.ending.error}")
        return mark.turn(live.state, self._notes.said, run)

    async def press(self, keys: str) -> Turn:
        """Press keys, `0123456789*#`, and wait for all that the persona does about it.

        Raises HostError if the call is over, or a key is invalid.
        """
        self._require_going_on()
        mark = self._mark
        await press_keys(self._live, keys)
        await self._go_on()
        return mark.turn(self._live.state, self._notes.said)

    @property
    def _mark(self) -> Mark:
        return Mark.of(self._live.state, self._notes.said)

    async def hang_up(self) -> None:
        """Hang up, if the call goes on."""
        live = self._live
        reason = f"the {live.state.other_party} hung up"
        live.end(live.hangup_ending or Ending(Outcome.COMPLETED, "far end", reason))

    def _require_going_on(self) -> None:
        if self.over:
            raise HostError(f"the call is over: {self.ending.reason}")

    async def open(self, refusing: Collection[str] = ()) -> None:
        """Answer the call, and wait for the greeting."""
        live, state = self._live, self._live.state
        state.begin_share(live.persona)
        await live.events.emit_and_wait("prepare_call")
        session, agent = make_session(live, text=True)
        await brief(live, agent)
        live.transfers = TextTransfers(live, refusing)
        live.voicemail_watch = TextVoicemail(live) if state.outbound else None
        self._notes.listen(session)
        ToolUses(live, session)
        await session.start(first_agent(live, agent), record=False)
        await wait_for_servers([*session.tools, *agent.tools])
        state.mark("answered")
        state.status = CallStatus.ACTIVE
        await greet(live, agent)
        await self._settle()
        self.greeting = Mark(0, 0, 0, 0, 0).turn(state, self._notes.said)
        if self._notes.fault and not self.greeting.said:
            raise HostError(f"the persona did not greet: {self._notes.fault}")

    async def close(self, *, emit: bool, concluding: bool) -> None:
        """End the call, draw conclusions if told so, make the record, and `emit` it if told so."""
        live = self._live
        await self.hang_up()
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        if live.session is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(live.session.aclose(), CLOSING_LIMIT)
        await live.settle(CLOSING_LIMIT)
        return_to_owner(live)
        if concluding and may_conclude(live) and (model := asked_for(live)):
            await conclude(live, model)
        self._record = live.state.record(live.ending.result())
        if emit:
            await live.events.emit_call_ended(self._record)

    async def _go_on(self) -> None:
        """Wait for what follows keys, or words to which the LLM does not reply by itself."""
        await self._settle()
        if self._running:
            await self._react()

    async def _react(self) -> None:
        """Wait for the LLM's turn, or until a tool of it waits for keys, and for what follows."""
        running, live = self._running, self._live
        while running and not (running.done() or live.keypad.waiting):
            await asyncio.wait({running}, timeout=GLANCE)
        await self._settle()
        if running and running.done():
            self._running, error = None, running.exception()
            if error and not (isinstance(error, RuntimeError) and live.over):  # not by a hang-up
                raise error

    async def _settle(self) -> None:
        """Wait until the persona neither speaks nor acts, or the call is over."""
        live, quiet, closed = self._live, 0, 0.0
        while quiet < ROUNDS and closed < CLOSING_LIMIT and not live.over:
            mark = self._mark
            try:
                await self.session.wait_for_idle()
            except ActivityClosedError:  # LiveKit's EndCallTool has closed it, or an agent enters
                await asyncio.wait({live.ending}, timeout=GLANCE)
                closed += GLANCE
                continue
            await asyncio.sleep(0)
            quiet = quiet + 1 if mark == self._mark else 0


@contextlib.asynccontextmanager
async def converse(
    call: LiveCall, *, refusing: Collection[str] = (), emit_ended: bool = False
) -> AsyncIterator[Conversation]:
    """Have a conversation in text with the persona of a call, which greets first.

    Transfers succeed, except to the targets in `refusing`. `emit_ended` runs `call_ended` when the
    block is left, and before it draws the persona's conclusions, unless an exception leaves it: a
    conversation that is cancelled or has failed waits for no LLM. Raises what the persona's hooks
    raise.
    """
    conversation = Conversation(call)
    with fake_job_context() as job:
        call.far_end = TextFarEnd(job.room, call)
        whole = False
        try:
            await conversation.open(refusing)
            yield conversation
            whole = True
        finally:
            await conversation.close(emit=emit_ended, concluding=emit_ended and whole)
            # Private: the folder of a fake job (livekit-agents 1.8.9), which nothing else removes.
            job._tempdir.cleanup()
