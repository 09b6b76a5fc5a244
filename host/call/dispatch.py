"""What a job asks for: its metadata, its room, and the number that was dialled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from host.base.e164 import E164
from host.base.errors import MetadataError
from host.call.metadata import read_metadata

MAX_KEY = 200
"""Longest idempotency key, in characters."""


@dataclass(frozen=True)
class Dispatch:
    """What a job asks for, as it arrived."""

    room: str = ""
    metadata: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    number: str | None = None
    """The number that was dialled, where a telephone rang us."""

    @property
    def persona(self) -> object:
        """The persona that the metadata asks for: anything at all, None when it asks for none."""
        return self.metadata.get("persona")

    @property
    def phone_number(self) -> str | None:
        """The number to dial: present on outbound calls, always in E.164.

        Raises MetadataError where the metadata has something else there.
        """
        number = self.metadata.get("phone_number")
        if number is None:
            return None
        if not isinstance(number, str) or not E164.fullmatch(number):
            raise MetadataError("phone_number in the metadata is no E.164 number like +15550001111")
        return number

    @property
    def idempotency_key(self) -> str | None:
        """What names the request, so that no second call is made for it; None where nothing does.

        Raises MetadataError where the metadata has something else there.
        """
        key = self.metadata.get("idempotency_key")
        if key is None:
            return None
        if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            raise MetadataError(
                f"idempotency_key in the metadata is no text of 1 to {MAX_KEY} printable characters"
            )
        return key

    @property
    def outbound(self) -> bool:
        """True where the host is to dial."""
        return self.metadata.get("phone_number") is not None


def read_dispatch(metadata: str, room: str = "", number: str | None = None) -> Dispatch:
    """Read a job's metadata: nothing, or one JSON object. Raises MetadataError."""
    dispatch = Dispatch(room, MappingProxyType(read_metadata(metadata)), number)
    # A wrong one refuses the call here, before anything happens.
    _ = dispatch.phone_number, dispatch.idempotency_key
    return dispatch
