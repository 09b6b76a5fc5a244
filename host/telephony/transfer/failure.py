"""What it is called when nobody takes a call that is handed over."""

from host.base.errors import HostError


class TransferFailed(HostError):
    """The target did not take the call. `sip_status` says why, where SIP did."""

    def __init__(self, message: str, sip_status: int | None = None) -> None:
        super().__init__(message)
        self.sip_status = sip_status
