"""The parent's side: LiveKit's AgentServer, and which of the jobs it offers are taken."""

from __future__ import annotations

import logging
import math
import os
import sys

from livekit import api
from livekit.agents import AgentServer, JobRequest

from host import registry
from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.call.live import LiveCall
from host.dispatch.arbitration import CALL, end_room, mark_taken
from host.dispatch.rooms import UNREACHABLE
from host.runner.worker import Worker
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.settings import PersonaSettings, Settings
from host.speech import providers
from host.telephony.transfer import is_consultation

log = logging.getLogger("host")

OTHERS_LIMIT = 0.4
"""Seconds in which another host may take a caller who is one too many for us."""
OTHERS_LIMIT_TO_DIAL = 6.0
"""Seconds in which it may take a call that is yet to be dialled.

Nobody hears it ring, and nobody in its room could tell before the 5 s are over in which LiveKit
does not show its job: see `one_agent.TAKEN`.
"""


class Admission:
    """The parent's side: takes jobs from LiveKit up to the number of calls that it may have."""

    def __init__(
        self, settings: Settings, heartbeats: HeartbeatMonitor, livekit: api.LiveKitAPI
    ) -> None:
        self.settings, self.heartbeats, self.livekit = settings, heartbeats, livekit

    def load(self, server: AgentServer) -> float:
        """Live calls over `max_calls`, kept under the threshold of 0.7 that livekit-server has.

        It drops a dispatch without a word when the load is above it; a call too many must reach
        `request`, which lets it hear busy.
        """
        full = self.heartbeats.closed or len(self.heartbeats) / self.settings.max_calls
        return min(full, 1.0) * 0.65

    async def request(self, request: JobRequest) -> None:
        """Take a job, or refuse it so that its caller hears busy at once.

        A call that is dispatched twice is taken once.
        """
        if is_consultation(request.room):
            await request.reject()
            return
        # LiveKit that was restarted makes the room of a live call again, and dispatches again too.
        if request.room.name in self.heartbeats.rooms:
            log.warning("room %s was dispatched again, its call is already live", request.room.name)
            await request.reject()
            return
        if len(self.heartbeats) < self.settings.max_calls and not self.heartbeats.closed:
            # From here on it counts: two that come at the same moment are two.
            self.heartbeats.expect(request.id, request.room.name)
            try:
                await request.accept(attributes={CALL: request.id})
            except BaseException:
                self.heartbeats.forget(request.id)
                raise
            await self._mark(request)
            return
        why = "stopping" if self.heartbeats.closed else f"{self.settings.max_calls} live calls"
        log.warning("call in room %s refused: %s", request.room.name, why)
        await request.reject(terminate=False)  # another host may have a free line
        patience = OTHERS_LIMIT_TO_DIAL if _is_to_dial(request) else OTHERS_LIMIT
        room = request.room
        await end_room(self.livekit, room.name, sid=room.sid, patience=patience)

    async def _mark(self, request: JobRequest) -> None:
        """Tell a host that was asked before us, and is full, that the caller is ours."""
        if _is_to_dial(request):
            return
        try:
            await mark_taken(self.livekit, request.room.name, request.id)
        except (api.ServerError, *UNREACHABLE) as error:
            log.debug("can't mark room %s as taken: %s", request.room.name, error)


def _is_to_dial(request: JobRequest) -> bool:
    """Tell whether a job is to call somebody: nobody waits in its room yet."""
    try:
        return read_dispatch(request.job.metadata).outbound
    except MetadataError:
        return False


def make_server(
    settings: Settings, heartbeats: HeartbeatMonitor, livekit: api.LiveKitAPI, *, dev: bool
) -> AgentServer:
    """Make the AgentServer of this host. Everything was checked before: see `check`."""
    for name in ("LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME"):
        os.environ.pop(name, None)  # LiveKit would let these beat HOST_AGENT_NAME without a word
    admission, worker = Admission(settings, heartbeats, livekit), Worker(settings)
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key.get_secret_value(),
        api_secret=settings.livekit_api_secret.get_secret_value(),
        setup_fnc=worker.warm,
        load_fnc=admission.load,
        # With any limit here, LiveKit refuses calls of itself, and they are lost without a word: of
        # several that reach an idle host at once, all but `num_idle_processes`. We decide.
        load_threshold=math.inf,
        num_idle_processes=1 if dev else 2,
        job_memory_limit_mb=settings.max_call_memory,
        drain_timeout=int(settings.drain_timeout),
        max_retry=sys.maxsize,  # after 16 tries the worker would end, and its calls with it
        host="127.0.0.1",  # LiveKit's own health check: `host.health` passes on what it answers
        port=0,
        preload_modules=["host.server.preload"],
        log_level="INFO",
    )
    server.rtc_session(worker.answer, agent_name=settings.agent_name, on_request=admission.request)
    return server


def check(settings: Settings) -> list[str]:
    """Say what would go wrong in a call and can be known before the first one. See cli."""
    loaded = registry.load(settings)
    own = {hook: set(loaded.views.who_has(hook)) for hook in (*providers.KINDS, "provide")}
    faults: list[str] = []
    checked: list[tuple[PersonaSettings, set[providers.Kind]]] = []
    for persona in loaded.personas:
        who = f"persona {persona}"
        if who in own["provide"]:
            continue  # a persona's own code runs in its calls alone
        answers = {kind for kind in providers.KINDS if who in own[kind]}
        speaks = settings.persona(persona).model_copy(update=NOT_OF_PROVIDERS)
        if (speaks, answers) in checked:
            continue
        checked.append((speaks, answers))
        call = LiveCall(settings, persona=persona, hooks=loaded.view(None))
        faults += providers.faults(call, answers)
    return list(dict.fromkeys(faults))


NOT_OF_PROVIDERS = {"numbers": (), "prefixes": ()}
"""What differs from persona to persona and makes no other model of it."""
