"""The parent's side: LiveKit's AgentServer, and which of the jobs it offers are taken."""

from __future__ import annotations

import logging
import math
import os
import sys

from livekit.agents import AgentServer, JobRequest

from host import fallbacks, registry
from host.access import livekit_of
from host.call import Call
from host.errors import HostError
from host.handover import is_consultation
from host.lifeline import Lifelines
from host.one_agent import CALL, end_room
from host.settings import Settings
from host.worker import Worker

log = logging.getLogger("host")

OTHERS_LIMIT = 0.3
"""Seconds in which another host may take a call that is one too many for us."""


class Desk:
    """The parent's side: takes jobs from LiveKit up to the number of calls that it may have."""

    def __init__(self, settings: Settings, lifelines: Lifelines) -> None:
        self.settings, self.lifelines = settings, lifelines

    def load(self, server: AgentServer) -> float:
        """Live calls over `max_calls`, kept under the threshold of 0.7 that livekit-server has.

        It drops a dispatch without a word when the load is above it; a call too many must reach
        `request`, which lets it hear busy.
        """
        full = self.lifelines.closed or len(self.lifelines) / self.settings.max_calls
        return min(full, 1.0) * 0.65

    async def request(self, request: JobRequest) -> None:
        """Take a job, or refuse it so that its caller hears busy at once.

        A call that is dispatched twice is taken once.
        """
        if is_consultation(request.room):
            await request.reject()
            return
        # LiveKit that was restarted makes the room of a live call again, and dispatches again too.
        if request.room.name in self.lifelines.rooms:
            log.warning("room %s has its persona: dispatched again, no other", request.room.name)
            await request.reject()
            return
        if len(self.lifelines) < self.settings.max_calls and not self.lifelines.closed:
            # From here on it counts: two that come at the same moment are two.
            self.lifelines.expect(request.id, request.room.name)
            try:
                await request.accept(attributes={CALL: request.id})
            except BaseException:
                self.lifelines.forget(request.id)
                raise
            return
        why = "stopping" if self.lifelines.closed else f"{self.settings.max_calls} calls"
        log.warning("call in room %s refused: %s", request.room.name, why)
        await request.reject(terminate=False)  # another host may have a free line
        await self._end_room(request.room.name)

    async def _end_room(self, room: str) -> None:
        async with livekit_of(self.settings) as livekit:
            await end_room(livekit, room, patience=OTHERS_LIMIT)


def make_server(settings: Settings, lifelines: Lifelines, *, dev: bool) -> AgentServer:
    """Make the AgentServer of this host. Everything was checked before: see `check`."""
    for name in ("LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME"):
        os.environ.pop(name, None)  # LiveKit would let these beat HOST_AGENT_NAME without a word
    desk, worker = Desk(settings, lifelines), Worker(settings)
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key.get_secret_value(),
        api_secret=settings.livekit_api_secret.get_secret_value(),
        setup_fnc=worker.warm,
        load_fnc=desk.load,
        # With any limit here, LiveKit refuses calls of itself, and they are lost without a word: of
        # several that reach an idle host at once, all but `num_idle_processes`. The desk decides.
        load_threshold=math.inf,
        num_idle_processes=1 if dev else 2,
        job_memory_limit_mb=settings.max_call_memory,
        drain_timeout=int(settings.drain_timeout),
        max_retry=sys.maxsize,  # after 16 tries the worker would end, and its calls with it
        host="127.0.0.1",  # LiveKit's own health check: `host.health` passes on what it answers
        port=0,
        preload_modules=["host.preload"],
        log_level="INFO",
    )
    server.rtc_session(worker.answer, agent_name=settings.agent_name, on_request=desk.request)
    return server


def check(settings: Settings) -> list[str]:
    """Say what would go wrong in a call and can be known before the first one. See cli."""
    loaded = registry.load(settings)
    faults: list[str] = []
    for question in ("stt", "llm", "tts"):
        own = {who for who in loaded.views.who_has(question) if who.startswith("persona ")}
        if len(own) == len(loaded.personas):
            continue  # nobody leaves it to the plugins
        call = Call(settings, persona="", hook=loaded.view(None))
        try:
            getattr(call.hook, question)(call=call)
        except HostError as error:
            faults.append(str(error))
    own = set(loaded.views.who_has("fallback"))
    for persona in loaded.personas:
        if f"persona {persona}" not in own:  # a persona's own code runs in its calls alone
            faults += fallbacks.faults(Call(settings, persona=persona, hook=loaded.view(None)))
    return list(dict.fromkeys(faults))
