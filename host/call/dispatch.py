"""The request of a LiveKit job: its metadata, its room, and the dialled number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from host.base.e164 import E164
from host.base.errors import HostError, MetadataError
from host.base.presses import SECONDS_A_KEY, in_livekits_notation
from host.call.caller import Caller
from host.call.keypad import read_presses
from host.call.metadata import read_metadata

MAX_ID = 200
"""Maximum length of a `reference` and of an idempotency key, in characters."""
RESERVED = ("persona", "phone_number", "idempotency_key", "reference", "dtmf", "caller_id")
"""Fields of the metadata that the host reads, and that are no details."""
MAX_DTMF = 30.0
"""Maximum seconds of the keys pressed after the answer: LiveKit waits 80 s for both."""


@dataclass(frozen=True)
class Dispatch:
    """The request of a job, as received."""

    room: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    number: str | None = None
    """The number that the caller dialled; None on outbound and browser calls."""
    caller: Caller = Caller()
    """The caller as shown, unverified; empty on outbound and browser calls."""
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """SIP headers of an inbound call, as `call.headers`; untrusted."""

    @property
    def persona(self) -> object:
        """The `persona` of the metadata, of any type; None if absent."""
        return self.metadata.get("persona")

    @property
    def phone_number(self) -> str | None:
        """The number to dial, in E.164; None on inbound calls.

        Raises MetadataError if the metadata's value is not an E.164 number.
        """
        number = self.metadata.get("phone_number")
        if number is None:
            return None
        if not isinstance(number, str) or not E164.fullmatch(number):
            raise MetadataError(
                "phone_number in the metadata is not an E.164 number like +15550001111"
            )
        return number

    @property
    def caller_id(self) -> str | None:
        """The number that this call is to show, in E.164; None: the persona's, and if inbound.

        Raises MetadataError if the metadata's value is not an E.164 number.
        """
        shown = self.metadata.get("caller_id")
        if shown is None or not self.outbound:
            return None
        if not isinstance(shown, str) or not E164.fullmatch(shown):
            raise MetadataError(
                "caller_id in the metadata is not an E.164 number like +15550001111"
            )
        return shown

    @property
    def idempotency_key(self) -> str | None:
        """The key that prevents a second call for the same request; None if absent.

        Raises MetadataError if the metadata's value is not a valid key.
        """
        return self._id("idempotency_key")

    @property
    def reference(self) -> str | None:
        """The ID that whoever asked for the call knows it by; None if absent.

        Raises MetadataError if the metadata's value is not a valid one.
        """
        return self._id("reference")

    def _id(self, name: str) -> str | None:
        value = self.metadata.get(name)
        if value is None:
            return None
        if not isinstance(value, str) or not 1 <= len(value) <= MAX_ID or not value.isprintable():
            raise MetadataError(
                f"{name} in the metadata must be 1 to {MAX_ID} printable characters"
            )
        return value

    @property
    def dtmf(self) -> str:
        """Keys and pauses that LiveKit plays after the answer, as in `1w2,,#`; empty: none.

        Raises MetadataError if the metadata's value has other characters, or takes too long.
        """
        keys = self.metadata.get("dtmf")
        if keys is None or keys == "":
            return ""
        try:
            read_presses(keys if isinstance(keys, str) else " ")
        except HostError:
            raise MetadataError(
                'dtmf in the metadata must be keys such as "ww12#": 0 to 9, *, #, A to D, '
                "w (0.5 s), a comma (2 s), at most 100"
            ) from None
        if len(in_livekits_notation(keys)) * SECONDS_A_KEY > MAX_DTMF:
            raise MetadataError(f"dtmf in the metadata takes longer than {MAX_DTMF:.0f} s")
        return str(keys)

    @property
    def outbound(self) -> bool:
        """True if the metadata has a number to dial."""
        return self.metadata.get("phone_number") is not None


def read_dispatch(metadata: str, room: str = "", number: str | None = None) -> Dispatch:
    """Parse a job's metadata: empty, or one JSON object. Raises MetadataError."""
    dispatch = Dispatch(room, MappingProxyType(read_metadata(metadata)), number)
    # Validates them, so that an invalid value refuses the call before anything happens.
    _ = dispatch.phone_number, dispatch.idempotency_key, dispatch.reference
    _ = dispatch.dtmf, dispatch.caller_id
    return dispatch
