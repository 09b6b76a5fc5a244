"""LiveKit's entrypoint: runs a call for each job that a process receives."""

from __future__ import annotations

import logging
from multiprocessing.util import Finalize

from livekit import api
from livekit.agents import JobContext, JobProcess
from livekit.agents.utils import http_context

from host import registry
from host.call.live import LiveCall
from host.call.state import CallState
from host.dispatch.livekit import keys_of
from host.privacy.logs import keep_private_in_call
from host.registry import Code, Registry
from host.runner.checkpoint import CheckpointStore
from host.runner.ending import log_errors
from host.runner.newest import newest
from host.runner.runner import Runner
from host.runner.takeover import call_to_take_over, restored
from host.settings import Settings

log = logging.getLogger("host")


class Worker:
    """Handles jobs. Plain data, because LiveKit pickles it into each call's process.

    A reload replaces its settings and code in the parent, for the processes that start later.
    """

    def __init__(self, settings: Settings, code: Code | None = None) -> None:
        """`code`: what personas and plugins are loaded from; None: their files."""
        self.settings, self.code = settings, code

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Serve later calls with these settings, and the code of this registry."""
        self.settings, self.code = settings, loaded.code

    def warm(self, process: JobProcess) -> None:
        """Prepare a process: load personas and plugins, if the forkserver has not."""
        # If the parent is killed, LiveKit's main function (1.8.9) may raise before it closes its
        # log handler, whose thread Python then waits for. `atexit` does not run in this process.
        for handler in logging.getLogger().handlers:
            Finalize(None, handler.close, exitpriority=0)
        keep_private_in_call(self.settings)
        with log_errors("loading personas and plugins"):  # a fault is reported by the call itself
            registry.load(self.settings, self.code)

    async def answer(self, job: JobContext) -> None:
        """Run a call or a takeover, from LiveKit's job to the record, with the newest code."""
        await self.catch_up()
        give_access(job, self.settings)
        if call := _call_of(job, self.settings):
            await self.runner_of(job, call).run()

    async def catch_up(self) -> None:
        """Load newer code, if the host has reloaded since this process was started."""
        if found := await newest(self.code.edition if self.code else 0):
            self.settings, self.code = found
            keep_private_in_call(self.settings)

    def runner_of(self, job: JobContext, call: LiveCall) -> Runner:
        """Return the runner of a call."""
        return Runner(job, call)


def give_access(job: JobContext, settings: Settings) -> None:
    """Give a job an API client; LiveKit would create one from the environment."""
    session = http_context.http_session()
    job.api = api.LiveKitAPI(settings.livekit_url, *keys_of(settings), session=session)


def _call_of(job: JobContext, settings: Settings) -> LiveCall | None:
    """Return the job's call; None if it can no longer be taken over."""
    dead = call_to_take_over(job.local_participant_identity)
    if dead is None:
        return LiveCall(settings, CallState(id=job.job.id, room=job.job.room.name))
    checkpoint = CheckpointStore(settings.state_dir).read(dead)
    if checkpoint is None or not checkpoint.awaiting_takeover:
        room = job.job.room.name
        log.warning("the call in room %s can no longer be taken over", room)
        job.shutdown(reason="too late")
        return None
    return restored(settings, checkpoint)
