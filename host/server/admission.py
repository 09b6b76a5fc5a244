"""LiveKit's AgentServer in the parent process, and which of the offered jobs it accepts."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections import defaultdict

from livekit import api
from livekit.agents import AgentServer, JobRequest

from host import registry
from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.call.live import LiveCall
from host.call.mcp import NEEDED, installed
from host.dispatch import probe
from host.dispatch.arbitration import CALL, end_room, mark_taken
from host.dispatch.rooms import UNREACHABLE
from host.registry import Follow, Registry
from host.runner.worker import Worker
from host.server.disk import why_not_recorded
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.server.idle import IdleProcesses
from host.settings import PersonaSettings, Settings
from host.speech import providers
from host.telephony.transfer import is_consultation

log = logging.getLogger("host")

OTHERS_LIMIT = 0.4
"""Seconds in which another host may accept an inbound call that exceeds our capacity."""
OTHERS_LIMIT_TO_DIAL = 6.0
"""Seconds in which another host may accept an outbound call that exceeds our capacity.

No one hears it ring, and LiveKit shows a job's participant up to 5 s late: see
`host.dispatch.arbitration.TAKEN`.
"""


class Admission:
    """Accepts jobs from LiveKit up to `max_calls`."""

    def __init__(
        self, settings: Settings, heartbeats: HeartbeatMonitor, livekit: api.LiveKitAPI
    ) -> None:
        self.settings, self.heartbeats, self.livekit = settings, heartbeats, livekit

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Accept further jobs by these settings."""
        self.settings = settings

    def load(self, server: AgentServer) -> float:
        """Return live calls over `max_calls`, scaled below livekit-server's threshold of 0.7.

        Above it, livekit-server drops a dispatch silently. Excess calls must reach `request`, which
        rejects them as busy.
        """
        full = self.heartbeats.closed or len(self.heartbeats) / self.settings.max_calls
        return min(full, 1.0) * 0.65

    async def request(self, request: JobRequest) -> None:
        """Accept a job, or reject it so that the caller hears busy at once.

        A call that is dispatched twice is accepted once.
        """
        if is_consultation(request.room):
            await request.reject()
            return
        if probe.is_probe(request.room):
            await probe.answer(self.livekit, request.room.name, self._full)
            await request.reject()
            return
        # A restarted LiveKit server creates the room of a live call again and dispatches it again.
        if request.room.name in self.heartbeats.rooms:
            log.warning("room %s was dispatched again, its call is already live", request.room.name)
            await request.reject()
            return
        why = self._full
        if why is None:
            # Counted before the await, so that simultaneous requests can't exceed the limit.
            self.heartbeats.expect(request.id, request.room.name, request.job.metadata)
            try:
                await request.accept(attributes={CALL: request.id})
            except BaseException:
                self.heartbeats.forget(request.id)
                raise
            await self._mark(request)
            return
        log.warning("call in room %s refused: %s", request.room.name, why)
        await request.reject(terminate=False)  # another host may have capacity
        patience = OTHERS_LIMIT_TO_DIAL if _is_to_dial(request) else OTHERS_LIMIT
        room = request.room
        await end_room(self.livekit, room.name, sid=room.sid, patience=patience)

    @property
    def _full(self) -> str | None:
        """Why no call can be accepted now; None if one can."""
        if self.heartbeats.closed:
            return "stopping"
        if len(self.heartbeats) >= self.settings.max_calls:
            return f"{self.settings.max_calls} live calls"
        return why_not_recorded(self.settings.state_dir)

    async def _mark(self, request: JobRequest) -> None:
        """Tell a full host, which was offered the job before us, that the call is ours."""
        if _is_to_dial(request):
            return
        try:
            await mark_taken(self.livekit, request.room.name, request.id)
        except (api.ServerError, *UNREACHABLE) as error:
            log.debug("can't mark room %s as taken: %s", request.room.name, error)


