"""SIP headers of a call as attributes of its participant."""

from collections.abc import Mapping

from livekit.protocol.sip import SIPHeaderOptions

_MAPPED = {
    "x-twilio-accountsid": "sip.twilio.accountSid",
    "x-twilio-callsid": "sip.twilio.callSid",
    "x-telnyx-callsession": "sip.telnyx.callSessionID",
    "x-telnyx-leg": "sip.telnyx.callLegID",
    "x-lk-test-id": "lktest.id",
}


def attributes_from(
    headers: Mapping[str, str], mapping: Mapping[str, str], include: int
) -> dict[str, str]:
    """Return the attributes that a trunk derives from a call's headers.

    `mapping` is the trunk's `headers_to_attributes`, `include` its `include_headers`.
    """
    wanted = {header.lower(): attribute for header, attribute in mapping.items()}
    attributes: dict[str, str] = {}
    for header, value in headers.items():
        name = header.lower()
        if attribute := wanted.get(name) or _MAPPED.get(name):
            attributes[attribute] = value
        every = include == SIPHeaderOptions.SIP_ALL_HEADERS
        if every or (include == SIPHeaderOptions.SIP_X_HEADERS and name.startswith("x-")):
            attributes[f"sip.h.{name}"] = value
    return attributes
