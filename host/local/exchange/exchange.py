"""The exchange: a URL that hosts use as LiveKit's, and the numbers behind it."""

import asyncio
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import web
from livekit.protocol import sip

from host.local.exchange import inbound
from host.local.exchange.browser import visit
from host.local.exchange.call import PhoneCall
from host.local.exchange.control import Control
from host.local.exchange.directory import Directory
from host.local.exchange.expected import check_script, check_telephone
from host.local.exchange.facts import TransferReply
from host.local.exchange.ledger import Ledger
from host.local.exchange.leg import Leg
from host.local.exchange.line import PersonScript
from host.local.exchange.methods import methods
from host.local.exchange.office import Office
from host.local.exchange.profiles import PROFILES, Profile
from host.local.exchange.provision import dispatching, inbound_route, outbound_trunk
from host.local.exchange.proxy import Proxy
from host.local.exchange.removal import Removals
from host.local.exchange.rules import NoRoute, Route, match_rule, match_trunk, normalize, route
from host.local.exchange.service import CallService
from host.local.exchange.subscriber import NOBODY, Subscriber
from host.local.exchange.twirp import PREFIX, TwirpServer
from host.local.server import LocalServer
from host.local.speech import Sentences

log = logging.getLogger(__name__)

LARGEST_REQUEST = 64 * 1024**2
"""Bytes; larger than livekit-server's own limits, so that its errors come through."""


