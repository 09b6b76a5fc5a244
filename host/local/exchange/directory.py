"""Trunks and dispatch rules, in memory: create, get, list, update, delete.

Error texts are those of livekit/protocol `livekit/sip.go` and livekit-server.
"""

from collections.abc import Iterable
from typing import Any

from livekit.protocol import sip

from host.local.exchange.errors import TwirpError
from host.local.exchange.rules import normalize, rule_conflict, trunk_conflict
from host.local.exchange.store import Store, assign

NO_TRUNK = "requested sip trunk does not exist"
NO_RULE = "requested sip dispatch rule does not exist"


class Directory:
    """The trunks and dispatch rules of the exchange."""

    def __init__(self) -> None:
        self.inbound = Store[sip.SIPInboundTrunkInfo]("ST_", "sip_trunk_id", NO_TRUNK)
        self.outbound = Store[sip.SIPOutboundTrunkInfo]("ST_", "sip_trunk_id", NO_TRUNK)
        self.rules = Store[sip.SIPDispatchRuleInfo]("SDR_", "sip_dispatch_rule_id", NO_RULE)

    async def create_inbound(
        self, request: sip.CreateSIPInboundTrunkRequest, _: object = None
    ) -> sip.SIPInboundTrunkInfo:
        """Create an inbound trunk."""
        self._check_inbound(_new(request, "trunk", "sip_trunk_id", "trunk"))
        return self.inbound.add(request.trunk)

    async def create_outbound(
        self, request: sip.CreateSIPOutboundTrunkRequest, _: object = None
    ) -> sip.SIPOutboundTrunkInfo:
        """Create an outbound trunk."""
        self._check_outbound(_new(request, "trunk", "sip_trunk_id", "trunk"))
        return self.outbound.add(request.trunk)

    async def create_rule(
        self, request: sip.CreateSIPDispatchRuleRequest, _: object = None
    ) -> sip.SIPDispatchRuleInfo:
        """Create a dispatch rule, from `dispatch_rule` or from the older flat fields."""
        if request.HasField("dispatch_rule"):
            rule = _new(request, "dispatch_rule", "sip_dispatch_rule_id", "rule")
        else:
            rule = sip.SIPDispatchRuleInfo()
            flat = {field.name for field in rule.DESCRIPTOR.fields}
            for field, value in request.ListFields():
                if field.name in flat:
                    assign(rule, field.name, value)
        self._check_rule(rule)
        return self.rules.add(rule)

    async def update_inbound(
        self, request: sip.UpdateSIPInboundTrunkRequest, _: object = None
    ) -> sip.SIPInboundTrunkInfo:
        """Replace an inbound trunk or some of its fields."""
        trunk = self.inbound.changed(request.sip_trunk_id, request)
        self._check_inbound(trunk)
        return self.inbound.replace(request.sip_trunk_id, trunk)

    async def update_outbound(
        self, request: sip.UpdateSIPOutboundTrunkRequest, _: object = None
    ) -> sip.SIPOutboundTrunkInfo:
        """Replace an outbound trunk or some of its fields."""
        trunk = self.outbound.changed(request.sip_trunk_id, request)
        self._check_outbound(trunk)
        return self.outbound.replace(request.sip_trunk_id, trunk)

    async def update_rule(
        self, request: sip.UpdateSIPDispatchRuleRequest, _: object = None
    ) -> sip.SIPDispatchRuleInfo:
        """Replace a dispatch rule or some of its fields."""
        rule = self.rules.changed(request.sip_dispatch_rule_id, request)
        self._check_rule(rule)
        return self.rules.replace(request.sip_dispatch_rule_id, rule)

    async def get_inbound(
        self, request: sip.GetSIPInboundTrunkRequest, _: object = None
    ) -> sip.GetSIPInboundTrunkResponse:
        """Return an inbound trunk."""
        return sip.GetSIPInboundTrunkResponse(trunk=self.inbound.get(request.sip_trunk_id))

    async def get_outbound(
        self, request: sip.GetSIPOutboundTrunkRequest, _: object = None
    ) -> sip.GetSIPOutboundTrunkResponse:
        """Return an outbound trunk."""
        return sip.GetSIPOutboundTrunkResponse(trunk=self.outbound.get(request.sip_trunk_id))

    async def list_inbound(
        self, request: sip.ListSIPInboundTrunkRequest, _: object = None
    ) -> sip.ListSIPInboundTrunkResponse:
        """Return the inbound trunks with these ids and numbers."""
        found = self.inbound.pick(request.trunk_ids)
        items = [trunk for trunk in found if _any(trunk.numbers, request.numbers)]
        items = self.inbound.page(items, request)
        return sip.ListSIPInboundTrunkResponse(items=items)

    async def list_outbound(
        self, request: sip.ListSIPOutboundTrunkRequest, _: object = None
    ) -> sip.ListSIPOutboundTrunkResponse:
        """Return the outbound trunks with these ids and numbers."""
        found = self.outbound.pick(request.trunk_ids)
        items = [trunk for trunk in found if _any(trunk.numbers, request.numbers)]
        items = self.outbound.page(items, request)
        return sip.ListSIPOutboundTrunkResponse(items=items)

    async def list_rules(
        self, request: sip.ListSIPDispatchRuleRequest, _: object = None
    ) -> sip.ListSIPDispatchRuleResponse:
        """Return the dispatch rules with these ids and trunks."""
        found = self.rules.pick(request.dispatch_rule_ids)
        items = [rule for rule in found if _any(rule.trunk_ids, request.trunk_ids)]
        items = self.rules.page(items, request)
        return sip.ListSIPDispatchRuleResponse(items=items)

    async def delete_trunk(
        self, request: sip.DeleteSIPTrunkRequest, _: object = None
    ) -> sip.SIPTrunkInfo:
        """Delete a trunk, inbound or outbound."""
        inbound = request.sip_trunk_id in self.inbound
        store: Store[Any] = self.inbound if inbound else self.outbound
        trunk = store.remove(request.sip_trunk_id)
        kind = sip.SIPTrunkInfo.TRUNK_INBOUND if inbound else sip.SIPTrunkInfo.TRUNK_OUTBOUND
        return sip.SIPTrunkInfo(
            sip_trunk_id=trunk.sip_trunk_id, kind=kind, name=trunk.name, metadata=trunk.metadata
        )

    async def delete_rule(
        self, request: sip.DeleteSIPDispatchRuleRequest, _: object = None
    ) -> sip.SIPDispatchRuleInfo:
        """Delete a dispatch rule."""
        return self.rules.remove(request.sip_dispatch_rule_id)

    def _check_inbound(self, trunk: sip.SIPInboundTrunkInfo) -> None:
        secured = trunk.auth_username or trunk.auth_password or trunk.allowed_addresses
        if not secured and not trunk.numbers:
            raise _invalid(
                "for security, one of the fields must be set: "
                "AuthUsername+AuthPassword, AllowedAddresses or Numbers"
            )
        if other := trunk_conflict(trunk, self.inbound.pick(())):
            raise _invalid(
                f'Conflicting inbound SIP Trunks: "{trunk.sip_trunk_id or "<new>"}" and '
                f'"{other.sip_trunk_id}", using the same number(s)'
            )

    def _check_outbound(self, trunk: sip.SIPOutboundTrunkInfo) -> None:
        if not trunk.numbers:
            raise _invalid("no trunk numbers specified")
        if not trunk.address:
            raise _invalid("no outbound address specified")
        if "sip:" in trunk.address or "transport=" in trunk.address:
            raise _invalid("trunk address should be a hostname or IP, not SIP URI")

    def _check_rule(self, rule: sip.SIPDispatchRuleInfo) -> None:
        if rule.rule.WhichOneof("rule") is None:
            raise _invalid("missing rule")
        if other := rule_conflict(rule, self.rules.pick(())):
            raise _invalid(
                "Dispatch rule for the same trunk, inbound number, number, and PIN combination "
                f'already exists in dispatch rule "{other.sip_dispatch_rule_id}" '
                f'"{other.name or "<blank name>"}"'
            )


def _invalid(text: str) -> TwirpError:
    return TwirpError("invalid_argument", text)


def _new(request: Any, field: str, id_field: str, noun: str) -> Any:
    if not request.HasField(field):
        raise _invalid(f"missing {noun}")
    if getattr(getattr(request, field), id_field):
        raise _invalid(f"{noun} id must not be set")
    return getattr(request, field)


def _any(have: Iterable[str], wanted: Iterable[str]) -> bool:
    """Return whether the sets intersect; an empty set matches anything."""
    these, those = {normalize(each) for each in have}, {normalize(each) for each in wanted}
    return not these or not those or bool(these & those)
