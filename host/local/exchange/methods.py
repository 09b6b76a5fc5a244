"""The implemented methods of livekit.SIP: name, request, grant, handler."""

from livekit.protocol import sip

from host.local.exchange.directory import Directory
from host.local.exchange.service import CallService
from host.local.exchange.twirp import Method


def methods(service: CallService, directory: Directory) -> dict[str, Method]:
    """Return the methods by name."""
    return {
        "CreateSIPParticipant": Method(sip.CreateSIPParticipantRequest, "call", service.create),
        "TransferSIPParticipant": Method(
            sip.TransferSIPParticipantRequest, "call", service.transfer
        ),
        "CreateSIPInboundTrunk": Method(
            sip.CreateSIPInboundTrunkRequest, "admin", directory.create_inbound
        ),
        "CreateSIPOutboundTrunk": Method(
            sip.CreateSIPOutboundTrunkRequest, "admin", directory.create_outbound
        ),
        "CreateSIPDispatchRule": Method(
            sip.CreateSIPDispatchRuleRequest, "admin", directory.create_rule
        ),
        "UpdateSIPInboundTrunk": Method(
            sip.UpdateSIPInboundTrunkRequest, "admin", directory.update_inbound
        ),
        "UpdateSIPOutboundTrunk": Method(
            sip.UpdateSIPOutboundTrunkRequest, "admin", directory.update_outbound
        ),
        "UpdateSIPDispatchRule": Method(
            sip.UpdateSIPDispatchRuleRequest, "admin", directory.update_rule
        ),
        "GetSIPInboundTrunk": Method(sip.GetSIPInboundTrunkRequest, "admin", directory.get_inbound),
        "GetSIPOutboundTrunk": Method(
            sip.GetSIPOutboundTrunkRequest, "admin", directory.get_outbound
        ),
        "ListSIPInboundTrunk": Method(
            sip.ListSIPInboundTrunkRequest, "admin", directory.list_inbound
        ),
        "ListSIPOutboundTrunk": Method(
            sip.ListSIPOutboundTrunkRequest, "admin", directory.list_outbound
        ),
        "ListSIPDispatchRule": Method(
            sip.ListSIPDispatchRuleRequest, "admin", directory.list_rules
        ),
        "DeleteSIPTrunk": Method(sip.DeleteSIPTrunkRequest, "admin", directory.delete_trunk),
        "DeleteSIPDispatchRule": Method(
            sip.DeleteSIPDispatchRuleRequest, "admin", directory.delete_rule
        ),
    }
