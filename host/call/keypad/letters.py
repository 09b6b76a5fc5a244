"""Names typed on a keypad: ABC on 2, DEF on 3, and so on (ITU-T E.161)."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence

from host.call.keypad.missed import Missed

_KEYS = {
    letter: key
    for key, letters in enumerate(["abc", "def", "ghi", "jkl", "mno", "pqrs", "tuv", "wxyz"], 2)
    for letter in letters
}
_SPELT = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "þ": "th"})
"""Letters that Unicode does not decompose, as names without them are written."""


def keys_of(name: str) -> str:
    """Return the keys of a name, without those for spaces and signs: `56438` for "Jo Ève"."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_SPELT))
    keys = (str(_KEYS.get(sign, sign)) for sign in plain)
    return "".join(key for key in keys if key.isascii() and key.isdecimal())


def matching(typed: str, names: Iterable[str]) -> list[str]:
    """Return the names of which a word, with those after it, begins with the typed keys."""
    return [name for name in names if any(keys.startswith(typed) for keys in _readings(name))]


def _readings(name: str) -> list[str]:
    """Return the keys of a name from each of its words on: people are known by their last."""
    words = name.split()
    return [keys for at in range(len(words)) if (keys := keys_of("".join(words[at:])))]


class Letters:
    """One question for a name."""

    def __init__(
        self, names: Sequence[str], fewest: int, first_timeout: float, between_timeout: float
    ) -> None:
        """`fewest`: keys that must be typed. Raises ValueError if a name has no letter or digit."""
        if wrong := [name for name in names if not _readings(name)]:
            raise ValueError(f"names to be typed need letters or digits: {wrong}")
        if not names or fewest < 1:
            raise ValueError("at least one name is needed, and at least one key")
        self._names, self._fewest = names, fewest
        self._first, self._between = first_timeout, between_timeout

    async def read(self, take: Callable[[float], Awaitable[str | None]]) -> list[str]:
        """Collect keys until one name is left, `#`, or a pause. Raises Missed without a name."""
        typed, left = "", list(self._names)
        while len(typed) < self._fewest or len(left) > 1:
            key = await take(self._between if typed else self._first)
            if key is None or key == "#":
                break
            typed = "" if key == "*" else typed + key
            left = matching(typed, self._names)
            if not left:
                break
        if len(typed) < self._fewest or not left:
            raise Missed(wrong=bool(typed))
        return left
