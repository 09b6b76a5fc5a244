"""What a script can do with a telephone."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from host.local.exchange.call import PhoneCall
from host.local.exchange.facts import Ending, HungUp, Key, Said
from host.local.exchange.rtp import Hold
from host.local.sound import Samples, tone
from host.local.speech import Heard, Sentences

LIMIT = 20.0
"""Default limit of waiting, in seconds."""

BETWEEN_KEYS = 0.3
"""Seconds between keys."""


class NotHeard(AssertionError):
    """A script waited for words that were not said."""


class Line:
    """An answered call, for scripts. Every method raises HungUp once the call has ended."""

    def __init__(self, call: PhoneCall, spoken: Sentences) -> None:
        self.call = call
        self._spoken = spoken
        self._read = 0

    async def say(self, text: str) -> None:
        """Speak; returns after the last word."""
        await self._wait(await self.begin(text))

    async def begin(self, text: str) -> float:
        """Start to speak; returns the duration in seconds at once."""
        self._spoken.add(text)
        self.call.said.append(Said(text, self.call.since_answer()))
        return await self.call.media.speak(text)

    async def play(self, samples: Samples) -> None:
        """Send audio (mono int16, 8000 Hz); returns after the last sample."""
        await self._wait(self.call.media.say(samples))

    async def beep(self, hz: float = 1000, seconds: float = 0.4) -> None:
        """Send a tone, as a voicemail does before it records."""
        await self.play(tone(hz, seconds))

    def hush(self) -> None:
        """Stop speaking at once."""
        self.call.media.hush()

    async def heard(self, text: str, limit: float = LIMIT) -> Heard:
        """Wait for these words, after the words of the previous wait.

        They may span several recognised utterances. Raises NotHeard after `limit` seconds, or if
        the call ends without them.
        """
        wanted = _words(text)

        def found() -> Heard | bool:
            new = self.call.heard[self._read :]
            for first in range(len(new)):
                for last in range(first, len(new)):
                    said = " ".join(_words(each.text) for each in new[first : last + 1])
                    if f" {wanted} " in f" {said} ":
                        self._read += last + 1
                        return Heard(said, new[first].start, new[last].end, new[last].confidence)
            return self.call.words_in

        try:
            result = await self.call.pulse.until(found, limit, repr(text))
        except TimeoutError as error:
            raise NotHeard(self._instead(str(error))) from None
        if not isinstance(result, Heard):
            raise NotHeard(self._instead(f"the call ended before {text!r} was heard"))
        return result

    async def sound(self, limit: float = LIMIT) -> float:
        """Wait for any audio of the far end; return its time in seconds from the answer."""
        begun = self.call.media.settled / 8000
        await self._until(lambda: self.call.media.heard_something_at > begun, limit, "a sound")
        return self.call.media.heard_something_at

    async def silence_for(self, seconds: float, limit: float = 60.0) -> None:
        """Wait until the far end has been silent for so many seconds."""
        begun = self.call.media.settled / 8000

        def silent() -> bool:
            since = max(begun, self.call.media.heard_something_at)
            return self.call.media.settled / 8000 - since >= seconds

        await self._until(silent, limit, f"{seconds:g} s of silence")

    async def press(self, keys: str) -> None:
        """Press keys: 0-9, *, #, A-D. Raises ValueError for any other."""
        if wrong := set(keys.lower()) - set("0123456789*#abcd"):
            raise ValueError(f"a telephone has no key {min(wrong)!r}")
        for index, digit in enumerate(keys.lower()):
            if index:
                await self._wait(BETWEEN_KEYS)
            self._raise_if_over()
            self.call.pressed.append(Key(digit, self.call.since_answer()))
            if self.call.on_press:
                await self.call.on_press(digit)

    async def keyed(self, keys: str, limit: float = LIMIT) -> None:
        """Wait until the far end has sent these keys in sequence."""
        await self._until(
            lambda: keys in "".join(key.digit for key in self.call.keys), limit, f"keys {keys}"
        )

    def hold(self, direction: Hold = "sendonly") -> None:
        """Put the far end on hold: nothing that it says is heard until `resume`.

        With `sendonly` it hears what the script plays, such as music. With `inactive` no packet
        arrives there, and LiveKit SIP ends the call at its media timeout. That of 2025 takes a hold
        and its end for new calls: this one gets no more packets.
        """
        self._reinvite(sends=direction == "sendonly", receives=False)

    def resume(self) -> None:
        """Take the call off hold."""
        self._reinvite(sends=True, receives=True)

    def lose_network(self) -> None:
        """Send and receive nothing, and tell nobody."""
        self._direct(sends=False, receives=False)

    def find_network(self) -> None:
        """Send and receive again."""
        self._direct(sends=True, receives=True)

    async def wait(self, seconds: float) -> None:
        """Wait."""
        await self._wait(seconds)

    async def stay(self, limit: float = 600.0) -> None:
        """Wait until the far end hangs up."""
        await self._until(lambda: False, limit, "the far end to hang up")

    async def hang_up(self) -> None:
        """Hang up."""
        self.call.end(Ending("phone", "BYE"))

    def _reinvite(self, *, sends: bool, receives: bool) -> None:
        self._raise_if_over()
        moved = self.call.on_reinvite()
        self._direct(sends=sends and not moved, receives=receives and not moved)

    def _direct(self, *, sends: bool, receives: bool) -> None:
        self._raise_if_over()
        if self.call.rtp:
            self.call.rtp.direct(sends=sends, receives=receives)

    async def _wait(self, seconds: float) -> None:
        over = asyncio.shield(self.call.over)
        await asyncio.wait([over], timeout=seconds)
        self._raise_if_over()

    async def _until(self, what: Callable[[], object], limit: float, wish: str) -> None:
        await self.call.pulse.until(lambda: what() or self.call.over.done(), limit, wish)
        if not what():
            self._raise_if_over()

    def _raise_if_over(self) -> None:
        if self.call.over.done():
            raise HungUp

    def _instead(self, reason: str) -> str:
        said = "; ".join(each.text for each in self.call.heard) or "nothing"
        return f"{reason}; heard so far: {said}"


PersonScript = Callable[[Line], Awaitable[None]]


def _words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))
