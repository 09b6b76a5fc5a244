"""A healthy deployment with all that `host doctor` asks: LiveKit, providers, a quiet machine.

LiveKit's API, its `/agent` and its clock are served over HTTP, from the server in memory and the
local exchange's trunks and rules; the providers are those of the local world.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from aiohttp import WSMsgType, web
from canaries import SECRETS, TRUNK_PASSWORD
from deployment import Deployment
from google.protobuf.message import Message
from in_memory.api import Api
from in_memory.server import Participant, Room, Server
from livekit import api
from livekit.plugins import cartesia, deepgram, openai
from livekit.protocol import agent, models, sip

from host.cli.doctor import deployment as doctors
from host.cli.doctor.catalogue import examine
from host.cli.doctor.finding import Result
from host.cli.doctor.machine import Machine
from host.dispatch import probe
from host.local.cartesia import BadRequest, CartesiaServer
from host.local.deepgram import DeepgramServer
from host.local.exchange.directory import Directory
from host.local.exchange.methods import methods
from host.local.exchange.twirp import TwirpServer
from host.local.llm import LlmServer
from host.local.scripts import RULES
from host.local.server import LocalServer
from host.local.speech import Sentences

IMPORTED = (cartesia, deepgram, openai)
"""LiveKit's plugins can be imported in the main thread alone, and commands run in another one."""
KEY, SECRET = "APIclinic", "canary-livekit-4f1c9a7be2d05836-4f1c9a7be2d05836"
ANN, BOB = "+12125550111", "+12125550122"
"""Numbers of the personas `ann` and `bob`."""
VOICE = "f786b574-daa5-4673-aa0c-cbe3e8534c02"
"""The only voice that the provider has."""
HOST_TOML = f"""\
caller_id = "{ANN}"

[personas.ann]
numbers = ["{ANN}"]

[personas.bob]
numbers = ["{BOB}"]
"""


class LiveKit(LocalServer):
    """LiveKit, as far as `doctor` sees it. All is well at first."""

    def __init__(self) -> None:
        self.rooms, self.directory = Server(), Directory()
        self.version, self.skew, self.has_sip = "1.11.0", 0.0, True
        self.takes_workers = True
        self.dispatched: list[str] = []
        """Agents that were dispatched, in order."""
        self.requests: list[str] = []
        """Paths that were asked for."""
        self.registered: list[str] = []
        """Agent names of workers that have registered."""
        service: Any = SimpleNamespace(create=None, transfer=None)
        self._api = Api(self.rooms, {}, KEY, SECRET)
        self._sip = TwirpServer(methods(service, self.directory), KEY, SECRET)

    def application(self) -> web.Application:
        """Serve the API, the workers' websocket, and a page."""
        app = web.Application(middlewares=[self._note])
        app.router.add_post("/twirp/livekit.SIP/{method}", self._of_sip)
        app.router.add_post("/twirp/livekit.{service}/{method}", self._of_rooms)
        app.router.add_get("/agent", self._take_worker)
        app.router.add_get("/", self._page)
        return app

    def host(self, name: str = "host", full: str | None = None) -> None:
        """Have a host of an agent name that answers probes."""

        def offered(room: Room, dispatch: api.AgentDispatch) -> None:
            self.dispatched.append(dispatch.agent_name)
            self._tasks.append(asyncio.ensure_future(self._answer(room, full)))

        self._tasks: list[asyncio.Future[None]] = []
        self.rooms.workers[name] = offered

    def stranger(self, name: str = "host") -> None:
        """Have another worker of an agent name, which joins what it is dispatched to."""

        def offered(room: Room, dispatch: api.AgentDispatch) -> None:
            client: Any = SimpleNamespace(put_out=lambda reason: None)
            joined = Participant(
                room, "agent-AJ_1", "", models.ParticipantInfo.AGENT, "", {}, False, True, client
            )
            room.participants[joined.identity] = joined

        self.rooms.workers[name] = offered

    async def _answer(self, room: Room, full: str | None) -> None:
        assert probe.is_probe(room.info())
        async with api.LiveKitAPI(self.url, KEY, SECRET) as livekit:
            await probe.answer(livekit, room.name, full)

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.requests.append(request.path)
        response: web.StreamResponse = await handler(request)
        return response

    async def _page(self, request: web.Request) -> web.Response:
        date = formatdate(time.time() + self.skew, usegmt=True)
        return web.Response(text="OK", headers={"Date": date})

    async def _of_sip(self, request: web.Request) -> web.StreamResponse:
        if not self.has_sip:
            text = "twirp error unknown: sip not connected (redis required)"
            return web.json_response({"code": "internal", "msg": text}, status=500)
        return await self._sip.serve(request)

    async def _of_rooms(self, request: web.Request) -> web.Response:
        service, method = request.match_info["service"], request.match_info["method"]
        name = "CreateAgentDispatch" if method == "CreateDispatch" else method
        asked: Message = getattr(api, f"{name}Request")()
        asked.ParseFromString(await request.read())
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            answer = await self._api.request(service, method, asked, headers, 5.0)
        except api.ServerError as error:
            body = {"code": error.code, "msg": error.message}
            return web.json_response(body, status=error.status)
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")

    async def _take_worker(self, request: web.Request) -> web.StreamResponse:
        if not self.takes_workers:
            return web.Response(status=404)
        worker = web.WebSocketResponse()
        await worker.prepare(request)
        async for message in worker:
            if message.type is WSMsgType.BINARY:
                hello = agent.WorkerMessage.FromString(message.data)
                self.registered.append(hello.register.agent_name)
                info = models.ServerInfo(version=self.version)
                told = agent.RegisterWorkerResponse(worker_id="AW_1", server_info=info)
                await worker.send_bytes(agent.ServerMessage(register=told).SerializeToString())
        return worker


