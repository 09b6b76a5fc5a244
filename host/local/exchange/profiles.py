"""Two versions of livekit-sip, in the ways that an agent or API client can observe.

`now` is protocol 1.52 and later, measured with v1.11 of August 2026; `2025` is v1.0 of April 2025,
as measured. Clients should only depend on `sip_status_code`, where there is one: the rest varies.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from livekit.rtc import DisconnectReason

from host.local.exchange.errors import (
    FROM_SIP_NODE,
    TwirpError,
    short_name,
    sip_error,
    with_sip_status,
)

Reason = int  # livekit.rtc.DisconnectReason


@dataclass(frozen=True)
class Profile:
    """The behaviour of one version."""

    name: str
    codes: Mapping[int, str]
    """SIP status to Twirp code, where the class of the status does not decide."""
    other_codes: Mapping[int, str]
    """Class of SIP status (4, 5, 6) to Twirp code, for the rest."""
    keeps_reason: bool
    """Whether the error contains the reason phrase."""
    answers_late: tuple[float, ...]
    """Seconds that an inbound leg takes longer than it may: one call after the other, in turn.

    Until then a room without `late_attributes` sees nothing of it but that it has joined.
    """
    invites_late: tuple[float, ...]
    """Seconds that an INVITE takes longer than it may, in turn."""
    late_attributes: bool
    """Whether an inbound leg that is late publishes its track before its attributes."""
    answers_cancel: bool
    """Whether a caller who gives up is told 487; otherwise there is no final response."""
    lingers: float
    """Seconds that a leg stays in its room whose caller gave up while it joined."""
    no_answer: str
    """Error text of an unanswered call."""
    no_credentials: tuple[str, str]
    """Twirp code and text of an INVITE that was answered with 401 or 407, without credentials."""
    no_trunk: str
    """Error text of a request with neither trunk nor number."""
    refer_has_status: bool
    """Whether the error of a rejected REFER contains its SIP status."""
    notify_has_status: bool
    """Whether the error of a failed transfer contains the target's SIP status."""
    knows_its_calls: bool
    """Whether a re-INVITE, as of a hold, belongs to its call; otherwise it is a new call."""
    media_timeout: float
    """Seconds without a packet from the telephone after which the call ends."""
    newer: bool
    """Whether it has the RPC methods `lk.sip.*` and the attributes `lk.sip.*Time`."""

    def invite_failed(self, status: int, reason: str) -> TwirpError:
        """Return the API error for an INVITE that was answered with `status`."""
        if status in (401, 407):  # no credentials on the trunk
            code, text = self.no_credentials
            return TwirpError(code, FROM_SIP_NODE + text)
        named = status in (400, 404, 480, 486, 488)
        said = "INVITE failed" if named else "unexpected status from INVITE response"
        return sip_error(self.code(status), said, status, reason if self.keeps_reason else "")

    def refer_refused(self, status: int, reason: str) -> TwirpError:
        """Return the API error for a telephone that rejects the REFER."""
        if not self.refer_has_status:
            if status == 403:
                return TwirpError("permission_denied", FROM_SIP_NODE + "SIP REFER was denied")
            text = f"SIP REFER failed with code {status}"
            return TwirpError("internal", FROM_SIP_NODE + text)
        kept = reason if self.keeps_reason else ""
        text = f"sip status {status}: {kept or short_name(status)}"
        return with_sip_status(self.code(status), text, status, kept)

    def transfer_failed(self, status: int, reason: str) -> TwirpError:
        """Return the API error for a transfer whose target answered with `status`."""
        if not self.notify_has_status:
            return TwirpError("canceled", FROM_SIP_NODE + "call transfer failed")
        return sip_error(self.code(status), "call transfer failed", status, reason)

    def code(self, status: int) -> str:
        """Return the Twirp code of a SIP status."""
        return self.codes.get(status) or self.other_codes.get(status // 100, "unknown")

    def leave_reason(self, status: int) -> Reason:
        """Return the leg's disconnect reason after the final `status`; 0: no answer."""
        if not self.newer:
            rejected = status == 486
        elif status in (0, 404, 408, 480):
            return DisconnectReason.USER_UNAVAILABLE
        else:
            rejected = status // 100 in (4, 6)
        return DisconnectReason.USER_REJECTED if rejected else DisconnectReason.CLIENT_INITIATED


def _codes(**statuses: tuple[int, ...]) -> dict[int, str]:
    return {status: code for code, group in statuses.items() for status in group}


NOW = Profile(
    name="now",
    codes=_codes(
        permission_denied=(401, 402, 403, 407, 433, 470, 603, 607, 608),
        not_found=(301, 302, 404, 410, 481, 604),
        deadline_exceeded=(408, 504),
        failed_precondition=(409, 412, 480, 482, 483, 486),
        aborted=(487, 491),
        resource_exhausted=(440, 600),
        out_of_range=(416,),
        unauthenticated=(428, 436, 437, 438, 494),
        invalid_argument=(505, 513),
    ),
    other_codes={
        3: "invalid_argument",
        4: "invalid_argument",
        5: "failed_precondition",
        6: "invalid_argument",
    },
    keeps_reason=True,
    answers_late=(0.0, 0.7),
    invites_late=(0.0, 1.0),
    late_attributes=False,
    answers_cancel=True,
    lingers=2.0,
    no_answer="sip request timed out",
    no_credentials=(
        "failed_precondition",
        "sip server required auth, but no username or password was provided",
    ),
    no_trunk="missing sip trunk id and sip number",
    refer_has_status=True,
    notify_has_status=True,
    knows_its_calls=True,
    media_timeout=15.0,
    newer=True,
)

YEAR_2025 = Profile(
    name="2025",
    codes=_codes(
        aborted=(487,),
        invalid_argument=(400, 404, 420, 421, 484, 485),
        deadline_exceeded=(408, 504),
        unavailable=(480, 486, 501, 503, 600, 603),
        permission_denied=(403,),
    ),
    other_codes={3: "internal", 4: "internal", 5: "internal", 6: "internal"},
    keeps_reason=False,
    answers_late=(0.6, 0.0),
    invites_late=(1.0, 0.0),
    late_attributes=True,
    answers_cancel=False,
    lingers=0.0,
    no_answer="canceled",
    no_credentials=(
        "unknown",
        "server required auth, but no username or password was provided",
    ),
    no_trunk="missing sip trunk id",
    refer_has_status=False,
    notify_has_status=False,
    knows_its_calls=False,
    media_timeout=25.6,
    newer=False,
)

PROFILES = {profile.name: profile for profile in (NOW, YEAR_2025)}