class Exchange(LocalServer):
    """A telephone exchange in front of a livekit-server; hosts connect to `url`.

    `profile` is `now`, `2025` or a Profile. `sentences` are those that telephones recognise;
    what callers say is added to `callers`, which defaults to the same object. `deaf` telephones
    recognise nothing.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        api_secret: str,
        *,
        profile: str | Profile = "now",
        sentences: Sentences | None = None,
        callers: Sentences | None = None,
        deaf: bool = False,
        port: int = 0,
    ) -> None:
        self.api_key, self.api_secret = api_key, api_secret
        chosen = PROFILES[profile] if isinstance(profile, str) else profile
        self.sentences = Sentences() if sentences is None else sentences
        self.callers = self.sentences if callers is None else callers
        understood = None if deaf else self.sentences
        self._office = Office(url, api_key, api_secret, chosen, understood, self.callers)
        self._office.reinvite = self._reinvite
        self.directory = Directory()
        self.telephones: dict[str, Subscriber] = {}
        """Telephones by normalized number; any other number is unassigned."""
        self._connected_at: dict[str, int] = {}
        self._reinvites: list[asyncio.Task[PhoneCall]] = []
        self.port = port

    shutdown_timeout = 1.0

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.url = self.url.replace("http", "ws", 1)
        return self

    def application(self) -> web.Application:
        """Serve the SIP API and the control API, and forward everything else."""
        upstream = self._office.url.replace("ws", "http", 1)
        self._proxy = Proxy(upstream)
        service = CallService(self._office, self.directory, self._subscriber)
        twirp = TwirpServer(methods(service, self.directory), self.api_key, self.api_secret)
        application = web.Application(client_max_size=LARGEST_REQUEST)
        application.add_routes(Control(self.ring, self.ledger).routes())
        application.router.add_post(PREFIX + "{method}", twirp.serve)
        removals = Removals(self._office, self._proxy.pass_on, self.api_key, self.api_secret)
        application.add_routes(removals.routes())
        application.router.add_route("*", "/{path:.*}", self._proxy.pass_on)
        return application

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._office.close()
        await self._proxy.close()
        await super().__aexit__(kind, error, trace)

    @property
    def ledger(self) -> Ledger:
        """Every number dialled or referred to, and the result."""
        return self._office.ledger

    @property
    def calls(self) -> list[PhoneCall]:
        """All calls, oldest first."""
        return list(self._office.calls)

    def connect(self, number: str, phone: Subscriber) -> None:
        """Connect a telephone to a number that can be dialled or referred to.

        Raises TypeError for anything but a telephone.
        """
        check_telephone(number, phone)
        self.telephones[normalize(number)] = phone
        self._connected_at[normalize(number)] = len(self._office.calls)

    async def route(
        self,
        number: str,
        *,
        agent: str = "host",
        prefix: str = "call",
        metadata: str = "",
    ) -> sip.SIPDispatchRuleInfo:
        """Route calls to `number` to an agent: creates an inbound trunk and its dispatch rule.

        `*` matches any number without a trunk of its own. `metadata` is the dispatch's; an empty
        `agent` means automatic dispatch.
        """
        return await inbound_route(self.directory, number, prefix, dispatching(agent, metadata))

    async def trunk(self, number: str) -> str:
        """Create an outbound trunk that calls from `number`; return its id."""
        return await outbound_trunk(self.directory, number)

    async def ring(
        self,
        caller: str,
        called: str,
        script: PersonScript | None = None,
        *,
        patience: float | None = None,
        first_packet: float = 0.0,
        headers: Mapping[str, str] | None = None,
        on_transfer: TransferReply | None = None,
        host: str = "carrier.example",
    ) -> PhoneCall:
        """Place an inbound call from `caller` to `called`; `script` runs once it is answered.

        A caller with `patience` gives up after that many seconds of ringing, and sends the first
        packet `first_packet` seconds after the answer. Returns at once: await `answered` and
        `ended` of the call. Raises TypeError for a script that is no function.
        """
        check_script("a caller's script", script)
        try:
            where = self._find(caller, called, host)
        except NoRoute as error:
            return await self._nowhere(caller, called, error, patience)
        media = self._office.media(where.identity)
        call = PhoneCall(caller, caller, called, media)
        call.on_transfer = on_transfer or call.on_transfer
        call.first_packet = first_packet
        call.media_timeout = where.trunk.media.media_timeout.ToTimedelta().total_seconds()
        leg = Leg(where.room, where.identity, media)
        life = inbound.take(self._office, call, leg, where, script, headers or {}, patience)
        self._office.live(call, leg, life)
        return call

    async def browse(
        self,
        room: str,
        script: PersonScript | None = None,
        *,
        agent: str = "host",
        metadata: str = "",
        identity: str = "visitor",
    ) -> PhoneCall:
        """Join a room from a browser: a standard participant, whose token dispatches an agent.

        The call is active once its microphone is published; its audio is not telephone audio.
        """
        config = dispatching(agent, metadata)
        media = self._office.media(identity, g711=False)
        call, leg = PhoneCall(identity, identity, room, media), Leg(room, identity, media)
        call.is_sip = False
        self._office.live(call, leg, visit(self._office, call, leg, config, script))
        return call

    async def call_to(self, number: str, timeout: float = 20.0, nth: int = 1) -> PhoneCall:
        """Wait until the host dials `number`; return the telephone's call.

        `nth` counts the calls since the telephone was connected to the number.
        """
        wanted = normalize(number)
        first = self._connected_at.get(wanted, 0)

        def made() -> list[PhoneCall]:
            return [
                call
                for call in self._office.calls[first:]
                if call.called == call.number and normalize(call.number) == wanted
            ][nth - 1 : nth]

        return (await self._office.pulse.until(made, timeout, f"a call to {number}"))[0]

    def _reinvite(self, call: PhoneCall) -> bool:
        """Take a re-INVITE for a new call from the same telephone, if this generation does."""
        ours = call.called if call.number == call.caller else call.caller
        if self._office.profile.knows_its_calls or not call.is_sip:
            return False
        try:
            self._find(call.number, ours)
        except NoRoute:
            return False  # it rings for ever, and changes nothing
        self._reinvites.append(asyncio.create_task(self.ring(call.number, ours)))
        return True

    def _find(self, caller: str, called: str, host: str = "carrier.example") -> Route:
        trunk = match_trunk(self.directory.inbound.pick(()), caller, called)
        rule = match_rule(self.directory.rules.pick(()), trunk.sip_trunk_id, caller, called)
        return route(trunk, rule, caller, called, host)

    def _subscriber(self, number: str) -> Subscriber:
        found = self.telephones.get(normalize(number), NOBODY)
        if found.then:
            self.telephones[normalize(number)] = found.then
        return found

    async def _nowhere(
        self, caller: str, called: str, error: NoRoute, patience: float | None
    ) -> PhoneCall:
        call = PhoneCall(caller, caller, called, self._office.media(caller))
        call.sip_status = error.sip_status
        if error.sip_status:
            await self._office.turn_away(call, str(error))
        else:
            log.warning("%s: LiveKit SIP lets the caller hear ringing for ever", error)
            self._office.ignore(call, patience)
        return call
