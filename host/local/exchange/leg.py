"""A leg: the participant that livekit-sip puts into a room for one call.

A participant of the Python SDK with kind `sip` in its token can't be told from livekit-sip's.
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
"""Seconds that any exchange of messages with the server may take."""

ACKNOWLEDGED_IN = 1.0
"""Seconds to wait for the server's word on an update. The SDK misses one in a hundred or so, though
the update arrives; and the next one can't overtake it."""

CONNECTED = rtc.ConnectionState.CONN_CONNECTED

log = logging.getLogger(__name__)


class CannotJoin(Exception):
    """The room could not be joined."""


class Leg:
    """One participant, its track, its attributes, and the audio of everyone else in the room."""

    def __init__(self, room: str, identity: str, media: Media) -> None:
        self.name, self.identity = room, identity
        self.sid = ""
        self.gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """Done with the reason once the server has put us out: deleted, removed, duplicate."""
        self.audio = asyncio.Event()
        """Set once somebody else's audio track is subscribed."""
        self.left = asyncio.Event()
        """Set once we are out of the room, and the others have been told."""
        self.on_digits: Callable[[str], None] = lambda digits: None
        self._media = media
        self._room = rtc.Room()
        self._subscribing = False
        self._going = False
        self._publishing = asyncio.Lock()
        self._unpublished = asyncio.Event()

    async def join(
        self,
        url: str,
        token: api.AccessToken,
        *,
        config: RoomConfiguration | None = None,
    ) -> None:
        """Join the room, which makes it with `config` if it isn't there. Raises CannotJoin."""
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
            if self._media.track is None or self._going:
                return  # the call is over
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await self._try(self._room.local_participant.publish_track(self._media.track, options))
            self._media.start()

    async def let_go(self) -> bool:
        """Take the track back, as the server is going to put us out; False if we knew that.

        The SDK never frees the track of a participant that is put out: it cleans up after it has
        closed the connection, and WebRTC refuses it then. So a thread stays that sends silence.
        """
        knew, self._going = self._going, True
        async with self._publishing:
            await self._unpublish()
        return not knew

    async def stay(self) -> None:
        """Publish the track again, as we are not put out after all."""
        self._going = False
        await self.publish()

    def subscribe(self) -> None:
        """Subscribe to every audio track of everybody else, now and later."""
        self._subscribing = True
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._on_published(publication, participant)

    async def set_all(self, attributes: dict[str, str]) -> None:
        """Set or change our attributes, and go on when the others can know."""
        request = self._room.local_participant.set_attributes(attributes)
        await self._try(request, ACKNOWLEDGED_IN, quietly=True)

    async def press(self, digit: str) -> None:
        """Send a key press into the room, as livekit-sip does for an RFC 4733 event."""
        code = "0123456789*#abcd".index(digit)
        await self._try(self._room.local_participant.publish_dtmf(code=code, digit=digit))

    def serve(self, method: str, answer: Callable[[str], str]) -> None:
        """Answer an RPC method of the room: JSON in, JSON out."""

        async def call(data: rtc.RpcInvocationData) -> str:
            return answer(data.payload)

        self._room.local_participant.register_rpc_method(method, call)

    async def leave(self, reason: int) -> None:
        """Leave for this reason. The others see it as `disconnect_reason`.

        The server passes on CLIENT_INITIATED, USER_UNAVAILABLE and USER_REJECTED, and takes any
        other for the first, as it does for livekit-sip.
        """
        await self._try(self._room.disconnect(reason=reason))  # type: ignore[arg-type]
        self.left.set()

    async def _unpublish(self) -> None:
        published = [*self._room.local_participant.track_publications] if self.sid else []
        if not published or self._room.connection_state != CONNECTED:
            return
        self._unpublished.clear()
        # The SDK tells of it at once, and answers 50 ms later.
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
        """Do something with the room, which may be deleted in the same moment."""
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

    def _on_reconnected(self) -> None:
        """Hear again who was there before us: a server that was restarted tells of nobody."""
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