class Echoes(LocalServer):
    """A provider that may reject every key, and repeat it, as some do."""

    echo = False

    def application(self) -> web.Application:
        """Serve the API, or repeat what a request has."""
        app: web.Application = super().application()  # type: ignore[safe-super]
        app.middlewares.append(self._repeat)
        return app

    @web.middleware
    async def _repeat(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.echo:
            said = f"rejected: {dict(request.headers)}"
            body = {"error": {"message": said, "code": said}, "err_msg": said}
            reason = said.replace("\r", " ").replace("\n", " ")
            return web.json_response(body, status=401, reason=reason)
        response: web.StreamResponse = await handler(request)
        return response


class Deepgram(Echoes, DeepgramServer):
    """An STT."""


class Llm(Echoes, LlmServer):
    """An LLM."""


class Cartesia(Echoes, CartesiaServer):
    """A TTS with one voice, which makes a moment of silence of everything."""

    async def synthesize(
        self, request: Mapping[str, Any], pause: float = 0.0, *, kept: bool = False
    ) -> bytes:
        """Check the voice. Raises BadRequest."""
        if (request.get("voice") or {}).get("id") != VOICE:
            raise BadRequest("voice not found")
        self.spoken.append(str(request["transcript"]))
        return bytes(4800)


class Quiet(Machine):
    """A machine with nothing else to do."""

    wanting, available, space, ahead = 0.1, 64 * 10**9, 10**12, 0.0
    quota = 4.0

    def now(self) -> float:
        """Return the time of its clock."""
        return super().now() + self.ahead

    def cores(self) -> int:
        """Return how many cores there are."""
        return 4

    def share(self) -> float:
        """Return the cores that may be used."""
        return self.quota

    def load(self) -> float:
        """Return how many processes want to run."""
        return self.wanting

    def memory(self) -> int:
        """Return the bytes that are available."""
        return self.available

    def free(self, path: Path) -> int:
        """Return the free bytes of a disk."""
        return self.space


class Clinic:
    """A deployment, and all around it."""

    def __init__(self, deployment: Deployment) -> None:
        self.files = deployment
        self.livekit, self.machine = LiveKit(), Quiet()
        self.deepgram, self.llm = Deepgram(Sentences()), Llm(RULES)
        self.cartesia = Cartesia()
        self.inbound = self.outbound = self.rule = ""
        """IDs of the trunks, and of the rule."""
        self.environment: dict[str, str] = {}
        """What `.env` says."""
        self.mode_of_dotenv = 0o600
        self.closing = AsyncExitStack()
        """What is undone at the end."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Clinic]:
        """Have all of it up, and well."""
        async with AsyncExitStack() as up:
            up.enter_context(mock.patch.object(probe, "LOOK_EVERY", 0.02))
            for server in (self.livekit, self.deepgram, self.llm, self.cartesia):
                await up.enter_async_context(server)
            up.callback(self.livekit.rooms.close)
            await up.enter_async_context(self.closing)
            await self._provide()
            yield self

    async def _provide(self) -> None:
        self.livekit.host()
        trunk = sip.SIPInboundTrunkInfo(name="ours", numbers=[ANN, BOB])
        made = await self.livekit.directory.create_inbound(
            sip.CreateSIPInboundTrunkRequest(trunk=trunk)
        )
        self.inbound = made.sip_trunk_id
        out = sip.SIPOutboundTrunkInfo(
            name="out",
            address="sip.telnyx.com",
            numbers=[ANN],
            auth_username="host",
            auth_password=TRUNK_PASSWORD,
        )
        self.outbound = (
            await self.livekit.directory.create_outbound(
                sip.CreateSIPOutboundTrunkRequest(trunk=out)
            )
        ).sip_trunk_id
        self.rule = await self.add_rule(trunk_ids=[self.inbound])
        self.files.persona("ann")
        self.files.persona("bob")
        self.files.write("host.toml", HOST_TOML)
        self.environment = {
            "LIVEKIT_URL": self.livekit.url.replace("http", "ws"),
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": SECRET,
            "HOST_TRUNK": self.outbound,
            "HOST_HEALTH_PORT": "0",
            "HOST_TURN_DETECTION": "vad",
            "HOST_DEEPGRAM_BASE_URL": f"{self.deepgram.url}/v1/listen",
            "HOST_CARTESIA_BASE_URL": self.cartesia.url,
            "HOST_OPENAI_BASE_URL": f"{self.llm.url}/v1",
        }
        # Not in `.env`: at the end of the suite, all files are searched for canaries.
        os.environ.update(SECRETS)

    async def add_rule(self, agent_name: str = "host", metadata: str = "", **facts: Any) -> str:
        """Add a dispatch rule, for individual rooms unless said otherwise; return its ID."""
        rule = sip.SIPDispatchRuleInfo(**facts)
        if rule.rule.WhichOneof("rule") is None:
            rule.rule.dispatch_rule_individual.room_prefix = "call"
        if agent_name:
            rule.room_config.agents.add(agent_name=agent_name, metadata=metadata)
        return self.livekit.directory.rules.add(rule).sip_dispatch_rule_id

    @property
    def the_rule(self) -> sip.SIPDispatchRuleInfo:
        """The dispatch rule of our numbers."""
        return self.livekit.directory.rules.get(self.rule)

    @property
    def the_trunk(self) -> sip.SIPInboundTrunkInfo:
        """The inbound trunk of our numbers."""
        return self.livekit.directory.inbound.get(self.inbound)

    @property
    def the_way_out(self) -> sip.SIPOutboundTrunkInfo:
        """The outbound trunk."""
        return self.livekit.directory.outbound.get(self.outbound)

    def write_environment(self) -> None:
        """Write `.env`."""
        lines = [f"{name}={value!r}" for name, value in self.environment.items()]
        self.files.write(".env", "\n".join(lines) + "\n").chmod(self.mode_of_dotenv)

    def echo_keys(self) -> None:
        """Have providers reject each key, and repeat it in their answers, as some do."""
        for server in (self.deepgram, self.llm, self.cartesia):
            server.echo = True

    async def examine(self, *, offline: bool = False) -> list[Result]:
        """Let `doctor` look at it."""
        self.write_environment()
        found = doctors.read(offline=offline, machine=self.machine)
        return await examine(found)
