"""Makes the changes of a plan, in its order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livekit import api
from livekit.protocol.sip import (
    CreateSIPDispatchRuleRequest,
    CreateSIPInboundTrunkRequest,
    CreateSIPOutboundTrunkRequest,
    DeleteSIPDispatchRuleRequest,
    DeleteSIPTrunkRequest,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
)

from host.base.errors import LiveKitError
from host.cli.layout import printable
from host.cli.provision.plan import NEW_TRUNK, Change
from host.cli.routing import Info, id_of


async def apply(
    livekit: api.LiveKitAPI, changes: Sequence[Change], tell: Callable[[Change, str], None]
) -> None:
    """Make each change, and tell it with its ID once it is made.

    Raises LiveKitError at the first one that LiveKit refuses; those before it stay made, and
    another run goes on.
    """
    new_trunk = ""
    for change in changes:
        info = change.info
        if isinstance(info, SIPDispatchRuleInfo):
            named = [new_trunk if each == NEW_TRUNK else each for each in info.trunk_ids]
            del info.trunk_ids[:]
            info.trunk_ids.extend(named)
        try:
            made = id_of(await _ask(livekit, change))
        except api.ServerError as error:
            if error.code == api.ServerErrorCode.UNAUTHENTICATED:
                raise
            what = f"can't {change.action} {change.kind} {printable(info.name)!r}"
            raise LiveKitError(f"{what}: {error.message}") from None
        if isinstance(info, SIPInboundTrunkInfo) and change.action == "create":
            new_trunk = made
        tell(change, made)


async def _ask(livekit: api.LiveKitAPI, change: Change) -> Info:
    """Ask LiveKit for one change; return what it has then, or has deleted."""
    sip, info = livekit.sip, change.info
    if change.action == "delete":
        if isinstance(info, SIPDispatchRuleInfo):
            delete = DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=change.id)
            await sip.delete_dispatch_rule(delete)
        else:
            await sip.delete_trunk(DeleteSIPTrunkRequest(sip_trunk_id=change.id))
        return info
    # Changed as a whole: an update of single fields has none for a rule's agents.
    if isinstance(info, SIPInboundTrunkInfo):
        if change.action == "create":
            return await sip.create_inbound_trunk(CreateSIPInboundTrunkRequest(trunk=info))
        return await sip.update_inbound_trunk(change.id, info)
    if isinstance(info, SIPDispatchRuleInfo):
        if change.action == "create":
            create = CreateSIPDispatchRuleRequest(dispatch_rule=info)
            return await sip.create_dispatch_rule(create)
        return await sip.update_dispatch_rule(change.id, info)
    if change.action == "create":
        return await sip.create_outbound_trunk(CreateSIPOutboundTrunkRequest(trunk=info))
    return await sip.update_outbound_trunk(change.id, info)
