"""The worker: the life of one call, top to bottom, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from dataclasses import replace
from typing import Any

from livekit.agents import (
    AgentSession,
    AutoSubscribe,
    JobContext,
    JobProcess,
    room_io,
)

from host import limits, registry
from host.budget import Budget, Exhausted
from host.call import LINGER, Call, Ending
from host.details import parse_details
from host.dial import NotAnswered, dial
from host.dispatch import read_dispatch
from host.errors import MetadataError
from host.greeting import first_agent, greet
from host.handover import Handover
from host.journal import Journal
from host.line import Line, delete_room, tell_watchers
from host.outcome import Outcome
from host.record import record_of
from host.recording import Recorder
from host.session import PersonaAgent, make_session
from host.settings import Settings
from host.voicemail import Voicemail

log = logging.getLogger("host")

ARRIVAL_LIMIT = 20.0
"""Seconds that a caller may take to come into the room that was made for the call."""
SESSION_LIMIT = 3.0
"""Seconds that a session may take to close, once nobody is on the line any more."""
HOOKS_LIMIT = 10.0
"""Seconds that event hooks may take after the call is over."""


class Refused(Exception):
    """The host does not take this call."""


class Worker:
    """Answers calls. Plain data, because LiveKit pickles it into each call's process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.budget = Budget(settings.state_dir)
        self.journal = Journal(settings)

    def warm(self, process: JobProcess) -> None:
        """Make a process ready for a call: personas and plugins, unless the forkserver has them."""
        registry.load(self.settings)

    async def answer(self, job: JobContext) -> None:
        """The life of one call, from LiveKit's job to the record."""
        call = Call(self.settings, id=job.job.id, room=job.job.room.name)
        call.job = job
        job.log_context_fields = {"room": call.room}
        call.spawn(self.journal.keep(call), "the draft of the record")
        life = asyncio.create_task(self._live(job, call))
        try:
            either: list[asyncio.Future[Any]] = [life, call.ending]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if life.done() and (error := life.exception()):
                await self._fail(call, error)
            await call.ending
        except asyncio.CancelledError:
            call.end(Ending(Outcome.FAILED, "host", "The host was stopped."))
            raise
        finally:
            life.cancel()
            await asyncio.shield(self._finish(job, call, life))

    async def _live(self, job: JobContext, call: Call) -> None:
        """From the job to the first words. Whatever ends the call meanwhile stops this."""
        dispatch = read_dispatch(job.job.metadata, call.room)
        call.metadata, call.outbound, call.number = (
            dispatch.metadata,
            dispatch.outbound,
            dispatch.phone_number,
        )
        await job.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        call.line = line = Line(job, call)
        call.handover = Handover(job, call, line)
        if not call.outbound:
            await self._caller(call, line)
            dispatch = replace(dispatch, number=call.our_number)
        self._choose(call, dispatch)
        with _logged("the draft of the record"):
            self.journal.write(call)  # who has the call is known from here on, whatever happens
        job.log_context_fields = {"room": call.room, "persona": call.persona}
        call.spawn(tell_watchers(job.room, {"host.persona": call.persona}), "telling watchers")
        self._count_in(call)
        call.details = parse_details(call.hook, call.metadata)
        await call.tell_all("prepare_call")
        await self._converse(job, call, line)

    async def _caller(self, call: Call, line: Line) -> None:
        try:
            await line.arrive(ARRIVAL_LIMIT)
        except TimeoutError:
            reason = (
                f"Nobody came into the room within {ARRIVAL_LIMIT:.0f} s. "
                "To dial somebody, put phone_number into the metadata."
            )
            call.end(Ending(Outcome.ABANDONED, "far end", reason))
            await asyncio.Future()  # the ending stops us here

    def _choose(self, call: Call, dispatch: Any) -> None:
        loaded = registry.load(self.settings)
        choice = loaded.choose(dispatch)
        if choice.persona is None:
            raise Refused(choice.reason)
        log.info("%s takes the call: %s", choice.persona, choice.reason)
        call.take(choice.persona, loaded.view(choice.persona))

    def _count_in(self, call: Call) -> None:
        """Refuse the call where its persona has as many, or had as many today, as it may."""
        try:
            call.time_left = self.budget.admit(call.id, call.persona, call.deployment)
        except Exhausted as error:
            if call.outbound and error.today:
                call.end(Ending(Outcome.BLOCKED, "host", str(error)))
            raise Refused(str(error)) from error
        except (OSError, sqlite3.Error) as error:
            log.error("the calls of %s can't be counted: %s", call.persona, error)
            if call.outbound:  # nobody is kept waiting by a call that is not placed
                raise Refused(f"The calls of {call.persona} can't be counted: {error}") from error

    async def _converse(self, job: JobContext, call: Call, line: Line) -> None:
        session, agent = make_session(call)
        if call.outbound:
            line.expect(f"sip_{call.number}")
        first = first_agent(call, agent)
        options = room_io.RoomOptions(
            participant_identity=line.identity or "",
            video_input=False,
            close_on_disconnect=False,
        )
        await session.start(first, room=job.room, room_options=options, record=False)
        if call.deployment.record:
            call.recorder = Recorder(call)
        heard, menu = "", False
        if call.outbound:
            voicemail = Voicemail(call, line)
            verdict = await voicemail.judge(lambda: dial(job, call, line))
            answer = await voicemail.follow(verdict)
            if answer is None:
                return
            heard, menu = answer, verdict.category == "machine-ivr"
            if call.voicemail:
                session.clear_user_turn()  # a late "hello?" must not interrupt the greeting
        else:
            await line.answered()
        await greet(call, agent, heard, menu=menu)
        limits.watch(call)
        if call.voicemail_watch:
            call.voicemail_watch.keep_watching()

    async def _fail(self, call: Call, error: BaseException) -> None:
        """Name what stopped the call from going on, and apologise where somebody listens."""
        if isinstance(error, NotAnswered):
            call.end(error.ending)
        elif isinstance(error, Refused | MetadataError):
            log.warning("call in room %s refused: %s", call.room, error)
            reason = str(error).rstrip(".")
            call.end(Ending(Outcome.REFUSED, "host", f"{reason[:1].upper()}{reason[1:]}."))
        else:
            log.error("%r failed", call, exc_info=error)
            if call.answered or not call.outbound:
                await _apologise(call)
            text = f"{type(error).__name__}: {error}"
            call.end(Ending(Outcome.FAILED, "host", Outcome.FAILED.sentence, error=text))

    async def _finish(self, job: JobContext, call: Call, life: asyncio.Task[None]) -> None:
        """Hang up, write the record, let the job go. Nothing here may stop the rest of it."""
        await asyncio.gather(life, return_exceptions=True)
        ending = call.ending.result()
        if ending.outcome is Outcome.TRANSFERRED and call.line and not call.connected:
            await call.line.gone(2.0)  # LiveKit SIP says goodbye itself, a second after the REFER
        elif call.answered and ending.by in ("persona", "host"):
            await asyncio.sleep(LINGER)
        told = {"host.outcome": ending.outcome.value, "host.reason": ending.reason}
        if ending.sip_status:
            told["host.sip_status"] = str(ending.sip_status)
        told["host.retryable"] = str(ending.worth_a_retry)
        await tell_watchers(job.room, told)
        with _logged("hanging up"):
            if call.line:
                await call.line.hang_up()
        with _logged("stopping a transfer"):
            if call.handover:
                await call.handover.close()
        with _logged("closing the session"):
            if call.session:
                await asyncio.wait_for(call.session.aclose(), SESSION_LIMIT)
        with _logged("closing the recording"):
            if call.recorder:
                await call.recorder.close()
        with _logged("leaving the room"):
            await (call.line.leave() if call.line else delete_room(job.api, call.room))
        await call.settle(HOOKS_LIMIT)  # `call_ended` is the last that is told
        with _logged("the record"):
            record = record_of(call, ending)
            log.info("%s: %s %.1f s", record.outcome, record.reason, record.duration)
            if not call.persona:
                call.take("", registry.load(self.settings).view(None))
            with _logged("the draft of the record"):
                self.journal.write(call, record)  # should we die while it is told
            await call.tell_all("call_ended", record=record)
        with _logged("the draft of the record"):
            self.journal.close(call)
        with _logged("counting the call out"):
            self.budget.settle(call.id, call.lasted, call.deployment)
        job.shutdown(reason=ending.outcome.value)


async def _apologise(call: Call) -> None:
    """Say that something went wrong, if there is a voice to say it with."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(10):
            if call.line is None:
                return
            if call.session is None:
                await _bare_session(call)
            await call.line.answered()
            if call.session and call.session.current_speech:
                await call.session.interrupt(force=True)
            await call.say(call.deployment.words.apology, interruptible=False)


async def _bare_session(call: Call) -> None:
    """Open a session that can only speak: the persona's own could not be made."""
    assert call.job is not None
    voice = registry.load(call.settings).view(None).tts(call=call)
    call.session = AgentSession(tts=voice)
    options = room_io.RoomOptions(audio_input=False, video_input=False, close_on_disconnect=False)
    silent = PersonaAgent(call, "")
    await call.session.start(silent, room=call.job.room, room_options=options, record=False)


class _logged(contextlib.AbstractContextManager[None]):
    """Log what goes wrong and go on: the rest of an ending must still happen."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, Exception):
            log.error("%s failed", self.what, exc_info=error)
            return True
        return False
