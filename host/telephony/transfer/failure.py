"""The error of a failed transfer."""

from host.base.errors import HostError


class TransferFailed(HostError):
    """The target did not accept the call. `sip_status` is the SIP status, if there was one."""

    def __init__(self, message: str, sip_status: int | None = None) -> None:
        super().__init__(message)
        self.sip_status = sip_status


class ReferRefused(TransferFailed):
    """The far end refused to be referred, so that the target was not called at all."""
