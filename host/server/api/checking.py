"""Checks a request before anything is placed: its persona, the gate, and its details."""

from __future__ import annotations

import asyncio
import logging

from host import registry
from host.base.errors import MetadataError
from host.call.keypad import read_presses
from host.compliance import Gate
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
        if wanted.persona not in self.personas:
            known = ", ".join(self.personas)
            text = f"there is no persona {wanted.persona!r} (there are: {known})"
            raise Unusable(Fault(loc=["body", "persona"], msg=text, type="persona_unknown"))
        try:
            metadata = encode_metadata(
                wanted.persona,
                wanted.number,
                wanted.details,
                key,
                wanted.reference,
                wanted.dtmf,
                caller_id=wanted.caller_id,
            )
        except MetadataError as error:
            field = "dtmf" if str(error).startswith("dtmf ") else "details"
            fault = Fault(loc=["body", field], msg=str(error), type="value_error")
            raise Unusable(fault) from error
        await asyncio.to_thread(self.pass_gate, wanted)
        if faults := await self._validator.faults(metadata):
            raise Unusable(*faults)
        return metadata

    def pass_gate(self, wanted: WantedCall) -> None:
        """Check the gate; the call itself checks it again. Raises Blocked."""
        gate = Gate(self._settings, self._settings.persona(wanted.persona), wanted.persona)
        verdict = gate.dial(wanted.number, attempt=False, caller_id=wanted.caller_id)
        if verdict.allowed and wanted.dtmf:
            verdict = gate.refuse_keys(wanted.number, read_presses(wanted.dtmf)) or verdict
        if not verdict.allowed:
            log.warning("refused a call of %s: %s", wanted.persona, verdict)
            raise Blocked(verdict)

    async def close(self) -> None:
        """Stop the process that validates details."""
        await self._validator.close()
