"""A leg: the participant that livekit-sip adds to a room for one call.

A Python SDK participant with kind `sip` in its token is indistinguishable from livekit-sip's.
"""

import asyncio
import contextlib
import datetime
import logging
from collections.abc import Awaitable, Callable

from livekit import api, rtc
from livekit.protocol.room import RoomConfiguration

from host.local.exchange.media import Media

PATIENCE = 5.0
"""Seconds that any exchange with the server may take."""

ACKNOWLEDGED_IN = 1.0
"""Seconds to wait for the acknowledgement of an update. The SDK misses about one in a hundred,
although the update arrives, and the next one can't overtake it."""

CONNECTED = rtc.ConnectionState.CONN_CONNECTED

log = logging.getLogger(__name__)


class CannotJoin(Exception):
    """The room could not be joined."""


class Leg:
    """One participant: its track, its attributes, and the audio of all others in the room."""

    def __init__(self, room: str, identity: str, media: Media) -> None:
        self.name, self.identity = room, identity
        self.sid = ""
        self.gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Resolves with the reason when the server removes us: deleted, removed, duplicate."""
        self.audio = asyncio.Event()
        """Set once another participant's audio track is subscribed."""
        self.left = asyncio.Event()
        """Set once we have left the room and the others know."""
        self.on_digits: Callable[[str], None] = lambda digits: None
        self._media = media
        self._room = rtc.Room()
        self._subscribing = False
        self._going = self._published = False
        self._publishing = asyncio.Lock()
        self._unpublished = asyncio.Event()

    async def join(
        self,
        url: str,
        token: api.AccessToken,
        *,
        config: RoomConfiguration | None = None,
    ) -> None:
        """Join the room, created with `config` if it does not exist. Raises CannotJoin."""
        grants = api.VideoGrants(room_join=True, room=self.name, can_update_own_metadata=True)
        token.with_identity(self.identity).with_grants(grants)
        token.with_ttl(datetime.timedelta(hours=24))
        if config is not None:
            token.with_room_config(config)
        self._room.on("disconnected", self._on_disconnected)
        self._room.on("track_published", self._on_published)
        self._room.on("reconnected", self._on_reconnected)
        self._room.on("local_track_unpublished", lambda _: self._unpublished.set())
        self._room.on("track_subscribed", self._on_subscribed)
        self._room.on("track_unsubscribed", self._on_unsubscribed)
        self._room.on("sip_dtmf_received", lambda dtmf: self.on_digits(dtmf.digit))
        try:
            await self._room.connect(url, token.to_jwt(), rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise CannotJoin(error.message) from error
        self.sid = self._room.local_participant.sid

    async def publish(self) -> None:
        """Publish the audio track, named like the participant, from a microphone."""
        async with self._publishing:
            if self._media.track is None or self._going or self._published:
                return  # the call is over, or it has a track
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self._try(self._room.local_participant.publish_track(self._media.track, options))
            self._published = True
            self._media.start()

    async def let_go(self) -> bool:
        """Unpublish the track before the server removes us; False if that was already done.

        The SDK never frees the track of a removed participant: it cleans up after closing the
        connection, which WebRTC then refuses. A thread that sends silence would remain.
        """
        knew, self._going = self._going, True
        async with self._publishing:
            await self._unpublish()
            self._published = False
        return not knew

    async def stay(self) -> None:
        """Publish the track again: the removal was cancelled."""
        self._going = False
        await self.publish()

    def subscribe(self) -> None:
        """Subscribe to all present and future audio tracks of the others."""
        self._subscribing = True
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._on_published(publication, participant)

    async def set_all(self, attributes: dict[str, str]) -> None:
        """Set attributes; returns once the others can see them."""
        request = self._room.local_participant.set_attributes(attributes)
        await self._try(request, ACKNOWLEDGED_IN, quietly=True)

    async def press(self, digit: str) -> None:
        """Send a key into the room, as livekit-sip does for an RFC 4733 event."""
        code = "0123456789*#abcd".index(digit)
        await self._try(self._room.local_participant.publish_dtmf(code=code, digit=digit))

    def serve(self, method: str, answer: Callable[[str], str]) -> None:
        """Register an RPC method of the participant: JSON in, JSON out."""

        async def call(data: rtc.RpcInvocationData) -> str:
            return answer(data.payload)

        self._room.local_participant.register_rpc_method(method, call)

    async def leave(self, reason: int) -> None:
        """Leave with this reason, which the others see as `disconnect_reason`.

        The server forwards CLIENT_INITIATED, USER_UNAVAILABLE and USER_REJECTED, and replaces any
        other by the first, as for livekit-sip.
        """
        await self._try(self._room.disconnect(reason=reason))  # type: ignore[arg-type]
        self.left.set()

    async def _unpublish(self) -> None:
        published = [*self._room.local_participant.track_publications] if self.sid else []
        if not published or self._room.connection_state != CONNECTED:
            return
        self._unpublished.clear()
        # The SDK emits the event at once, and returns 50 ms later.
        tasks = [
            asyncio.create_task(self._room.local_participant.unpublish_track(published[0])),
            asyncio.create_task(self._unpublished.wait()),
        ]
        await asyncio.wait(tasks, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _try(
        self, request: Awaitable[object], limit: float = PATIENCE, quietly: bool = False
    ) -> None:
        """Await a request to the room, which may be deleted at the same moment."""
        try:
            async with asyncio.timeout(limit):
                await request
        except TimeoutError:
            if not quietly:
                log.warning("%s in %s: no answer from the server", self.identity, self.name)
        except Exception as error:
            if not self.gone.done():
                log.warning("%s in %s: %s", self.identity, self.name, error)

    def _on_disconnected(self, reason: int) -> None:
        self.left.set()
        if not self.gone.done():
            self.gone.set_result(reason)

    def put_out(self, reason: int) -> None:
        """End the leg, which the server has removed: its SDK misses that while it reconnects."""
        self._on_disconnected(reason)

    def _on_reconnected(self) -> None:
        """Subscribe to participants that rejoined before us: no event is emitted for them."""
        if self._subscribing:
            self.subscribe()

    def _on_published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if self._subscribing and publication.kind == rtc.TrackKind.KIND_AUDIO:
            with contextlib.suppress(Exception):
                publication.set_subscribed(True)

    def _on_subscribed(
        self, track: rtc.Track, publication: rtc.RemoteTrackPublication, _: rtc.RemoteParticipant
    ) -> None:
        self._media.listen(publication.sid, track)
        self.audio.set()

    def _on_unsubscribed(
        self, _: rtc.Track, publication: rtc.RemoteTrackPublication, __: rtc.RemoteParticipant
    ) -> None:
        self._media.unlisten(publication.sid)
