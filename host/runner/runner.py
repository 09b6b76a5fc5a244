"""The life of one call in its own process, top to bottom.

One module in spite of its length, so that it reads from the job to the record.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from livekit.agents import Agent, AutoSubscribe, JobContext

from host import registry
from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.call.hold_phrases import offers_menu
from host.call.live import LiveCall
from host.call.state import AnsweredBy
from host.compliance import Gate
from host.compliance.budget import Budget, Exhausted
from host.dispatch.arbitration import (
    DuplicateJob,
    RoomGone,
    already_taken,
    duplicate_job,
    room_gone,
    room_is_gone,
    withdraw,
)
from host.dispatch.choosing import choose
from host.dispatch.details import parse_details
from host.dispatch.idempotency import Requests
from host.dispatch.known import fill_in
from host.dispatch.rooms import notify_watchers
from host.privacy import keep_out
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.runner import limits, listeners
from host.runner.aftermath import count_out, finish_alone, note_results, settle_request
from host.runner.checkpoint import CheckpointStore
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
from host.runner.live_events import LiveEvents
from host.runner.operator import Operator
from host.runner.stepping_in import SteppingIn
from host.runner.takeover import resume
from host.speech import dead_air
from host.speech.conclusions import INTERRUPTED, asked_for, conclude, may_conclude
from host.speech.greeting import expect_greeting, first_agent, greet
from host.speech.hold_watch import HoldWatch
from host.speech.persona_agent import brief
from host.speech.persona_handover import give_to, return_to_owner
from host.speech.recording import Recorder
from host.speech.room import room_options
from host.speech.session import make_session
from host.telephony.dial import blocked, dial
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.music import MusicWatch
from host.telephony.transfer import Handover
from host.telephony.voicemail import Voicemail

log = logging.getLogger("host")

ARRIVAL_LIMIT = 20.0
"""Seconds that the caller may take to join the room."""
HEADERS_LIMIT = 2.0
"""Seconds in which LiveKit SIP may set the headers of a caller who has joined."""


class Runner:
    """Runs one call: a new one, or one taken over from a dead process."""

    def __init__(self, job: JobContext, call: LiveCall) -> None:
        self._job, self._call = job, call
        self._resumed = call.state.taken_over > 0
        state_dir = call.settings.state_dir
        self._budget, self._requests = Budget(state_dir), Requests(state_dir)
        self._checkpoints = CheckpointStore(state_dir)
        self._events = LiveEvents(call, resumed=self._resumed)

    async def run(self) -> None:
        """Run the call, from the job to the record."""
        call = self._call
        call.job = self._job
        keep_out(
            lambda: [said.text for said in call.state.transcript],
            call.keypad.in_a_row,
            lambda: [call.state.number] if call.state.number else [],
            call.unrecorded.words,
        )
        call.save = self._write_checkpoint
        self._job.log_context_fields = {"room": call.state.room}
        if not self._resumed:
            # Even the first checkpoint names the request: its process may die before `_meet`, which
            # refuses metadata that can't be read.
            with contextlib.suppress(MetadataError):
                call.state.metadata = dict(read_dispatch(self._job.job.metadata).metadata)
        self._write_checkpoint()
        heartbeat = Heartbeat(call.state.id, call.state.room)
        beating = asyncio.create_task(
            heartbeat.hold(partial(say_goodbye, call), partial(end_orphaned, call))
        )
        call.on_left = heartbeat.left
        call.live_events = self._events
        call.spawn(self._events.connect(), "connecting to the host for events")
        call.spawn(self._checkpoints.keep(call), "writing checkpoints")
        call.spawn(self._tell_greeted(heartbeat), "telling that the greeting is over")
        beginning = asyncio.create_task(self._begin())
        try:
            either: list[asyncio.Future[Any]] = [beginning, call.ending]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if beginning.done() and (error := beginning.exception()):
                await fail(call, error)
            await call.ending
        except asyncio.CancelledError:
            call.end(Ending(Outcome.FAILED, "host", DIED if heartbeat.orphaned else STOPPED))
            raise
        finally:
            beginning.cancel()
            try:
                await asyncio.shield(self._finish(beginning, heartbeat))
            except asyncio.CancelledError:
                if heartbeat.orphaned and self._checkpoints.read(call.state.id):
                    record = call.state.record(call.ending.result())
                    finish_alone(call.settings, self._checkpoints.checkpoint(call, record))
                raise
            finally:
                beating.cancel()

    async def _tell_greeted(self, heartbeat: Heartbeat) -> None:
        await self._call.greeting_over.wait()
        heartbeat.greeted()

    async def _begin(self) -> None:
        """Run from the job to the greeting. Cancelled if the call ends meanwhile."""
        call = self._call
        far_end = await self._join()
        if self._resumed:
            await self._rejoin(far_end)
            if call.state.connected or call.over:
                return  # the far end talks to a colleague, or has left
        else:
            await self._meet(far_end)
            self._events.begin()
        call.details = parse_details(call.hooks, call.state.metadata)
        await call.events.emit_and_wait("prepare_call")
        if call.state.outbound and not self._resumed:
            far_end.expect(f"sip_{call.state.number}")
        agent = await self._open_session(far_end)
        assert call.session is not None
        hold = HoldWatch(call, call.session)
        call.spawn(limits.limit_hold(call), "enforcing the hold timeout")
        if self._resumed:
            if call.state.recordings:
                call.recorder = Recorder(call)
                await call.recorder.resume()
            if not call.state.answered:
                await far_end.answered()
            dead_air.watch(call)
            await resume(call, agent)
        else:
            if call.persona_settings.record:
                call.recorder = Recorder(call)
            expected = None
            if call.state.outbound:
                call.spawn(self._expect_greeting(far_end, agent), "rendering the greeting")
            else:
                expected = expect_greeting(call, agent)
            first = await self._reach(far_end)
            if first is None:
                return  # a machine: the persona's policy was applied
            if call.hold.active:
                words = await hold.over()
                first = Reached(words, menu=offers_menu(words))
            self._write_checkpoint()  # from here on an outbound call can be taken over
            dead_air.watch(call)
            await greet(call, agent, first.words, menu=first.menu, expected=expected)
        limits.watch(call)
        if far_end.telephone:
            call.spawn(far_end.packets.watch(), "watching for packets")
            music = MusicWatch(call, far_end, call.session)
            call.spawn(music.watch(), "watching for music on hold")
        if call.voicemail_watch:
            call.voicemail_watch.keep_watching()

    async def _join(self) -> LiveKitFarEnd:
        """Join the room and observe the far end."""
        job, call = self._job, self._call
        await job.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
        if not self._resumed and (other := already_taken(job.room)):
            raise CallEnded(duplicate_job(f"{other} has already taken the call"))
        call.state.agent = job.room.local_participant.identity
        far_end = LiveKitFarEnd(job, call)
        call.far_end, call.transfers = far_end, Handover(job, call, far_end)
        Operator(call, job.room)
        SteppingIn(call, job.room, job.api)
        call.spawn(listeners.watch(call, job.api), "watching for listeners off the record")
        return far_end

    async def _meet(self, far_end: LiveKitFarEnd) -> None:
        """Wait for the caller or read the callee's number, and choose the persona."""
        job, call = self._job, self._call
        dispatch = read_dispatch(job.job.metadata, call.state.room)
        call.state.metadata, call.state.outbound = dict(dispatch.metadata), dispatch.outbound
        call.state.number = dispatch.phone_number
        if (key := dispatch.idempotency_key) and self._is_given_up(key):
            raise CallEnded(duplicate_job("its request was given up, and recorded"))
        if await room_is_gone(job):
            raise CallEnded(room_gone())
        if not call.state.outbound:
            await self._wait_for_caller(far_end)
            dispatch = replace(
                dispatch,
                number=call.state.our_number,
                caller=call.call.caller,
                headers=call.call.headers,
            )
        choice = await choose(registry.load(call.settings), dispatch)
        if choice.persona is None:
            raise Refused(choice.reason)
        log.info("routed to %s: %s", choice.persona, choice.reason)
        give_to(call, choice.persona)
        call.state.begin_share(choice.persona)
        self._require_checkpoint()  # from here on the record names the persona
        call.spawn(notify_watchers(job.room, {"host.persona": call.persona}), "notifying watchers")
        if key:
            self._requests.claim(key, call.state.id, call.state.room, job.job.room.sid)
        self._count_in()

    def _is_given_up(self, key: str) -> bool:
        """Return whether no call may have a request any more: the API has recorded it."""
        with contextlib.suppress(OSError, sqlite3.Error):  # then it can't be claimed either
            request = self._requests.find(key)
            return request is not None and not request.call
        return False

    async def _rejoin(self, far_end: LiveKitFarEnd) -> None:
        """Resume with the far end and the persona of the dead process."""
        call = self._call
        give_to(call, call.persona)
        share = call.state.share_id(call.persona)
        call.time_left = self._budget.adopt(share, call.persona_settings)
        far_end.rejoin()
        await notify_watchers(self._job.room, {"host.persona": call.persona})

    async def _wait_for_caller(self, far_end: LiveKitFarEnd) -> None:
        try:
            await far_end.arrive(ARRIVAL_LIMIT)
            if registry.load(self._call.settings).views.choosers:  # they may ask for a header
                await far_end.described(HEADERS_LIMIT)
        except TimeoutError as error:
            reason = (
                f"no caller joined the room within {ARRIVAL_LIMIT:.0f} s "
                "(to place an outbound call, put phone_number into the metadata)"
            )
            raise CallEnded(Ending(Outcome.ABANDONED, "far end", reason)) from error

    def _count_in(self) -> None:
        """Count the call in its persona's budget. Raises Refused, or CallEnded if outbound."""
        call = self._call
        try:
            call.time_left = self._budget.admit(call.state.id, call.persona, call.persona_settings)
        except Exhausted as error:
            if call.state.outbound and error.today:
                gate = Gate(call.settings, call.persona_settings, call.persona)
                refused = gate.exhausted(call.state.number or "", error)
                raise CallEnded(blocked(refused)) from error
            raise Refused(str(error)) from error
        except (OSError, sqlite3.Error) as error:
            log.error("the calls of %s can't be counted: %s", call.persona, error)
            if call.state.outbound:  # an inbound caller is not turned away for it
                raise Refused(f"the calls of {call.persona} can't be counted: {error}") from error

    def _count_out(self) -> None:
        """Settle the budget; a call that was neither answered nor dialled does not count."""
        state = self._call.state
        made = state.answered or state.dialled_at is not None
        count_out(self._call.settings, state, made=made)

    async def _open_session(self, far_end: LiveKitFarEnd) -> Agent:
        """Start the call's session, with an agent that does not speak yet.

        Its only input is the far end's audio. With text input or LiveKit's session host, anyone
        with a token for the room could read the instructions and steer the session.
        """
        call = self._call
        session, agent = make_session(call)
        await brief(call, agent)
        answers = reversed(call.hooks.room_options(call=call.call))  # the persona's last: it wins
        options = room_options(answers, far_end.identity or "")
        first = first_agent(call, agent)
        await session.start(
            first, room=self._job.room, room_options=options, session_host=False, record=False
        )
        return agent

    async def _expect_greeting(self, far_end: LiveKitFarEnd, agent: Agent) -> None:
        """Have the greeting rendered while the line rings: nothing is paid for a busy number."""
        await far_end.rings()
        expect_greeting(self._call, agent)

    async def _reach(self, far_end: LiveKitFarEnd) -> Reached | None:
        """Wait for the answer; None if a machine answered and the policy was applied."""
        call = self._call
        if not call.state.outbound:
            await far_end.answered()
            return Reached()
        voicemail = Voicemail(call, far_end)
        call.voicemail_watch = voicemail
        verdict = await voicemail.judge(lambda: dial(self._job, call, far_end))
        words = await voicemail.follow(verdict)
        if words is None:
            return None
        if call.state.voicemail and call.first_words:
            call.first_words.end_turn(keep_due=True)  # it must not interrupt the greeting
        return Reached(words, menu=verdict.category is AnsweredBy.MACHINE_IVR)

    async def _finish(self, beginning: asyncio.Task[None], heartbeat: Heartbeat) -> None:
        """Hang up, write the record and end the job; an error does not stop later steps."""
        job, call = self._job, self._call
        await asyncio.gather(beginning, return_exceptions=True)
        ending = call.ending.result()
        told = True
        if isinstance(ending, DuplicateJob):
            with log_errors("leaving the room to another agent"):
                await withdraw(job, call)
        else:
            told = await self._end(ending)
        if told:
            with log_errors("removing the checkpoint"):
                self._checkpoints.close(call.state.id)
        with log_errors("updating the budget"):
            self._count_out()
        await self._events.close()
        if told:  # otherwise the parent emits `call_ended` by the checkpoint
            await heartbeat.over()
        job.shutdown(reason=ending.outcome.value)

    async def _end(self, ending: Ending) -> bool:
        """Settle the request, tear the call down and emit `call_ended`; return whether it was.

        It can't be emitted if personas and plugins can't be loaded in this process.
        """
        call, state = self._call, self._call.state
        if not call.persona and ending.outcome is not Outcome.REFUSED:
            with log_errors("looking up the persona of a call that has not begun"):
                await fill_in(state, self._job.job.metadata, call.settings)
                give_to(call, call.persona)
        ours = True
        if key := state.idempotency_key:
            with log_errors("settling the request"):
                begun = state.dialled_at is not None or state.answered
                ours = settle_request(call.settings, state.record(ending), key, begun=begun)
        if isinstance(ending, RoomGone):  # a new room of that name may be another agent's
            with log_errors("leaving the room"):
                await withdraw(self._job, call)
        else:
            await tear_down(self._job, call)
            call.save = lambda: None  # from here on, checkpoints have the record
            return_to_owner(call)
            with log_errors("drawing conclusions"):
                await self._conclude(ending)
        record = state.record(ending)
        log.info("%s: %s (%.1f s)", record.outcome, record.reason, record.duration)
        if not ours:  # the request was given up, and recorded
            return True
        self._write_checkpoint(record)  # in case this process dies meanwhile
        if key:
            note_results(call.settings, record, key)
        if not call.has_hooks:
            with log_errors("loading personas and plugins"):
                give_to(call, "")
        if not call.has_hooks:
            return False
        with log_errors("writing the record"):
            await call.events.emit_call_ended(record)
        return True

    async def _conclude(self, ending: Ending) -> None:
        """Let the LLM draw the persona's conclusions; the far end is gone by now.

        LiveKit ends this process 15 s after it has left the room. The record is checkpointed first,
        without conclusions: if the process ends or dies meanwhile, the parent writes that one. A
        host that stops does not wait.
        """
        call = self._call
        if not may_conclude(call) or (ending.by == "host" and ending.reason in (STOPPED, DIED)):
            return
        self._write_checkpoint(call.state.record(ending))  # the hook may kill the process
        if model := asked_for(call):
            call.state.conclusions_error = INTERRUPTED
            self._write_checkpoint(call.state.record(ending))
            await conclude(call, model)

    def _require_checkpoint(self) -> None:
        """Write a checkpoint. Raises CallEnded: a call that can't be recorded does not begin."""
        try:
            self._checkpoints.write(self._call, sync=True)
        except OSError as error:
            reason = f"the call can't be recorded: {error.strerror or error}"
            raise CallEnded(Ending(Outcome.FAILED, "host", reason, error=str(error))) from error

    def _write_checkpoint(self, record: CallRecord | None = None) -> None:
        with log_errors("writing the checkpoint"):
            self._checkpoints.write(self._call, record, sync=record is not None)


@dataclass(frozen=True)
class Reached:
    """What the far end said before the greeting."""

    words: str = ""
    menu: bool = False
    """Whether an IVR menu answered."""
