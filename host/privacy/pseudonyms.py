"""Pseudonyms of telephone numbers: calls of one number can be correlated without the number."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
from pathlib import Path

from host.privacy.files import keep_names, private_folder, private_opener
from host.privacy.numbers import FEWEST, mask_number

log = logging.getLogger("host")

LETTERS = "bcdfghjklmnpqrst"
"""Sixteen letters, one for each hex digit. No digits, which another mask would mask again."""
NAMED = "~"
"""Separates a masked number from its pseudonym."""
LENGTH = 10
"""Letters of a pseudonym: 40 bits, so that collisions are rare among a million numbers."""

KEY = 32
"""Bytes of a key."""
_WITH_PLUS = r"\+\d(?:[ ().-]{0,3}\d){5,14}"
_reported: set[Path] = set()
"""Malformed key files that were reported."""


class Pseudonyms:
    """The pseudonyms of a deployment.

    They are an HMAC with a key in `state_dir`: without the key, trying all numbers does not reveal
    a pseudonym's number. Deleting the key severs all pseudonyms from their numbers for good.
    """

    def __init__(self, state: Path) -> None:
        self.file = state / "numbers.key"

    def of(self, number: str) -> str:
        """Return a masked number with its pseudonym: `+1\N{HORIZONTAL ELLIPSIS}01~bcdfghjklm`.

        Without the pseudonym if the key can't be read or written, so that no record is lost.
        """
        masked = mask_number(number)
        if masked == number:
            return number
        try:
            key = self._key()
        except OSError:
            return masked
        if len(key) != KEY:
            self._report(len(key))
            return masked
        digest = hmac.digest(key, number.encode(errors="replace"), hashlib.sha256).hex()
        name = "".join(LETTERS[int(half, 16)] for half in digest[:LENGTH])
        return f"{masked}{NAMED}{name}"

    def within(self, text: str, number: str | None = None) -> str:
        """Mask the telephone numbers in an ID that others chose, each with its pseudonym.

        They are those with a plus, and this `number` also without it: most other digits of an ID
        are an order's.
        """
        digits = (number or "").removeprefix("+")
        known = rf"|{digits}" if digits.isdecimal() and len(digits) >= FEWEST else ""
        return re.sub(
            rf"(?<!\d)(?:{_WITH_PLUS}{known})(?!\d)",
            lambda found: self.of(f"+{re.sub('[^0-9]', '', found[0])}"),
            text,
            flags=re.ASCII,
        )

    def _key(self) -> bytes:
        """Read the key; the first process creates it. Raises OSError."""
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
                os.link(draft, self.file)  # atomic, and never replaces another process's key
                keep_names(self.file.parent)
        finally:
            draft.unlink(missing_ok=True)
        return self.file.read_bytes()

    def _report(self, size: int) -> None:
        """Log once that the key is malformed: with an empty key, numbers could be guessed."""
        if self.file not in _reported:
            _reported.add(self.file)
            text = "numbers in records have no pseudonyms: %s has %s bytes instead of %s"
            log.error(f"{text} (restore the file, or delete it)", self.file, size, KEY)
