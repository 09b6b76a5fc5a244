"""Twirp errors, and their form for a SIP status of the far end.

Body and HTTP status as in the Twirp specification (version 7). A SIP failure carries its status in
`meta`, as written by livekit/protocol's `SIPStatus.TwirpErrorMeta` and `xtwirp`.
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
"""Prefix that livekit-server adds to an error of livekit-sip."""


class TwirpError(Exception):
    """An error as a client of LiveKit's API sees it."""

    def __init__(self, code: str, msg: str, meta: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{code}: {msg}")
        self.code, self.msg, self.meta = code, msg, dict(meta or {})

    @property
    def http_status(self) -> int:
        """HTTP status of the code."""
        return HTTP_STATUS[self.code]

    def body(self) -> dict[str, Any]:
        """Return the JSON body; without `meta` if it is empty."""
        body: dict[str, Any] = {"code": self.code, "msg": self.msg}
        return body | {"meta": self.meta} if self.meta else body


def short_name(status: int) -> str:
    """Return the name of a SIP status in capitals, for example `BUSY_HERE`."""
    return _enum_name(status).removeprefix("SIP_STATUS_")


def sip_error(code: str, said: str, status: int, reason: str = "") -> TwirpError:
    """Return the error for a call that the far end rejected with `status`.

    Without a `reason` it reads as from a livekit-sip that loses the reason phrase.
    """
    spelled = f"{status}: {reason}" if reason else f"{status} ({short_name(status)})"
    return with_sip_status(code, f"{said}: sip status: {spelled}", status, reason)


def with_sip_status(code: str, msg: str, status: int, reason: str = "") -> TwirpError:
    """Return an error with the SIP status in `meta`: the Python SDK raises SipCallError."""
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
