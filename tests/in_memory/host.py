"""A host in memory: admission, recovery and worker in this process, on the loop's own clock.

What is missing of the real one is what makes processes: LiveKit's `AgentServer`, the heartbeats'
sockets, the subprocess that tells of the end of a call whose process died.

Of livekit-agents (1.8), `_JobContextVar` and a context's `_tempdir` are private; of the host
itself, what its `HeartbeatMonitor`, `Runner` and `LiveCall` keep.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from livekit import api, rtc
from livekit.agents import JobContext, JobExecutorType, JobProcess, JobRequest
from livekit.agents.job import JobAcceptArguments, RunningJobInfo, _JobContextVar
from livekit.agents.utils import http_context
from livekit.protocol.agent import Job, JobState, JobStatus, JobType

from host.call.live import LiveCall
from host.dispatch.livekit import livekit_of, token_of
from host.registry import Registry
from host.runner.aftermath import emit_call_ended
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.live_events import LiveEvents
from host.runner.runner import Runner
from host.runner.worker import Worker
from host.server.admission import Admission
from host.server.heartbeat_monitor import WatchedCall
from host.server.recovery import Recovery
from host.settings import Settings

from .sdk import Connection, Sdk
from .server import Room

log = logging.getLogger(__name__)

STARTS_IN = 0.05
"""Seconds from a job that was accepted to its process having it."""
ENDS_IN = 30.0
"""Seconds that a call may take to end after its test."""
NO_PROCESS = 2**22 + 1
"""A number that Linux gives to no process, should anybody kill it."""


class _Recovery(Recovery):
    """Tells of the end of a call in this process."""

    async def _emit_call_ended(self, checkpoint: Checkpoint) -> None:
        self._checkpoints.put(checkpoint)
        await emit_call_ended(self._settings, checkpoint)
        self._checkpoints.close(checkpoint.state.id)


class _Checkpoints(CheckpointStore):
    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.call: LiveCall | None = None
        self.begun = asyncio.Event()

    async def keep(self, call: LiveCall) -> None:
        self.call = call
        self.begun.set()
        await super().keep(call)


class _Worker(Worker):
    """One call's process: it may die."""

    dead = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.checkpoints = _Checkpoints(settings.state_dir)
        self.finishing: asyncio.Task[Any] | None = None
        """What the process does at the end of its call, once it does."""

    def runner_of(self, job: JobContext, call: LiveCall) -> Runner:
        return _Runner(job, call, self)


class _Runner(Runner):
    def __init__(self, job: JobContext, call: LiveCall, process: _Worker) -> None:
        super().__init__(job, call)
        self._process = process
        self._checkpoints = process.checkpoints

    async def _finish(self, *facts: Any) -> None:
        if not self._process.dead:
            self._process.finishing = asyncio.current_task()
            await super()._finish(*facts)


@dataclass(eq=False)
class _Running:
    """A call under way."""

    job: JobContext
    worker: _Worker
    task: asyncio.Task[None]


