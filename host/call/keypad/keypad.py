"""Asks a caller for keys, without the model.

LiveKit's GetDtmfTask does not serve here: the model speaks its prompt and judges what comes, it
hears the keys of every participant, and it knows no menu, no masking and nothing typed ahead. As
an Agent of a persona's own it works as ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from host.call.keypad.digits import Digits, Valid
from host.call.keypad.menu import NOTHING, Menu
from host.call.keypad.missed import Missed, NoKeys
from host.call.keypad.private import MASK, Secrets
from host.call.keypad.typed import Pressed, Typed

if TYPE_CHECKING:
    from livekit.agents.voice import SpeechHandle

    from host.call.parts import FirstWords
    from host.records.ending import Ending
    from host.records.record import KeyPress
    from host.settings import PersonaSettings

T = TypeVar("T")

OVERRUN = 1.0
"""Seconds after a number in which a key is taken for one digit too many of it."""
_BACK = object()


class Asks(Protocol):
    """The call, as far as its keypad uses it."""

    persona_settings: PersonaSettings
    first_words: FirstWords | None

    @property
    def persona(self) -> str: ...

    @property
    def over(self) -> bool: ...

    @property
    def ending(self) -> asyncio.Future[Ending]: ...

    def hold_replies(self) -> AbstractContextManager[None]: ...

    def speak(self, text: str, *, interruptible: bool = True) -> SpeechHandle: ...

    def note_key(
        self, who: Literal["persona", "caller"], digit: str, *, private: bool = False
    ) -> KeyPress: ...


class Keypad:
    """The keys of one call's far end. One question is asked after the other."""

    def __init__(self, call: Asks) -> None:
        self._call = call
        self._typed = Typed()
        self._one_at_a_time = asyncio.Lock()
        self._secrets = Secrets()
        self._row = ""
        self._private, self._private_until, self._asking_until = False, 0.0, 0.0

    @property
    def private(self) -> bool:
        """True while digits are collected that no record may hold, and just after."""
        return self._private or time.monotonic() < self._private_until

    @property
    def asking(self) -> bool:
        """True while a question is put to the caller, whose answer the keys are, and just after."""
        return self._one_at_a_time.locked() or time.monotonic() < self._asking_until

    def pressed(self, digit: str) -> None:
        """Take a key, in capitals."""
        self._row += digit if digit.isdecimal() else ""
        self._typed.add(Pressed(digit, self._call.note_key("caller", digit, private=self.private)))

    def in_a_row(self) -> Sequence[str]:
        """Return the digits of this call: all that were pressed, and each private number."""
        return (self._row, *self._secrets.known)

    def hide(self, text: str) -> str:
        """Mask the private numbers of this call in what is to be written down."""
        return self._secrets.hide(text)

    def keep_secret(self, keys: str) -> None:
        """Keep keys, in a row as a tool may repeat them, out of what is written down."""
        self._secrets.add(keys)

    async def collect(
        self,
        prompt: str | None = None,
        *,
        length: int | tuple[int, int] = (1, 32),
        ends_with: str = "#",
        clears_with: str = "*",
        first_timeout: float = 8.0,
        between_timeout: float = 4.0,
        valid: Valid | None = None,
        tries: int = 3,
        private: bool = False,
        type_ahead: bool = True,
    ) -> str:
        """Ask for digits and return them.

        The prompt is broken off by the first key, and left out where the caller has typed already;
        without `type_ahead`, keys from before the prompt do not count. The number is complete with
        its most digits, with the key that ends it, or when no key follows in time (seconds); `*`
        starts it over. `length` is how many digits, or the fewest and the most; `valid` a regular
        expression, or a function that is true of a right number. A number that is wrong or missing
        is asked for again. The keys of a `private` one are masked in records and logs.

        Raises NoKeys after the last try.
        """
        digits = Digits(length, ends_with, clears_with, first_timeout, between_timeout, valid)
        private = private or self._call.persona_settings.mask_digits

        async def read() -> str:
            typed = await digits.read(self._typed.take)
            if len(typed) == digits.most:
                self._typed.expect_late(ends_with)
            return typed

        async def ask() -> str:
            if not type_ahead:
                self._typed.clear()
            with self._masked() if private else contextlib.nullcontext():
                return await self._ask(prompt or "", tries, read)

        number = await self._question(ask())
        if private:
            self.keep_secret(number)
        return number

    async def choose(self, menu: Menu) -> Any:
        """Offer a menu, and the menus behind its keys; return what the chosen key stands for.

        The prompt is broken off by the first key, and left out where the caller has typed already:
        `12` goes through two menus at once. Returns the menu's default after its last try, or
        raises NoKeys.
        """
        return await self._question(self._walk(menu))

    async def _walk(self, menu: Menu) -> Any:
        opened = [menu]
        while True:
            choice = await self._choice(opened[-1], inner=len(opened) > 1)
            if choice is _BACK:
                opened.pop()
            elif isinstance(choice, Menu):
                opened.append(choice)
            else:
                return choice

    async def _choice(self, menu: Menu, *, inner: bool) -> Any:
        choices = {"*": _BACK, **menu.choices} if inner else menu.choices

        async def read() -> Any:
            key = await self._typed.take(menu.timeout)
            if key is None or key not in choices:
                raise Missed(wrong=key is not None)
            return choices[key]

        try:
            return await self._ask(menu.prompt, menu.tries, read)
        except NoKeys:
            if menu.default is NOTHING:
                raise
            return menu.default

    async def _question(self, asking: Coroutine[Any, Any, T]) -> T:
        """Have the word while something is asked. It is cancelled when the call is over."""
        with contextlib.closing(asking):
            async with self._one_at_a_time:
                with self._call.hold_replies():
                    self._typed.forget_old()
                    try:
                        return await self._while_it_lasts(asking)
                    finally:
                        self._asking_until = time.monotonic() + OVERRUN
                        if self._call.first_words and not self._call.over:
                            await self._call.first_words.keep()

    async def _while_it_lasts(self, asking: Coroutine[Any, Any, T]) -> T:
        if self._call.over:
            raise asyncio.CancelledError("the call has ended")
        task = asyncio.create_task(asking)
        either: list[asyncio.Future[Any]] = [task, self._call.ending]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if self._call.over:
                raise asyncio.CancelledError("the call has ended")
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self, prompt: str, tries: int, read: Callable[[], Awaitable[T]]) -> T:
        """Speak the prompt and read the answer; say what was wrong with it and ask again."""
        words, said = self._call.persona_settings.words, prompt
        for _ in range(tries):
            await self._speak(said)
            try:
                return await read()
            except Missed as missed:
                self._typed.clear()
                said = f"{words.wrong_key if missed.wrong else words.no_key} {prompt}".strip()
        raise NoKeys(f"{self._call.persona} got no keys in {tries} tries")

    async def _speak(self, words: str) -> None:
        """Speak until a key is pressed; whoever has pressed one already needs no words."""
        if not words or self._typed:
            return
        speech = self._call.speak(words, interruptible=False)
        heard = asyncio.ensure_future(speech.wait_for_playout())
        key = asyncio.ensure_future(self._typed.arrived())
        try:
            await asyncio.wait({heard, key}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            key.cancel()
            if not speech.done():
                speech.interrupt(force=True)
        await heard

    @contextlib.contextmanager
    def _masked(self) -> Iterator[None]:
        """Let no record hold what is typed meanwhile, or was before anybody asked."""
        self._typed.mask(MASK)
        self._private = True
        try:
            yield
        finally:
            self._private, self._private_until = False, time.monotonic() + OVERRUN
