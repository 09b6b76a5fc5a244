"""Files for LiveKit's `lk`: the requests that would create everything, in protobuf's JSON."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message import Message
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
)

from host.base.errors import SettingsError
from host.cli.provision.wanted import Wanted


@dataclass(frozen=True)
class Exported:
    """A file, and the command that takes it."""

    file: Path
    command: str


def export(wanted: Wanted, folder: Path) -> list[Exported]:
    """Write a file for each thing that is wanted. Raises SettingsError if the folder refuses.

    Passwords are not written: the commands take them from the environment.
    """
    made: list[tuple[Message, str, str]] = []
    if wanted.inbound:
        inbound = CreateSIPInboundTrunkRequest(trunk=wanted.inbound)
        password = _without_password(inbound.trunk, "HOST_SIP_INBOUND_PASSWORD")
        made.append((inbound, "inbound-trunk.json", f"lk sip inbound create {{}}{password}"))
    if wanted.rule:
        rule = CreateSIPDispatchRuleRequest(dispatch_rule=wanted.rule)
        trunk = " --trunks ST_..."  # as the command before prints it
        made.append((rule, "dispatch-rule.json", f"lk sip dispatch create {{}}{trunk}"))
    if wanted.outbound:
        outbound = CreateSIPOutboundTrunkRequest(trunk=wanted.outbound)
        password = _without_password(outbound.trunk, "HOST_SIP_PASSWORD")
        made.append((outbound, "outbound-trunk.json", f"lk sip outbound create {{}}{password}"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(request, folder / name, command) for request, name, command in made]
    except OSError as error:
        raise SettingsError(f"--export: can't write {error.filename}: {error.strerror}") from None


def _without_password(trunk: SIPInboundTrunkInfo | SIPOutboundTrunkInfo, variable: str) -> str:
    """Take the password out of a trunk; return the option that stands for it."""
    option = f' --auth-pass "${variable}"' if trunk.auth_password else ""
    trunk.ClearField("auth_password")
    return option


def _write(request: Message, file: Path, command: str) -> Exported:
    file.write_text(f"{json_format.MessageToJson(request, ensure_ascii=False)}\n", encoding="utf-8")
    return Exported(file, command.format(shlex.quote(str(file))))