def _is_to_dial(request: JobRequest) -> bool:
    """Return whether a job is an outbound call: no one waits in its room yet."""
    try:
        return read_dispatch(request.job.metadata).outbound
    except MetadataError:
        return False


def make_server(
    settings: Settings,
    heartbeats: HeartbeatMonitor,
    livekit: api.LiveKitAPI,
    *,
    dev: bool,
    follow: Follow = lambda use: None,
) -> AgentServer:
    """Build the host's AgentServer. `check` has validated the settings.

    `follow` is told what is to follow each reload.
    """
    for name in ("LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME"):
        os.environ.pop(name, None)  # LiveKit would let these override HOST_AGENT_NAME silently
    admission = Admission(settings, heartbeats, livekit)
    worker = Worker(settings, registry.load(settings).code)
    for use in (admission.use, worker.use):
        follow(use)
    idle = 1 if dev else 2
    server = AgentServer(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key.get_secret_value(),
        api_secret=settings.livekit_api_secret.get_secret_value(),
        setup_fnc=worker.warm,
        load_fnc=admission.load,
        # With a finite threshold, LiveKit itself rejects jobs, and their calls are lost silently:
        # all but `num_idle_processes` of those that reach an idle host at once. `request` decides
        # instead.
        load_threshold=math.inf,
        num_idle_processes=idle,
        job_memory_limit_mb=settings.max_call_memory,
        drain_timeout=int(settings.drain_timeout),
        max_retry=sys.maxsize,  # after the default 16 the worker would end, and its calls with it
        host="127.0.0.1",  # LiveKit's own health check, which `host.server.health` forwards
        port=0,
        preload_modules=["host.server.preload"],
        log_level="INFO",
    )
    idle_processes = IdleProcesses(server, idle, lambda: admission.settings.max_calls)
    heartbeats.on_numbers = idle_processes.follow
    server.rtc_session(worker.answer, agent_name=settings.agent_name, on_request=admission.request)
    return server


def check(settings: Settings) -> list[str]:
    """Return faults of personas' providers and MCP servers that are known before the first call."""
    return [*faults_of_providers(settings), *faults_of_mcp(settings)]


def faults_of_mcp(settings: Settings) -> list[str]:
    """Return what the personas' MCP servers lack on this machine: a package, or variables."""
    having: defaultdict[str, list[str]] = defaultdict(list)
    for persona in registry.load(settings).personas:
        servers = settings.persona(persona).mcp
        if servers and not installed():
            having[NEEDED].append(persona)
        for server in servers:
            for name in server.missing:
                having[f"mcp {server.name}: {name} is not set: put it into .env"].append(persona)
    return [f"{', '.join(names)}: {fault}" for fault, names in having.items()]


def faults_of_providers(settings: Settings) -> list[str]:
    """Return faults of personas' providers that can be detected before the first call."""
    loaded = registry.load(settings)
    own = {hook: set(loaded.views.who_has(hook)) for hook in (*providers.KINDS, "provide")}
    checked: list[tuple[PersonaSettings, set[providers.Kind], list[str]]] = []
    having: defaultdict[str, list[str]] = defaultdict(list)
    for persona in loaded.personas:
        who = f"persona {persona}"
        if who in own["provide"]:
            continue  # a persona's own code runs in its calls alone
        answers = {kind for kind in providers.KINDS if who in own[kind]}
        speaks = settings.persona(persona).model_copy(update=NOT_OF_PROVIDERS)
        faults = next((known for *key, known in checked if key == [speaks, answers]), None)
        if faults is None:
            call = LiveCall(settings, persona=persona, hooks=loaded.view(None))
            faults = providers.faults(call, answers)
            checked.append((speaks, answers, faults))
        for fault in faults:
            having[fault].append(persona)
    return [
        fault if len(names) == len(loaded.personas) else f"{', '.join(names)}: {fault}"
        for fault, names in having.items()
    ]


NOT_OF_PROVIDERS = {"numbers": (), "prefixes": (), "mcp": ()}
"""Settings that differ between personas without affecting their providers."""
