"""A telephone's RTP: a late first packet, hold, a lost network, LiveKit SIP's media timeout.

LiveKit SIP ignores the direction in a re-INVITE (RFC 3264 section 8.4), and tells the room nothing
of a hold. It takes silence for silence, and the absence of packets for the end of the call.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

FIRST_PACKET = 30.0
"""Seconds from the answer that LiveKit SIP waits for the first packet."""

UNBRIDGED = 1.0
"""Seconds that LiveKit SIP waits for the first packet of an inbound call before it sends any."""

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
        self._timers: list[asyncio.TimerHandle] = []
        self.sends = True
        """Whether the telephone sends packets."""

    def start(self, first_packet: float, bridged: float) -> None:
        """Let packets pass from the telephone after `first_packet` seconds, which may be infinite.

        Those to it pass after `bridged` seconds.
        """
        if first_packet <= 0:
            self.direct(sends=True, receives=True)
            return
        self.sends = False
        self._media.direct(sends=False, receives=bridged <= 0)
        self._later(FIRST_PACKET, self._expire)
        self._later(bridged, partial(self._media.direct, sends=False, receives=True))
        if first_packet < FIRST_PACKET:
            self._later(first_packet, partial(self.direct, sends=True, receives=True))

    def direct(self, *, sends: bool, receives: bool) -> None:
        """Let packets pass from now on: from the telephone, and to it."""
        was_sending, self.sends = self.sends, sends
        self._media.direct(sends=sends, receives=receives)
        if sends:
            self.stop()
        elif was_sending:
            self._later(self._timeout, self._expire)

    def stop(self) -> None:
        """Wait for no packet any more."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, act))
