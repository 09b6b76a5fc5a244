"""A call as its telephone sees it: the object that tests assert on."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol, TypeVar

from host.local.exchange.facts import UNANSWERED, Ending, HungUp, Key, Said, TransferReply, Who
from host.local.exchange.media import Media
from host.local.exchange.pulse import Pulse
from host.local.exchange.rtp import UNBRIDGED, Rtp
from host.local.sound import RATE, Samples, save_wav
from host.local.speech import Found, Heard

log = logging.getLogger(__name__)


class CallTranscriber(Protocol):
    """Recognises words in a telephone's received audio."""

    def push(self, samples: Samples) -> None:
        """Recognise the next samples."""

    async def aclose(self) -> None:
        """Deliver remaining words and stop."""


LineT = TypeVar("LineT")


class PhoneCall:
    """One telephone's side of a call. Times are Unix seconds unless stated otherwise."""

    def __init__(self, number: str, caller: str, called: str, media: Media) -> None:
        self.id = ""
        self.is_sip = True
        """True for a telephone, False for a browser."""
        self.number = number
        """The telephone's number; `caller` and `called` are as dialled."""
        self.caller, self.called = caller, called
        self.room = self.identity = ""
        self.media = media
        self.pulse = Pulse()
        self.status = "calling"
        """calling, ringing, active; then ended, or the reason without an answer: `UNANSWERED`."""
        self.rang = False
        self.sip_status: int | None = None
        """Final response to the INVITE: 200, 486, ..., 487 for a cancelled call, 0 for none."""
        self.started_at = time.time()
        """Time of the INVITE."""
        self.answered_at: float | None = None
        self.ended_at: float | None = None
        self.ending: Ending | None = None
        self.keys: list[Key] = []
        """Keys received from the far end."""
        self.pressed: list[Key] = []
        """Keys that the telephone sent."""
        self.heard: list[Heard] = []
        self.said: list[Said] = []
        """What the telephone's script said."""
        self.first_packet = 0.0
        """Seconds from the answer to the telephone's first packet; infinite: it sends none."""
        self.media_timeout = 0.0
        """Seconds without a packet that end the call, if its trunk sets them."""
        self.on_transfer = TransferReply()
        """The telephone's answer to a REFER."""
        self.transferred_to: str | None = None
        self.headers: dict[str, str] = {}
        """Headers that LiveKit's client or trunk added to the INVITE of a dialled telephone."""
        self.refer_headers: dict[str, str] = {}
        """Headers that LiveKit's client added to the REFER."""
        self.failure: BaseException | None = None
        """Exception of the telephone's script; `ended` raises it."""
        self.done = False
        """Whether the call has ended and all words are recognised."""
        self.words_in = False
        """Whether recognition has finished."""
        self.transcriber: CallTranscriber | None = None
        self.rtp: Rtp | None = None
        """Whether packets pass; None before the answer."""
        self._person: asyncio.Task[None] | None = None
        self._early: asyncio.Task[None] | None = None
        self.on_reinvite: Callable[[], bool] = lambda: False
        """Sends a re-INVITE; True: LiveKit SIP has taken it for a new call, which has the media."""
        self.on_press: Callable[[str], Awaitable[None]] | None = None
        self.over: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        media.on_tick = self.pulse.beat
        media.on_heard = self._on_heard

    @property
    def ended_by(self) -> Who | None:
        """The side that ended the call: the phone, the far end (the host) or the exchange."""
        return self.ending.by if self.ending else None

    @property
    def recording(self) -> Samples:
        """Audio from answer to end: (n, 2) at 8000 Hz, left sent and right received."""
        seconds = self.ended_at - self.answered_at if self.ended_at and self.answered_at else None
        length = None if seconds is None else round(seconds * RATE)
        return self.media.recording.stereo(length)

    def find(self, text: str) -> list[Found]:
        """Return where the telephone heard a text, in seconds from the answer."""
        return self.media.find(text, self.recording)

    def save_wav(self, path: Path | str) -> None:
        """Save the recording as a stereo WAV file at 8000 Hz."""
        save_wav(path, self.recording)

    def since_answer(self) -> float:
        """Return the seconds since the answer, the recording's time axis; 0 before it."""
        return time.time() - self.answered_at if self.answered_at else 0.0

    @property
    def bridged_after(self) -> float:
        """Seconds from the answer until LiveKit SIP connects the call with its room."""
        return min(self.first_packet, UNBRIDGED) if self.number == self.caller else 0.0

    async def rings(self, timeout: float = 10.0) -> None:
        """Wait until it rings."""
        await self._until(lambda: self.status != "calling", timeout, "ringing")

    async def answered(self, timeout: float = 30.0) -> None:
        """Wait for the answer. Raises ConnectionError if the call ends before."""
        await self._until(lambda: self.answered_at or self.done, timeout, "an answer")
        if not self.answered_at:
            raise ConnectionError(f"not answered: {self.status}, SIP status {self.sip_status}")

    async def ended(self, timeout: float = 30.0) -> None:
        """Wait for the end of the call and of recognition; raise what its script raised."""
        await self._until(lambda: self.done, timeout, "the end of the call")
        if self.failure:
            raise self.failure

    async def hang_up(self) -> None:
        """Hang up and wait for the end.

        While ringing, a caller cancels (487) and a callee declines (603).
        """
        if self.answered_at:
            self.end(Ending("phone", "BYE"))
        elif self.number == self.caller:
            self.end(Ending("phone", "CANCEL"))
        else:
            self.end(Ending("phone", "603 Decline", hangup=False))
        await self._until(lambda: self.done, 30.0, "the end of the call")

    def end(self, ending: Ending) -> None:
        """End the call. Only the first ending counts."""
        if not self.over.done():
            self.over.set_result(ending)
            self.ending = ending
            self.ended_at = time.time()
            self.pulse.beat()

    def ringing(self) -> None:
        """Set the status to ringing."""
        self.rang = True
        self.status = "ringing"
        self.pulse.beat()

    def pick_up(self) -> None:
        """Set the answer: second 0 of the recording and of all times."""
        self.status, self.sip_status = "active", 200
        self.answered_at = time.time()
        self._end_early()
        self.media.answer()
        self.pulse.beat()

    def key_arrived(self, digit: str) -> None:
        """Add a key from the far end."""
        self.keys.append(Key(digit, self.since_answer()))
        self.pulse.beat()

    def words_arrived(self, heard: Heard) -> None:
        """Add recognised words."""
        self.heard.append(heard)
        self.pulse.beat()

    def begin(self, script: Callable[[LineT], Awaitable[None]], line: LineT) -> None:
        """Start the telephone's script."""
        self._person = asyncio.create_task(self._act(script(line)))

    def begin_early(self, script: Callable[[LineT], Awaitable[None]], line: LineT) -> None:
        """Start the script that the network plays before the answer."""
        self._early = asyncio.create_task(self._act(script(line)))

    async def wind_up(self) -> None:
        """Finish recognition and the script, and set `done`."""
        self._end_early()
        await self.media.close()
        if self.transcriber:
            await self.transcriber.aclose()
        self.words_in = True
        self.pulse.beat()
        if self._person:
            # All waits of a script have failed by now; it may still report what it missed.
            await asyncio.wait([self._person], timeout=1.0)
            self._person.cancel()
        if self.answered_at:
            self.status = "ended"
        elif self.ending and (self.ending.by, self.ending.how) == ("phone", "CANCEL"):
            self.status = "cancelled"
        else:
            self.status = UNANSWERED.get(self.sip_status or 0, "failed")
        self.done = True
        self.pulse.beat()

    def _end_early(self) -> None:
        if self._early:
            self._early.cancel()
            self.media.hush()

    async def _act(self, script: Awaitable[None]) -> None:
        try:
            await script
        except HungUp:
            pass
        except Exception as error:
            log.warning("the telephone %s lost its thread: %s", self.number, error)
            self.failure = error
            self.end(Ending("phone", "BYE"))

    def _on_heard(self, samples: Samples) -> None:
        if self.transcriber:
            self.transcriber.push(samples)

    async def _until(self, what: Callable[[], object], timeout: float, wish: str) -> None:
        try:
            await self.pulse.until(what, timeout, wish)
        except TimeoutError as error:
            raise TimeoutError(f"{self}: {error}") from None

    def __repr__(self) -> str:
        return f"<call {self.caller} -> {self.called} in {self.room or '-'}: {self.status}>"