class MemoryHost:
    """Takes jobs from a server in memory, as `host.serve` does from a real one."""

    def __init__(self, settings: Settings, sdk: Sdk) -> None:
        self._settings, self._sdk = settings, sdk
        self._recovery = _Recovery(settings)
        self._recovery.launch = self._take_over
        self.heartbeats = self._recovery.heartbeats
        self._livekit = livekit_of(settings)
        self._admission = Admission(settings, self.heartbeats, self._livekit)
        self._running: dict[str, _Running] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: list[str] = []
        self.starts_in: Callable[[], float] = lambda: STARTS_IN
        """Seconds from an accepted job to its process."""

    def open(self) -> None:
        """Register with the server."""
        self._sdk.server.workers[self._settings.agent_name] = self._offer

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Serve later calls with these settings, as a host that reloads does."""
        self._settings = settings
        self._admission.use(settings, loaded)
        self._recovery.use(settings, loaded)

    async def close(self) -> None:
        """Wait until every call is over. Raises RuntimeError where one failed, or does not end."""
        self._sdk.server.workers.clear()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=ENDS_IN)
        endless = list(self._tasks)
        for task in endless:
            task.cancel()
        await asyncio.gather(*endless, return_exceptions=True)
        await self._livekit.aclose()
        failed = [*self._failed, *(f"{task.get_name()} does not end" for task in endless)]
        if failed:
            raise RuntimeError("; ".join(failed))

    def goodbye(self) -> None:
        """Tell every live call to say goodbye and end, as a second SIGTERM does."""
        from host.runner.ending import say_goodbye

        self.heartbeats.closed = True
        for running in self._running.values():
            if call := running.worker.checkpoints.call:
                say_goodbye(call)

    def call_in(self, room: str) -> LiveCall:
        """Give the call that has a room."""
        for running in self._running.values():
            call = running.worker.checkpoints.call
            if call is not None and call.state.room == room:
                return call
        raise KeyError(room)

    def come_too(self, room: str) -> asyncio.Task[None]:
        """Have one more agent come into a room, as one of another host does."""
        id = f"AJ_{secrets.token_hex(6)}"
        grants = api.VideoGrants(room_join=True, room=room, agent=True)
        token = token_of(self._settings).with_identity(f"agent-{id}").with_kind("agent")
        job = Job(id=id, type=JobType.JT_ROOM, room=self._sdk.server.rooms[room].info())
        arguments = JobAcceptArguments(identity=f"agent-{id}", name="", metadata="")
        self._run(job, arguments, token.with_grants(grants).to_jwt())
        return self._running[id].task

    async def takes(self, room: str) -> None:
        """Wait until a job in a room is accepted; its process has not begun yet."""
        while all(each.job.job.room.name != room for each in self._running.values()):
            await asyncio.sleep(STARTS_IN / 5)

    def kill(self, room: str) -> None:
        """Kill the process of the call in a room, as far as anybody else can see.

        It leaves the room without a word, and its parent is told. What it has begun is cancelled,
        not stopped dead: unlike in a real process, its `finally` blocks run.
        """
        ((id, running),) = [
            (id, each) for id, each in self._running.items() if each.job.job.room.name == room
        ]
        running.worker.dead = True
        for connection in self._sdk.connections:
            if connection.open and connection.me.room.name == room and connection.me.agent:
                self._cut(connection)
        running.task.cancel()
        if running.worker.finishing:
            running.worker.finishing.cancel()
        if call := running.worker.checkpoints.call:
            call._beside.cancel()
            call.events.cancel()
            if isinstance(call.live_events, LiveEvents):
                self._start(call.live_events.close(), "closing what a dead process had open")
        live = self.heartbeats._calls[call.state.id if call else id]
        self._start(self._recovery.lost(live), "looking after a lost call")

    def _cut(self, connection: Connection) -> None:
        connection.open = False
        connection.deafen()
        for track in connection.me.tracks.values():
            track.subscribers.clear()
        self._sdk.server.lose(connection.me)

    # Jobs

    def _offer(self, room: Room, dispatch: api.AgentDispatch) -> None:
        job = Job(
            id=f"AJ_{secrets.token_hex(6)}",
            dispatch_id=dispatch.id,
            type=JobType.JT_ROOM,
            room=room.info(),
            metadata=dispatch.metadata,
            agent_name=dispatch.agent_name,
            state=JobState(status=JobStatus.JS_PENDING),
        )

        async def accept(arguments: JobAcceptArguments) -> None:
            job.state.status = JobStatus.JS_RUNNING
            dispatch.state.jobs.append(job)
            attributes = {**(arguments.attributes or {}), "lk.agent.name": dispatch.agent_name}
            arguments.identity = arguments.identity or f"agent-{job.id}"
            grants = api.VideoGrants(
                room_join=True, room=room.name, agent=True, can_update_own_metadata=True
            )
            token = (
                token_of(self._settings)
                .with_identity(arguments.identity)
                .with_kind("agent")
                .with_attributes(attributes)
                .with_grants(grants)
                .to_jwt()
            )
            self._run(job, arguments, token)

        async def reject(terminate: bool) -> None:
            job.state.status = JobStatus.JS_FAILED

        request = JobRequest(job=job, on_reject=reject, on_accept=accept)
        self._start(self._admission.request(request), "admission")

    async def _take_over(self, room: api.Room, token: str) -> None:
        """Start a job in a room, as `AgentServer.simulate_job` does."""
        job = Job(id=f"AJ_{secrets.token_hex(6)}", type=JobType.JT_ROOM, room=room)
        identity = (
            api.TokenVerifier(
                self._settings.livekit_api_key.get_secret_value(),
                self._settings.livekit_api_secret.get_secret_value(),
            )
            .verify(token)
            .identity
        )
        arguments = JobAcceptArguments(identity=identity, name="", metadata="")
        self._run(job, arguments, token)

    def _run(self, job: Job, arguments: JobAcceptArguments, token: str) -> None:
        info = RunningJobInfo(
            accept_arguments=arguments,
            job=job,
            url=self._settings.livekit_url,
            token=token,
            worker_id="AW_memory",
            fake_job=False,
        )
        process = JobProcess(
            executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None
        )
        context = JobContext(
            proc=process,
            info=info,
            room=rtc.Room(),
            on_connect=lambda: None,
            on_shutdown=lambda reason: None,
            inference_executor=None,  # type: ignore[arg-type]
        )
        worker = _Worker(self._settings)
        task = self._start(self._process(context, worker), f"the call in {job.room.name}")
        # As LiveKit's own process does at its end; one that is killed may not have begun yet.
        task.add_done_callback(lambda _: context._tempdir.cleanup())
        self._running[job.id] = _Running(context, worker, task)

    async def _process(self, context: JobContext, worker: _Worker) -> None:
        """What the process of one call does."""
        await asyncio.sleep(self.starts_in())
        _JobContextVar.set(context)
        id = context.job.id
        try:
            async with http_context.open():
                begun = asyncio.create_task(self._begun(id, context, worker))
                try:
                    await worker.answer(context)
                finally:
                    begun.cancel()
                    if not worker.dead:
                        await context.room.disconnect()
        finally:
            del self._running[id]
            if call := worker.checkpoints.call:
                live = self.heartbeats._calls.get(call.state.id)
                if live and not worker.dead and worker.checkpoints.read(live.id):
                    await self._recovery.lost(live)  # the process has not said that it is over
                self.heartbeats.forget(call.state.id)
            self.heartbeats.forget(id)

    async def _begun(self, id: str, context: JobContext, worker: _Worker) -> None:
        """Tell the parent's side that a process has the call, as its lifeline would."""
        await worker.checkpoints.begun.wait()
        call = worker.checkpoints.call
        assert call
        live = WatchedCall(call.state.id, context.job.room.name, process=NO_PROCESS)
        live.writer = _Silent()  # type: ignore[assignment]
        call.on_left = lambda: setattr(live, "left", True)
        self.heartbeats._calls[call.state.id] = live
        self.heartbeats._moved.set()

    def _start(self, work: Any, what: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)
            self._failed.append(f"{task.get_name()} failed: {error!r}")


class _Silent:
    """The parent's end of a lifeline that nothing is sent on."""

    def write(self, data: bytes) -> None:
        """Nobody listens."""
