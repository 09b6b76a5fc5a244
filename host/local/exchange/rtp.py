"""A telephone's RTP: hold, a lost network, and LiveKit SIP's media timeout.

LiveKit SIP ignores the direction in a re-INVITE (RFC 3264 section 8.4), and tells the room nothing
of a hold. It takes silence for silence, and the absence of packets for the end of the call.
"""

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

Hold = Literal["sendonly", "inactive"]
"""Direction of a telephone on hold: `sendonly` still sends (its music), `inactive` sends nothing.

Neither plays what it receives.
"""


class Directed(Protocol):
    """The audio of a leg, as far as its directions go."""

    def direct(self, *, sends: bool, receives: bool) -> None:
        """Let packets pass from now on: from the telephone, and to it."""


class Rtp:
    """Whether packets pass between a telephone and its leg, from the answer to the end.

    `expire` is called once no packet has arrived for `timeout` seconds.
    """

    def __init__(self, media: Directed, timeout: float, expire: Callable[[], None]) -> None:
        self._media, self._timeout, self._expire = media, timeout, expire
        self._waiting: asyncio.TimerHandle | None = None
        self.sends = True
        """Whether the telephone sends packets."""

    def direct(self, *, sends: bool, receives: bool) -> None:
        """Let packets pass from now on: from the telephone, and to it."""
        was_sending, self.sends = self.sends, sends
        self._media.direct(sends=sends, receives=receives)
        if sends:
            self.stop()
        elif was_sending:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(self._timeout, self._expire)

    def stop(self) -> None:
        """Wait for no packet any more."""
        if self._waiting:
            self._waiting.cancel()
            self._waiting = None
