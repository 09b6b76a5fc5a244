"""What a person can do with a telephone in hand."""

import asyncio
import re
from collections.abc import Awaitable, Callable

from host.local.exchange.call import PhoneCall
from host.local.exchange.facts import Ending, HungUp, Key
from host.local.sound import Samples, tone
from host.local.speech import Heard, Sentences

LIMIT = 20.0
"""Seconds that anything is waited for, unless a script says otherwise."""

BETWEEN_KEYS = 0.3
"""Seconds from one key to the next."""


class NotHeard(AssertionError):
    """What a script waited for was not said."""


class Line:
    """An answered call, in the hands of a person. Everything raises HungUp once it is over."""

    def __init__(self, call: PhoneCall, spoken: Sentences) -> None:
        self.call = call
        self._spoken = spoken
        self._read = 0

    async def say(self, text: str) -> None:
        """Say it, and come back when the last word is out."""
        await self._wait(await self.begin(text))

    async def begin(self, text: str) -> float:
        """Begin to say it, and come back at once with the seconds it will take."""
        self._spoken.add(text)
        return await self.call.media.speak(text)

    async def play(self, samples: Samples) -> None:
        """Send a sound (mono int16, 8000 Hz), and come back when it is out."""
        await self._wait(self.call.media.say(samples))

    async def beep(self, hz: float = 1000, seconds: float = 0.4) -> None:
        """Send a tone, as a voicemail does before it records."""
        await self.play(tone(hz, seconds))

    def hush(self) -> None:
        """Break off in the middle of a word."""
        self.call.media.hush()

    async def heard(self, text: str, limit: float = LIMIT) -> Heard:
        """Wait until these words were said, since the words that were last waited for.

        Several hearings in a row may hold them. Raises NotHeard after `limit` seconds, or when the
        call ends without them.
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
        """Wait until the far end makes any sound; give the second at which it was heard."""
        begun = self.call.media.settled / 8000
        await self._until(lambda: self.call.media.heard_something_at > begun, limit, "a sound")
        return self.call.media.heard_something_at

    async def silence_for(self, seconds: float, limit: float = 60.0) -> None:
        """Wait until the far end has been silent for that long."""
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
        """Wait until the far end has pressed these keys, whatever came before them."""
        await self._until(
            lambda: keys in "".join(key.digit for key in self.call.keys), limit, f"keys {keys}"
        )

    async def wait(self, seconds: float) -> None:
        """Do nothing for a while."""
        await self._wait(seconds)

    async def stay(self, limit: float = 600.0) -> None:
        """Stay on the line until the far end hangs up."""
        await self._until(lambda: False, limit, "the far end to hang up")

    async def hang_up(self) -> None:
        """Put the receiver down."""
        self.call.end(Ending("phone", "BYE"))

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
