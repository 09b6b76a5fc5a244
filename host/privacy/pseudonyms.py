"""Gives each number a name that tells calls of one number from those of another, and no number."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import secrets
from pathlib import Path

from host.privacy.files import keep_names, private_folder, private_opener
from host.privacy.numbers import mask_number

log = logging.getLogger("host")

LETTERS = "bcdfghjklmnpqrst"
"""Sixteen, one for each half of a byte: no digit, which another mask would take for a number's."""
NAMED = "~"
"""Stands between a masked number and its name."""
LENGTH = 10
"""Letters of a name. 40 bits: of a million numbers, hardly two have the same."""

KEY = 32
"""Bytes of a key."""
_told: set[Path] = set()
"""Files that are no keys, as was said."""


class Pseudonyms:
    """The names of a deployment's numbers.

    They are made with a key that stays in `state_dir`: without it, nobody can try all numbers and
    see which one gives a name. Who deletes it parts all names from their numbers, for good.
    """

    def __init__(self, state: Path) -> None:
        self.file = state / "numbers.key"

    def of(self, number: str) -> str:
        """Mask a number and name it, as `+1\N{HORIZONTAL ELLIPSIS}01~bcdfghjklm`.

        Without a name where no key can be read or written: no record is lost over it.
        """
        masked = mask_number(number)
        if masked == number:
            return number
        try:
            key = self._key()
        except OSError:
            return masked
        if len(key) != KEY:
            self._tell(len(key))
            return masked
        digest = hmac.digest(key, number.encode(errors="replace"), hashlib.sha256).hex()
        name = "".join(LETTERS[int(half, 16)] for half in digest[:LENGTH])
        return f"{masked}{NAMED}{name}"

    def _key(self) -> bytes:
        """Read the key; the first of all processes to come makes it. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            return self.file.read_bytes()
        private_folder(self.file.parent)
        draft = self.file.with_name(f".{self.file.name}-{os.getpid()}-{secrets.token_hex(4)}")
        try:
            with open(draft, "xb", opener=private_opener) as written:
                written.write(secrets.token_bytes(KEY))
                written.flush()
                os.fsync(written.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, self.file)  # whole or not at all, and never over another's
                keep_names(self.file.parent)
        finally:
            draft.unlink(missing_ok=True)
        return self.file.read_bytes()

    def _tell(self, size: int) -> None:
        """Say once that the key is none: with an empty one, anybody could try all numbers."""
        if self.file not in _told:
            _told.add(self.file)
            text = "numbers in records have no pseudonyms: %s has %s bytes instead of %s"
            log.error(f"{text} (restore the file, or delete it)", self.file, size, KEY)
