"""Twirp errors, and how a far end's SIP status becomes one.

Body and HTTP status as in the Twirp specification (version 7); a SIP failure carries its status in
`meta` as livekit/protocol's `SIPStatus.TwirpErrorMeta` and `xtwirp` write it.
"""

import base64
from collections.abc import Mapping
from typing import Any

from google.rpc import code_pb2, status_pb2  # type: ignore[import-untyped]
from livekit.protocol.sip import SIPStatus, SIPStatusCode

HTTP_STATUS = {
    "canceled": 408,
    "unknown": 500,
    "invalid_argument": 400,
    "malformed": 400,
    "deadline_exceeded": 408,
    "not_found": 404,
    "bad_route": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "unauthenticated": 401,
    "resource_exhausted": 429,
    "failed_precondition": 412,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "dataloss": 500,
}

FROM_SIP_NODE = "twirp error unknown: "
"""What livekit-server puts before an error that livekit-sip gave it."""


class TwirpError(Exception):
    """A refusal, as a client of LiveKit's API sees it."""

    def __init__(self, code: str, msg: str, meta: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {msg}")
        self.code, self.msg, self.meta = code, msg, dict(meta or {})

    @property
    def http_status(self) -> int:
        """The HTTP status that goes with the code."""
        return HTTP_STATUS[self.code]

    def body(self) -> dict[str, Any]:
        """The JSON body; without `meta` where there is none."""
        body: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return body | {"meta": self.meta} if self.meta else body


def short_name(status: int) -> str:
    """Give a SIP status its name in capitals, for example `BUSY_HERE`."""
    return _enum_name(status).removeprefix("SIP_STATUS_")


def sip_error(code: str, said: str, status: int, reason: str = "") -> TwirpError:
    """Make the error of a call that the far end refused with `status`.

    Without a `reason` it reads as from a livekit-sip that loses the reason phrase.
    """
    spelled = f"{status}: {reason}" if reason else f"{status} ({short_name(status)})"
    return with_sip_status(code, f"{said}: sip status: {spelled}", status, reason)


def with_sip_status(code: str, msg: str, status: int, reason: str = "") -> TwirpError:
    """Make an error whose `meta` tells the SIP status: the Python SDK raises SipCallError."""
    rpc = status_pb2.Status(code=_grpc_code(code), message=msg)
    rpc.details.add().Pack(SIPStatus(code=status, status=reason))  # type: ignore[arg-type]
    meta = {
        "sip_status_code": str(status),
        "sip_status": reason or _enum_name(status),
        "error_details": base64.b64encode(rpc.SerializeToString()).decode(),
    }
    return TwirpError(code, FROM_SIP_NODE + msg, meta)


def _enum_name(status: int) -> str:
    known = status in SIPStatusCode.values()
    return SIPStatusCode.Name(status) if known else str(status)


def _grpc_code(code: str) -> int:
    spelled = {"canceled": "CANCELLED", "malformed": "INVALID_ARGUMENT"}.get(code, code.upper())
    return int(code_pb2.Code.Value(spelled))
