"""Checks a request before anything is placed: its persona, the gate, and its details."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from host import registry
from host.base.errors import MetadataError
from host.call.keypad import read_presses
from host.compliance import Gate
from host.compliance.window import NeverAllowed, Window, first_moment
from host.dispatch.place import encode_metadata
from host.registry import Registry
from host.server.api.details_validator import DetailsValidator
from host.server.api.refusals import Blocked, Unusable
from host.server.api.schemas import Fault, WantedCall
from host.settings import Settings

log = logging.getLogger("host")


class Checker:
    """Checks requests for calls of one host's personas."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._validator = settings, DetailsValidator(settings)
        self.personas = sorted(registry.load(settings).require().personas)

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Check further requests with these settings and this registry."""
        self._settings, self.personas = settings, sorted(loaded.personas)
        self._validator.use(settings, loaded)

    async def metadata(self, wanted: WantedCall, key: str) -> str:
        """Build a call's metadata. Raises Unusable, Unready or Blocked."""
        metadata = self._encoded(wanted, key)
        await asyncio.to_thread(self.pass_gate, wanted)
        await self._require_details(metadata)
        return metadata

    async def due(self, wanted: WantedCall, key: str, window: Window) -> datetime:
        """Check a call that is to be placed later; return when the gate allows it first.

        Raises Unusable, Unready or Blocked.
        """
        metadata = self._encoded(wanted, key)
        due = await asyncio.to_thread(self._first_moment, wanted, window)
        await self._require_details(metadata)
        return due

    def _first_moment(self, wanted: WantedCall, window: Window) -> datetime:
        gate = Gate(self._settings, self._settings.persona(wanted.persona), wanted.persona)
        try:
            due = first_moment(gate, wanted.number, window, caller_id=wanted.caller_id)
        except NeverAllowed as error:
            log.warning("refused a scheduled call of %s: %s", wanted.persona, error.reason)
            raise Blocked(error.verdict, error.reason) from None
        self._refuse_keys(gate, wanted)
        return due

    def _encoded(self, wanted: WantedCall, key: str) -> str:
        if wanted.persona not in self.personas:
            known = ", ".join(self.personas)
            text = f"there is no persona {wanted.persona!r} (there are: {known})"
            raise Unusable(Fault(loc=["body", "persona"], msg=text, type="persona_unknown"))
        try:
            return encoded(wanted, key)
        except MetadataError as error:
            field = "dtmf" if str(error).startswith("dtmf ") else "details"
            fault = Fault(loc=["body", field], msg=str(error), type="value_error")
            raise Unusable(fault) from error

    async def _require_details(self, metadata: str) -> None:
        if faults := await self._validator.faults(metadata):
            raise Unusable(*faults)

    def pass_gate(self, wanted: WantedCall) -> None:
        """Check the gate; the call itself checks it again. Raises Blocked."""
        gate = Gate(self._settings, self._settings.persona(wanted.persona), wanted.persona)
        verdict = gate.dial(wanted.number, attempt=False, caller_id=wanted.caller_id)
        if not verdict.allowed:
            log.warning("refused a call of %s: %s", wanted.persona, verdict)
            raise Blocked(verdict)
        self._refuse_keys(gate, wanted)

    def _refuse_keys(self, gate: Gate, wanted: WantedCall) -> None:
        if wanted.dtmf and (verdict := gate.refuse_keys(wanted.number, read_presses(wanted.dtmf))):
            log.warning("refused a call of %s: %s", wanted.persona, verdict)
            raise Blocked(verdict)

    async def details_faults(self, metadata: str) -> list[Fault]:
        """Return what the persona finds wrong with a call's metadata. Raises Unready."""
        return await self._validator.faults(metadata)

    async def close(self) -> None:
        """Stop the process that validates details."""
        await self._validator.close()


def encoded(wanted: WantedCall, key: str) -> str:
    """Return the metadata of a call. Raises MetadataError."""
    return encode_metadata(
        wanted.persona,
        wanted.number,
        wanted.details,
        key,
        wanted.reference,
        wanted.dtmf,
        caller_id=wanted.caller_id,
    )
