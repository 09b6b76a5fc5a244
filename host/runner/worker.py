"""Has a call for each job that LiveKit gives to a process."""

from __future__ import annotations

import logging

from livekit.agents import JobContext, JobProcess

from host import registry
from host.call.live import LiveCall
from host.call.state import CallState
from host.dispatch.livekit import give_access
from host.privacy.logs import keep_private_in_call
from host.runner.checkpoint import CheckpointStore
from host.runner.ending import log_errors
from host.runner.runner import Runner
from host.runner.takeover import call_to_take_over, restored
from host.settings import Settings

log = logging.getLogger("host")


class Worker:
    """Answers calls. Plain data, because LiveKit pickles it into each call's process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def warm(self, process: JobProcess) -> None:
        """Make a process ready for a call: personas and plugins, unless the forkserver has them."""
        keep_private_in_call(self.settings)
        with log_errors("loading personas and plugins"):  # the call itself says what is wrong
            registry.load(self.settings)

    async def answer(self, job: JobContext) -> None:
        """Have a call, or go on with one whose process died, from LiveKit's job to the record."""
        give_access(job, self.settings)
        if call := _call_of(job, self.settings):
            await self.runner_of(job, call).run()

    def runner_of(self, job: JobContext, call: LiveCall) -> Runner:
        """Make what has a call from its beginning to its end."""
        return Runner(job, call)


def _call_of(job: JobContext, settings: Settings) -> LiveCall | None:
    """Make the call of a job; None where another process has it by now."""
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
