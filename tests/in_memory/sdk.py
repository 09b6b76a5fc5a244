"""LiveKit's SDK without its native library: rooms and sound in memory, on the loop's own clock.

`livekit.rtc` talks to its native library in protobuf messages. Here they are answered from a
`Server` in memory; all of the SDK's Python runs as it is, and so does whatever stands on it: the
host, LiveKit's agents, and the telephones of the local exchange.

`FfiClient`, `FfiQueue`, `_live_handles`, `_ffi_handle` and the messages in `_proto` are private
(1.1.21).
"""

from __future__ import annotations

import asyncio
import ctypes
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
import numpy as np
from livekit import api, rtc
from livekit.rtc import _ffi_client
from livekit.rtc._proto import ffi_pb2, participant_pb2, room_pb2, track_pb2

from .server import Participant, Refused, Server, Track
from .sound import Samples

FIRST_HANDLE = 1 << 40
"""Our handles are no handles of the native library, which counts from 1."""
JOINS_IN, PUBLISHES_IN, UNPUBLISHES_IN, SUBSCRIBES_IN, ANSWERS_IN = 0.1, 0.04, 0.05, 0.05, 0.01
"""Seconds that the real SDK and server take on one machine, about."""
PACKETS = 50
"""Packets a second of a track, in a silence too: LiveKit SIP sends it like any other sound."""


