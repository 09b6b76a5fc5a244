"""Asks the caller for keys without the model.

LiveKit's GetDtmfTask is not used: the model speaks its prompt and interprets the answer, spoken
digits included, so that it learns private numbers; it listens to every participant's keys, and it
has no menus, masking or type-ahead. A persona may still use it as an Agent of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from host.call.hook_clock import action
from host.call.keypad.asking import OVERRUN, Asking
from host.call.keypad.asks import Asks
from host.call.keypad.chosen import choice_of
from host.call.keypad.digits import Digits, Valid
from host.call.keypad.letters import Letters
from host.call.keypad.menu import NOTHING, Menu
from host.call.keypad.missed import Missed, NoKeys
from host.call.keypad.private import MASK, Secrets
from host.call.keypad.spoken import Spoken
from host.call.keypad.typed import Pressed, Typed

_BACK = object()


class Keypad:
    """The far end's keys. Questions are asked one at a time."""

    def __init__(self, call: Asks) -> None:
        self._call = call
        self._typed = Typed()
        self.spoken = Spoken(call, self._typed)
        """Digits that the far end says."""
        self._asking = Asking(call, self._typed)
        self._secrets = Secrets()
        self._row = ""
        self._private, self._private_until = False, 0.0

    @property
    def private(self) -> bool:
        """True while private digits are collected, and for OVERRUN seconds after."""
        return self._private or time.monotonic() < self._private_until

    @property
    def waiting(self) -> bool:
        """True while a question waits for keys."""
        return self._asking.waiting

    @property
    def asking(self) -> bool:
        """True while a question waits for keys, and for OVERRUN seconds after."""
        return self._asking.now

    def pressed(self, digit: str) -> None:
        """Accept a key, in upper case."""
        self._row += digit if digit.isdecimal() else ""
        self._typed.add(Pressed(digit, self._call.note_key("caller", digit, private=self.private)))

    def in_a_row(self) -> Sequence[str]:
        """Return the call's digit strings: all keys pressed, and each private number."""
        return (self._row, *self.secrets)

    @property
    def secrets(self) -> Collection[str]:
        """The call's private numbers."""
        return self._secrets.known

    def hide(self, text: str) -> str:
        """Mask this call's private numbers and words in text that is to be stored."""
        return self._secrets.hide(text)

    def keep_out(self, words: str) -> None:
        """Mask these words from now on, wherever a tool repeats them as a whole."""
        self._secrets.add_words(words)

    def keep_secret(self, keys: str) -> None:
        """Mask these keys from now on, wherever a tool repeats them in sequence."""
        self._secrets.add(keys)

    @action
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
        spoken: bool = False,
    ) -> str:
        """Ask for digits and return them.

        The first key interrupts the prompt; keys typed ahead skip it, unless `type_ahead` is False,
        which discards them. The number is complete at its maximum length, at the `ends_with` key,
        or after `between_timeout` seconds without a key; `clears_with` restarts it. `length` is the
        number of digits, or minimum and maximum; `valid` a regular expression or a predicate. A
        missing or invalid number is asked for again, up to `tries` times. Keys of a `private`
        number are masked in records and logs. With `spoken`, the caller may also say the digits, in
        the persona's `language`; what is said while a private number is asked for is not recorded.

        Raises NoKeys after the last try.
        """
        digits = Digits(length, ends_with, clears_with, first_timeout, between_timeout, valid)
        private = private or self._call.persona_settings.mask_digits or self._call.off_record

        async def read() -> str:
            typed = await digits.read(self.spoken.take if spoken else self._typed.take)
            await self.spoken.settle()
            if self._typed.drop_spoken():
                raise Missed(wrong=True)  # more digits were said
            if len(typed) == digits.most:
                self._typed.expect_late(ends_with)
            return typed

        async def ask() -> str:
            if not type_ahead:
                self._typed.clear()
            with contextlib.ExitStack() as asking:
                if private:
                    asking.enter_context(self._masked())
                if spoken:
                    asking.enter_context(self.spoken.listening(private=private))
                return await self._asking.ask(prompt or "", tries, read)

        number = await self._asking.question(ask())
        if private:
            self.keep_secret(number)
        return number

    @action
    async def collect_letters(
        self,
        prompt: str | None,
        names: Sequence[str],
        *,
        fewest: int = 3,
        first_timeout: float = 8.0,
        between_timeout: float = 4.0,
        tries: int = 3,
    ) -> list[str]:
        """Ask for a name by the letters on the keys (ABC on 2), and return those that match.

        The caller types the beginning of any word of a name, at least `fewest` keys: 764 or 266 for
        "Ann Smith". It is complete with one name left, at `#`, or after `between_timeout` seconds;
        `*` restarts it. If several names match, choose between them, as with `choose`. Without a
        match, the host asks again, up to `tries` times.

        Raises NoKeys after the last try, or ValueError if a name has neither letters nor digits.
        """
        letters = Letters(names, fewest, first_timeout, between_timeout)

        async def read() -> list[str]:
            found = await letters.read(self._typed.take)
            self._typed.expect_late("#")
            return found

        return await self._asking.question(self._asking.ask(prompt or "", tries, read))

    @action
    async def choose(self, menu: Menu) -> Any:
        """Offer a menu and its submenus; return the value of the chosen key.

        The first key interrupts the prompt; keys typed ahead skip it: `12` goes through two menus.
        After the last try, returns the menu's default, or raises NoKeys if it has none. The record
        has the menu's name and the choice, masked if the menu is private.
        """
        return await self._asking.question(self._walk(menu))

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
        unrecorded = self._call.off_record
        private = menu.private or self._call.persona_settings.mask_digits

        async def read() -> str:
            key = await self._typed.take(menu.timeout)
            if key is None or key not in choices:
                raise Missed(wrong=key is not None)
            return key

        try:
            with self._masked() if private or unrecorded else contextlib.nullcontext():
                key: str | None = await self._asking.ask(menu.prompt, menu.tries, read)
        except NoKeys:
            if menu.default is NOTHING:
                raise
            key = None
        chosen = menu.default if key is None else choices[key]
        if chosen is not _BACK:
            choice = choice_of(menu, key, chosen, private=private, unrecorded=unrecorded)
            self._call.state.menus.append(choice)
        return chosen

    @contextlib.contextmanager
    def _masked(self) -> Iterator[None]:
        """Mask keys in the record while private digits are typed, keys typed ahead included."""
        self._typed.mask(MASK)
        self._private = True
        try:
            yield
        finally:
            self._private, self._private_until = False, time.monotonic() + OVERRUN
