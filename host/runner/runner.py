"""The worker: the life of one call, top to bottom, in a process of its own."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from dataclasses import replace
from functools import partial
from typing import Any

from livekit.agents import (
    Agent,
    AgentSession,
    AutoSubscribe,
    JobContext,
    JobProcess,
    room_io,
)

from host import registry
from host.call.call import Call
from host.call.dispatch import read_dispatch
from host.call.record import record_of
from host.compliance import Rule, refuse
from host.compliance.budget import Budget, Exhausted
from host.dispatch.arbitration import (
    DuplicateJob,
    already_taken,
    duplicate_job,
    room_is_gone,
    withdraw,
)
from host.dispatch.details import parse_details
from host.dispatch.idempotency import Requests
from host.dispatch.livekit import give_access
from host.dispatch.rooms import tell_watchers
from host.privacy.logs import keep_call_out, keep_private_in_call
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner import limits
from host.runner.aftermath import finish_alone, settle_request
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.ending import (
    DIED,
    STOPPED,
    Refused,
    end_orphaned,
    fail,
    log_errors,
    say_goodbye,
    tear_down,
)
from host.runner.heartbeat import Heartbeat
from host.runner.takeover import call_to_take_over, restore, resume
from host.settings import Settings
from host.speech import dead_air
from host.speech.greeting import first_agent, greet
from host.speech.recording import Recorder
from host.speech.session import explain_data, make_session
from host.telephony.dial import blocked, dial
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer import Handover
from host.telephony.voicemail import Voicemail

log = logging.getLogger("host")

ARRIVAL_LIMIT = 20.0
"""Seconds that a caller may take to come into the room that was made for the call."""


class Worker:
    """Answers calls. Plain data, because LiveKit pickles it into each call's process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.budget = Budget(settings.state_dir)
        self.journal = CheckpointStore(settings.state_dir)
        self.requests = Requests(settings.state_dir)

    def warm(self, process: JobProcess) -> None:
        """Make a process ready for a call: personas and plugins, unless the forkserver has them."""
        keep_private_in_call(self.settings)
        with log_errors("loading personas and plugins"):  # the call itself says what is wrong
            registry.load(self.settings)

    async def answer(self, job: JobContext) -> None:
        """The life of one call, from LiveKit's job to the record."""
        give_access(job, self.settings)
        call = Call(self.settings, id=job.job.id, room=job.job.room.name)
        call.job = job
        keep_call_out(lambda: [line.text for line in call.transcript], call.keypad.in_a_row)
        job.log_context_fields = {"room": call.room}
        draft = None
        if awaiting_takeover := call_to_take_over(job.local_participant_identity):
            draft = self.journal.read(awaiting_takeover)
            if draft is None or not draft.awaiting_takeover:
                log.warning("the call in room %s is nobody's to take over any more", call.room)
                job.shutdown(reason="too late")
                return
            restore(call, draft)
        with log_errors("the draft of the record"):
            self.journal.write(call)
        lifeline = Heartbeat(call.id, call.room)
        holding = asyncio.create_task(
            lifeline.hold(partial(say_goodbye, call), partial(end_orphaned, call))
        )
        call.spawn(self.journal.keep(call), "the draft of the record")
        life = asyncio.create_task(
            self._resume(job, call, draft) if draft else self._live(job, call)
        )
        try:
            either: list[asyncio.Future[Any]] = [life, call.ending]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if life.done() and (error := life.exception()):
                await fail(call, error)
            await call.ending
        except asyncio.CancelledError:
            call.end(Ending(Outcome.FAILED, "host", DIED if lifeline.orphaned else STOPPED))
            raise
        finally:
            life.cancel()
            try:
                await asyncio.shield(self._finish(job, call, life, lifeline))
            except asyncio.CancelledError:
                if lifeline.orphaned and self.journal.read(call.id):
                    record = record_of(call, call.ending.result())
                    finish_alone(self.settings, self.journal.draft(call, record))
                raise
            finally:
                holding.cancel()

    async def _live(self, job: JobContext, call: Call) -> None:
        """From the job to the first words. Whatever ends the call meanwhile stops this."""
        await job.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        if other := already_taken(job.room):
            call.end(duplicate_job(f"{other} has the room."))
            return
        call.line = line = LiveKitFarEnd(job, call)
        call.handover = Handover(job, call, line)
        dispatch = read_dispatch(job.job.metadata, call.room)
        call.metadata, call.outbound, call.number = (
            dispatch.metadata,
            dispatch.outbound,
            dispatch.phone_number,
        )
        if await room_is_gone(job):
            call.end(duplicate_job("The room was closed before the call began."))
            return
        if not call.outbound:
            await self._caller(call, line)
            dispatch = replace(dispatch, number=call.our_number)
        self._choose(call, dispatch)
        with log_errors("the draft of the record"):
            self.journal.write(call)  # who has the call is known from here on, whatever happens
        job.log_context_fields = {"room": call.room, "persona": call.persona}
        call.spawn(tell_watchers(job.room, {"host.persona": call.persona}), "telling watchers")
        if dispatch.idempotency_key:
            self.requests.claim(dispatch.idempotency_key, call.id, call.room, job.job.room.sid)
        self._count_in(call)
        call.details = parse_details(call.hook, call.metadata)
        await call.tell_all("prepare_call")
        await self._converse(job, call, line)

    async def _caller(self, call: Call, line: LiveKitFarEnd) -> None:
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
                call.end(blocked(refuse(Rule.BUDGET, str(error))))
            raise Refused(str(error)) from error
        except (OSError, sqlite3.Error) as error:
            log.error("the calls of %s can't be counted: %s", call.persona, error)
            if call.outbound:  # nobody is kept waiting by a call that is not placed
                raise Refused(f"The calls of {call.persona} can't be counted: {error}") from error

    def _count_out(self, call: Call) -> None:
        """Count the call out; one that was never dialled is none of today's."""
        made = not call.outbound or "dialled" in call.times
        self.budget.settle(call.id, call.lasted, call.deployment, made=made)

    async def _converse(self, job: JobContext, call: Call, line: LiveKitFarEnd) -> None:
        if call.outbound:
            line.expect(f"sip_{call.number}")
        session, agent = await _open(job, call)
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
        with log_errors("the draft of the record"):
            self.journal.write(call)  # from here on there is somebody to take the call over for
        dead_air.watch(call)
        await greet(call, agent, heard, menu=menu)
        limits.watch(call)
        if call.voicemail_watch:
            call.voicemail_watch.keep_watching()

    async def _resume(self, job: JobContext, call: Call, draft: Checkpoint) -> None:
        """From a call whose process died to the first words of this one."""
        await job.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        call.line = line = LiveKitFarEnd(job, call)
        call.handover = Handover(job, call, line)
        persona = draft.record.persona
        call.take(persona or "", registry.load(self.settings).view(persona))
        job.log_context_fields = {"room": call.room, "persona": call.persona}
        call.time_left = self.budget.adopt(call.id, call.deployment)
        assert draft.far_end is not None
        line.rejoin(draft.far_end, draft.colleague)
        await tell_watchers(job.room, {"host.persona": call.persona})
        if call.connected or call.over:
            return  # the far end has a colleague, or is gone
        call.details = parse_details(call.hook, call.metadata)
        await call.tell_all("prepare_call")
        _, agent = await _open(job, call)
        dead_air.watch(call)
        await resume(call, agent)
        limits.watch(call)

    async def _finish(
        self, job: JobContext, call: Call, life: asyncio.Task[None], lifeline: Heartbeat
    ) -> None:
        """Hang up, write the record, let the job go. Nothing here may stop the rest of it."""
        await asyncio.gather(life, return_exceptions=True)
        ending = call.ending.result()
        if isinstance(ending, DuplicateJob):
            with log_errors("leaving the room to another"):
                await withdraw(job, call)
        else:
            await self._tell_of(job, call, ending)
        with log_errors("the draft of the record"):
            self.journal.close(call.id)
        with log_errors("counting the call out"):
            self._count_out(call)
        await lifeline.over()
        job.shutdown(reason=ending.outcome.value)

    async def _tell_of(self, job: JobContext, call: Call, ending: Ending) -> None:
        if call.metadata.get("idempotency_key"):
            with log_errors("what became of the request"):
                begun = "dialled" in call.times or call.answered
                settle_request(self.settings, record_of(call, ending), begun=begun)
        await tear_down(job, call)
        record = record_of(call, ending)
        log.info("%s: %s %.1f s", record.outcome, record.reason, record.duration)
        with log_errors("the record"):
            if not call.persona:
                call.take("", registry.load(self.settings).view(None))
            with log_errors("the draft of the record"):
                self.journal.write(call, record)  # should we die while it is told
            await call.tell_end(record)


async def _open(job: JobContext, call: Call) -> tuple[AgentSession[Any], Agent]:
    """Open the session of a call, with an agent that does not speak yet.

    It hears the far end's voice and takes nothing else from the room: LiveKit would answer what is
    written there, and let anybody with a token read the instructions and steer the session.
    """
    assert call.line is not None
    session, agent = make_session(call)
    await explain_data(agent)
    options = room_io.RoomOptions(
        participant_identity=call.line.identity or "",
        audio_input=room_io.AudioInputOptions(pre_connect_audio=False),
        video_input=False,
        text_input=False,
        close_on_disconnect=False,
    )
    first = first_agent(call, agent)
    await session.start(
        first, room=job.room, room_options=options, session_host=False, record=False
    )
    return session, agent