class Source:
    """An AudioSource: samples wait in it, and are played one after the other."""

    def __init__(self, rate: int, queue: float) -> None:
        self.rate, self.queue = rate, queue
        self.until = 0.0
        """When the last sample will have been played."""
        self._waiting: deque[tuple[float, float, Samples]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._has_room: asyncio.TimerHandle | None = None
        self._then: Callable[[], None] = lambda: None
        self.play: Callable[[Samples], None] = lambda samples: None
        self._flowed = 0.0
        self._flows_since: float | None = asyncio.get_running_loop().time()

    @property
    def packets(self) -> int:
        """How many packets it has sent."""
        now = asyncio.get_running_loop().time()
        since = now if self._flows_since is None else self._flows_since
        return int((self._flowed + now - since) * PACKETS)

    def flow(self, flows: bool) -> None:
        """Send packets from now on, or none."""
        now = asyncio.get_running_loop().time()
        if self._flows_since is not None:
            self._flowed += now - self._flows_since
        self._flows_since = now if flows else None

    def capture(self, samples: Samples, then: Callable[[], None]) -> bool:
        """Queue samples, and do something once the queue has room for them.

        False: others still wait for that, and the real one refuses these.
        """
        loop = asyncio.get_running_loop()
        if self._has_room and self._has_room.when() > loop.time():
            return False
        start = max(loop.time(), self.until)
        self.until = start + samples.size / self.rate
        self._waiting.append((start, self.until, samples))
        if self._timer is None:
            self._timer = loop.call_at(self.until, self._played)
        self._then = then
        self._has_room = loop.call_at(self.until - self.queue, then)
        return True

    def clear(self) -> None:
        """Forget what was not played yet; the queue has room now."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._waiting:
            start, _, samples = self._waiting[0]
            if part := round((now - start) * self.rate):
                self.play(samples[:part])
        self._waiting.clear()
        self.until = now
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._has_room and self._has_room.when() > now:
            self._has_room.cancel()
            self._has_room = None
            loop.call_soon(self._then)

    def _played(self) -> None:
        self._timer = None
        _, _, samples = self._waiting.popleft()
        if self._waiting:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._waiting[0][1], self._played)
        self.play(samples)


@dataclass(eq=False)
class LocalTrack:
    """A track before it is published."""

    name: str
    source: Source


@dataclass(eq=False)
class RemoteTrack:
    """A track of somebody else, as one participant hears it."""

    track: Track
    heard: set[Track]
    """What the participant is subscribed to now; a stream goes on with the next subscription."""
    before: int = 0
    """How many packets had been sent before the subscription."""

    @property
    def packets(self) -> int:
        """How many packets have come."""
        assert isinstance(self.track.sound, Source)
        return self.track.sound.packets - self.before

    def hears(self, track: Track) -> bool:
        """Tell whether what comes on a track is heard here."""
        return self.track is track and track in self.heard


@dataclass(eq=False)
class Stream:
    """An AudioStream: hears one track."""

    track: RemoteTrack
    rate: int
    frame: int
    """Samples in a frame; 0 for whatever comes."""
    rest: Samples = field(default_factory=lambda: np.zeros(0, np.int16))


@dataclass(eq=False)
class Resampler:
    """Another number of samples a second, by repeating or leaving out: blocks stay blocks."""

    input_rate: int
    output_rate: int
    output: Samples = field(default_factory=lambda: np.zeros(0, np.int16))


def resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    """Give the same sound at another rate."""
    if rate == wanted or not samples.size:
        return samples
    count = round(samples.size * wanted / rate)
    return samples[np.arange(count) * samples.size // count]


class Sdk:
    """Answers the messages of `livekit.rtc`."""

    def __init__(self, server: Server, key: str, secret: str) -> None:
        self.server = server
        self.queue = _ffi_client.FfiQueue[ffi_pb2.FfiEvent]()
        self.connections: list[Connection] = []
        self._ffi_lib = self
        self._pid = os.getpid()
        self._verifier = api.TokenVerifier(key, secret)
        self._ids = itertools.count(FIRST_HANDLE)
        self._things: dict[int, Any] = {}

    # What `FfiClient` and `FfiHandle` ask of the native library

    def request(self, request: ffi_pb2.FfiRequest) -> ffi_pb2.FfiResponse:
        """Answer one message."""
        response = ffi_pb2.FfiResponse()
        kind = request.WhichOneof("message")
        assert kind
        getattr(self, f"_{kind}")(getattr(request, kind), getattr(response, kind))
        getattr(response, kind).SetInParent()
        return response

    def livekit_ffi_drop_handle(self, handle: ctypes.c_uint64) -> bool:
        """Forget a thing."""
        thing = self._things.pop(handle.value, None)
        if isinstance(thing, Stream):
            event = ffi_pb2.FfiEvent()
            event.audio_stream_event.stream_handle = handle.value
            event.audio_stream_event.eos.SetInParent()
            self._put(event)
        return True

    def keep(self, thing: Any) -> int:
        """Give a thing a handle."""
        handle = next(self._ids)
        self._things[handle] = thing
        return handle

    def tell(self, fill: Callable[[ffi_pb2.FfiEvent], None], delay: float = 0.0) -> None:
        """Send an event to whoever waits for it."""
        event = ffi_pb2.FfiEvent()
        fill(event)
        if delay > 0:
            asyncio.get_running_loop().call_later(delay, self._put, event)
        else:
            self._put(event)

    def _put(self, event: ffi_pb2.FfiEvent) -> None:
        self.queue.put(event)

    def _answer(self, response: Any, name: str, delay: float = ANSWERS_IN, **facts: Any) -> None:
        """Say in an event called `name` that something is done."""
        response.async_id = next(self._ids)

        def fill(event: ffi_pb2.FfiEvent) -> None:
            done = getattr(event, name)
            done.async_id = response.async_id
            for fact, value in facts.items():
                getattr(done, fact).CopyFrom(value)

        self.tell(fill, delay)

    # Rooms

    def _connect(self, request: Any, response: Any) -> None:
        response.async_id = next(self._ids)
        loop = asyncio.get_running_loop()
        loop.call_later(JOINS_IN, self._join, request, response.async_id)

    def _join(self, request: Any, async_id: int) -> None:
        event = ffi_pb2.FfiEvent()
        event.connect.async_id = async_id
        try:
            claims = self._verifier.verify(request.token)
        except jwt.InvalidTokenError as error:
            event.connect.error = str(error)
            self._put(event)
            return
        connection = Connection(self, request.options.auto_subscribe)
        try:
            me = connection.me = self.server.join(claims, connection)
        except Refused as error:
            event.connect.error = str(error)
            self._put(event)
            return
        self.connections.append(connection)
        result = event.connect.result
        result.room.handle.id = connection.handle
        result.room.info.sid, result.room.info.name = me.room.sid, me.room.name
        result.room.info.metadata = me.room.metadata
        connection.local = self.keep(connection)
        result.local_participant.handle.id = connection.local
        _describe(result.local_participant.info, me)
        for other in self.server.seen_by(me):
            entry = result.participants.add()
            entry.participant.handle.id = self.keep(other)
            _describe(entry.participant.info, other)
            for track in other.tracks.values():
                connection.describe(entry.publications.add(), track)
        self._put(event)

    def _ready_for_room_event(self, request: Any, response: Any) -> None:
        self._things[request.room_handle].is_ready()

    def _disconnect(self, request: Any, response: Any) -> None:
        connection: Connection = self._things[request.room_handle]
        self.server.leave(connection.me, request.reason)
        connection.over()
        self._answer(response, "disconnect")

    def _set_local_attributes(self, request: Any, response: Any) -> None:
        connection: Connection = self._things[request.local_participant_handle]
        wanted = {entry.key: entry.value for entry in request.attributes}
        if connection.open and connection.me.changes_itself:
            self.server.set_attributes(connection.me, wanted)
        self._answer(response, "set_local_attributes", 0.03)

    def _publish_sip_dtmf(self, request: Any, response: Any) -> None:
        connection: Connection = self._things[request.local_participant_handle]
        if connection.open:
            self.server.press(connection.me, request.code, request.digit)
        self._answer(response, "publish_sip_dtmf")

    def _publish_transcription(self, request: Any, response: Any) -> None:
        self._answer(response, "publish_transcription")

    def _text_stream_open(self, request: Any, response: Any) -> None:
        response.async_id = next(self._ids)

        def fill(event: ffi_pb2.FfiEvent) -> None:
            event.text_stream_open.async_id = response.async_id
            event.text_stream_open.writer.handle.id = self.keep(None)

        self.tell(fill)

    def _text_stream_write(self, request: Any, response: Any) -> None:
        self._answer(response, "text_stream_writer_write", 0)

    def _text_stream_close(self, request: Any, response: Any) -> None:
        self._answer(response, "text_stream_writer_close", 0)

    def _register_rpc_method(self, request: Any, response: Any) -> None:
        """Nobody calls one in memory."""

    # Tracks

    def _create_audio_track(self, request: Any, response: Any) -> None:
        source: Source = self._things[request.source_handle]
        response.track.handle.id = self.keep(LocalTrack(request.name, source))
        response.track.info.name = request.name
        response.track.info.kind = track_pb2.KIND_AUDIO
        response.track.info.stream_state = track_pb2.STATE_ACTIVE

    def _publish_track(self, request: Any, response: Any) -> None:
        connection: Connection = self._things[request.local_participant_handle]
        local: LocalTrack = self._things[request.track_handle]
        response.async_id = next(self._ids)
        asyncio.get_running_loop().call_later(
            PUBLISHES_IN, self._published, connection, local, request.options, response.async_id
        )

    def _published(self, connection: Connection, local: LocalTrack, options: Any, id: int) -> None:
        if not connection.open:
            return  # the real one says nothing either
        track = self.server.publish(connection.me, local.name, options.source, local.source)
        local.source.play = lambda samples: self.play(track, samples, local.source.rate)

        def fill(event: ffi_pb2.FfiEvent) -> None:
            event.publish_track.async_id = id
            publication = event.publish_track.publication
            publication.handle.id = self.keep(track)
            _describe_publication(publication.info, track)

        self.tell(fill)
        connection.event(lambda event: _set(event.local_track_published, track_sid=track.sid))

    def _unpublish_track(self, request: Any, response: Any) -> None:
        connection: Connection = self._things[request.local_participant_handle]
        sid = request.track_sid
        self.server.unpublish(connection.me, sid)
        connection.event(lambda event: _set(event.local_track_unpublished, publication_sid=sid))
        self._answer(response, "unpublish_track", UNPUBLISHES_IN)

    def _set_subscribed(self, request: Any, response: Any) -> None:
        track, connection = self._things[request.publication_handle]
        if request.subscribe:
            connection.subscribe(track)
        else:
            self.server.unsubscribe(connection.me, track)

    # Sound

    def _new_audio_source(self, request: Any, response: Any) -> None:
        source = Source(request.sample_rate, request.queue_size_ms / 1000)
        response.source.handle.id = self.keep(source)

    def _capture_audio_frame(self, request: Any, response: Any) -> None:
        source: Source = self._things[request.source_handle]
        id = response.async_id = next(self._ids)

        def done(**more: str) -> None:
            self.tell(lambda event: _set(event.capture_audio_frame, async_id=id, **more))

        if not source.capture(_samples(request.buffer.data_ptr, request.buffer), done):
            done(error="failed to capture frame")

    def _clear_audio_buffer(self, request: Any, response: Any) -> None:
        self._things[request.source_handle].clear()

    def _new_audio_stream(self, request: Any, response: Any) -> None:
        track: RemoteTrack = self._things[request.track_handle]
        frame = request.sample_rate * request.frame_size_ms // 1000
        stream = Stream(track, request.sample_rate, frame)
        response.stream.handle.id = self.keep(stream)

    def _get_stats(self, request: Any, response: Any) -> None:
        remote: RemoteTrack = self._things[request.track_handle]
        id = response.async_id = next(self._ids)

        def fill(event: ffi_pb2.FfiEvent) -> None:
            event.get_stats.async_id = id
            stats = event.get_stats.stats.add().inbound_rtp
            stats.stream.kind = "audio"
            stats.inbound.track_identifier = remote.track.sid
            stats.received.packets_received = remote.packets

        self.tell(fill, ANSWERS_IN)

    def play(self, track: Track, samples: Samples, rate: int) -> None:
        """Let everybody who hears a track hear these samples."""
        if not track.subscribers:
            return
        for handle, stream in list(self._things.items()):
            if isinstance(stream, Stream) and stream.track.hears(track):
                self._hear(handle, stream, resampled(samples, rate, stream.rate))

    def _hear(self, handle: int, stream: Stream, samples: Samples) -> None:
        stream.rest = np.concatenate([stream.rest, samples])
        size = stream.frame or stream.rest.size
        while size and stream.rest.size >= size:
            frame, stream.rest = stream.rest[:size].copy(), stream.rest[size:]
            event = ffi_pb2.FfiEvent()
            event.audio_stream_event.stream_handle = handle
            received = event.audio_stream_event.frame_received.frame
            received.handle.id = self.keep(frame)
            received.info.data_ptr = frame.ctypes.data
            received.info.sample_rate, received.info.num_channels = stream.rate, 1
            received.info.samples_per_channel = frame.size
            self._put(event)

    def _new_apm(self, request: Any, response: Any) -> None:
        response.apm.handle.id = self.keep(None)

    def _apm_process_stream(self, request: Any, response: Any) -> None:
        """Leave the sound as it is."""

    def _new_sox_resampler(self, request: Any, response: Any) -> None:
        resampler = Resampler(int(request.input_rate), int(request.output_rate))
        response.resampler.handle.id = self.keep(resampler)

    def _push_sox_resampler(self, request: Any, response: Any) -> None:
        resampler: Resampler = self._things[request.resampler_handle]
        data = (ctypes.c_int16 * (request.size // 2)).from_address(request.data_ptr)
        samples = np.frombuffer(data, np.int16).copy()
        output = resampled(samples, resampler.input_rate, resampler.output_rate)
        resampler.output = np.ascontiguousarray(output)
        response.output_ptr = resampler.output.ctypes.data
        response.size = resampler.output.nbytes

    def _flush_sox_resampler(self, request: Any, response: Any) -> None:
        """Nothing is held back."""


class Connection:
    """One `rtc.Room`: what happens in the server's room becomes its events."""

    me: Participant

    def __init__(self, sdk: Sdk, auto_subscribe: bool) -> None:
        self._sdk = sdk
        self._auto = auto_subscribe
        self.handle = sdk.keep(self)
        self.local = 0
        self.open = True
        self._held: list[ffi_pb2.FfiEvent] | None = []
        self._known: dict[str, tuple[Track, int]] = {}
        self._heard: set[Track] = set()
        there = room_pb2.CONN_CONNECTED
        self.event(lambda event: _set(event.connection_state_changed, state=there))

    def is_ready(self) -> None:
        """Send what was held back until the SDK listens, and subscribe to what is there."""
        held, self._held = self._held or [], None
        for event in held:
            self._sdk.queue.put(event)
        for track, _ in list(self._known.values()):
            if self._auto:
                self.subscribe(track)

    def event(self, fill: Callable[[room_pb2.RoomEvent], None]) -> None:
        """Send an event of this room."""
        if not self.open:
            return
        event = ffi_pb2.FfiEvent()
        event.room_event.room_handle = self.handle
        fill(event.room_event)
        if self._held is not None:
            self._held.append(event)
        else:
            self._sdk.queue.put(event)

    def over(self) -> None:
        """Send the last event."""
        self.event(lambda event: event.eos.SetInParent())
        self.open = False

    def subscribe(self, track: Track) -> None:
        """Ask for a track."""
        loop = asyncio.get_running_loop()
        loop.call_later(SUBSCRIBES_IN, self._sdk.server.subscribe, self.me, track)

    def describe(self, publication: track_pb2.OwnedTrackPublication, track: Track) -> None:
        """Tell of a track that somebody else has published."""
        publication.handle.id = self._sdk.keep((track, self))
        _describe_publication(publication.info, track)
        publication.info.remote = True
        self._known[track.sid] = (track, publication.handle.id)

    # As the server tells it

    def joined(self, who: Participant) -> None:
        def fill(event: room_pb2.RoomEvent) -> None:
            event.participant_connected.info.handle.id = self._sdk.keep(who)
            _describe(event.participant_connected.info.info, who)

        self.event(fill)
        name = who.identity
        self.event(lambda event: _set(event.participant_active, participant_identity=name))

    def left(self, who: Participant, reason: int) -> None:
        for track in list(who.tracks.values()):
            self.unpublished(track)
        self.event(
            lambda event: _set(
                event.participant_disconnected,
                participant_identity=who.identity,
                disconnect_reason=reason,
            )
        )

    def published(self, track: Track) -> None:
        if track.sid in self._known:
            return

        def fill(event: room_pb2.RoomEvent) -> None:
            event.track_published.participant_identity = track.publisher.identity
            self.describe(event.track_published.publication, track)

        self.event(fill)
        if self._auto:
            self.subscribe(track)

    def unpublished(self, track: Track) -> None:
        if self._known.pop(track.sid, None) is None:
            return
        self.unsubscribed(track)
        who = track.publisher.identity
        self.event(
            lambda event: _set(
                event.track_unpublished, participant_identity=who, publication_sid=track.sid
            )
        )

    def subscribed(self, track: Track) -> None:
        def fill(event: room_pb2.RoomEvent) -> None:
            event.track_subscribed.participant_identity = track.publisher.identity
            owned = event.track_subscribed.track
            remote = RemoteTrack(track, self._heard)
            remote.before = remote.packets
            owned.handle.id = self._sdk.keep(remote)
            owned.info.sid, owned.info.name = track.sid, track.name
            owned.info.kind, owned.info.remote = track_pb2.KIND_AUDIO, True
            owned.info.stream_state = track_pb2.STATE_ACTIVE

        self._heard.add(track)
        self.event(fill)

    def deafen(self) -> None:
        """Hear nothing more, as a process that is dead."""
        self._heard.clear()

    def unsubscribed(self, track: Track) -> None:
        if track not in self._heard:
            return
        self._heard.remove(track)
        who, sid = track.publisher.identity, track.sid
        self.event(
            lambda event: _set(event.track_unsubscribed, participant_identity=who, track_sid=sid)
        )

    def first_heard(self, track: Track) -> None:
        self.event(lambda event: _set(event.local_track_subscribed, track_sid=track.sid))

    def attributes(self, who: Participant, changed: dict[str, str]) -> None:
        def fill(event: room_pb2.RoomEvent) -> None:
            told = event.participant_attributes_changed
            told.participant_identity = who.identity
            for name, value in who.attributes.items():
                _set(told.attributes.add(), key=name, value=value)
            for name, value in changed.items():
                _set(told.changed_attributes.add(), key=name, value=value)

        self.event(fill)

    def digit(self, who: Participant, code: int, digit: str) -> None:
        def fill(event: room_pb2.RoomEvent) -> None:
            event.data_packet_received.participant_identity = who.identity
            _set(event.data_packet_received.sip_dtmf, code=code, digit=digit)

        self.event(fill)

    def metadata(self, text: str) -> None:
        self.event(lambda event: _set(event.room_metadata_changed, metadata=text))

    def put_out(self, reason: int) -> None:
        lost = room_pb2.CONN_DISCONNECTED
        self.event(lambda event: _set(event.connection_state_changed, state=lost))
        self.event(lambda event: _set(event.disconnected, reason=reason))
        self.over()


def source_of(source: rtc.AudioSource) -> Source:
    """Give what stands for a source in memory."""
    sdk: Any = _ffi_client.FfiClient.instance
    found = sdk._things[source._ffi_handle.handle]
    assert isinstance(found, Source)
    return found


@contextmanager
def answered_from_memory(sdk: Sdk) -> Iterator[None]:
    """Let `livekit.rtc` talk to a server in memory until the end of the block."""
    client: Any = _ffi_client.FfiClient
    before, client._instance = client._instance, sdk
    try:
        yield
    finally:
        for handle in list(_ffi_client._live_handles):
            if handle.handle >= FIRST_HANDLE:
                handle.mark_consumed()
        client._instance = before
        _ = client.instance  # what is dropped later looks for the real library, up to the very end


def _describe(info: participant_pb2.ParticipantInfo, who: Participant) -> None:
    info.sid, info.identity, info.name = who.sid, who.identity, who.name
    info.metadata, info.kind = who.metadata, _kind(who.kind)
    info.state = participant_pb2.PARTICIPANT_STATE_ACTIVE
    info.joined_at = int(who.joined_at * 1000)
    info.disconnect_reason = participant_pb2.UNKNOWN_REASON
    info.attributes.update(who.attributes)


def _kind(kind: int) -> Any:
    name = api.ParticipantInfo.Kind.Name(kind)
    return rtc.ParticipantKind.Value(f"PARTICIPANT_KIND_{name}")


def _describe_publication(info: track_pb2.TrackPublicationInfo, track: Track) -> None:
    info.sid, info.name = track.sid, track.name
    info.kind, info.source = track_pb2.KIND_AUDIO, track.source  # type: ignore[assignment]
    info.mime_type = "audio/red"
    info.simulcasted = info.muted = info.remote = False
    info.width = info.height = 0
    info.encryption_type = 0  # type: ignore[assignment]


def _samples(address: int, info: Any) -> Samples:
    size = info.num_channels * info.samples_per_channel
    data = (ctypes.c_int16 * size).from_address(address)
    return np.frombuffer(data, np.int16).copy()


def _set(message: Any, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(message, name, value)
