"""A way between a softphone and livekit-sip on which SIP takes time, as on that to a trunk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOPBACK = "127.0.0.1"
DELAY = 0.01
"""Seconds that a packet takes, about as to a trunk in the same country.

sipgo, as livekit-sip 1.0.0 has it, sends a request before it sets the timers of its transaction
(`ClientTx.Init`). A final response that comes in between ends the transaction, and livekit-sip, to
which the end and the response are there at once, may take the end: "transaction failed to
complete". On a busy machine it lost the 202 of 18 of 500 REFERs that were answered on loopback in
microseconds, and of none of 300 after this delay. No trunk answers so soon.
"""


class _Distance(asyncio.DatagramProtocol):
    """Carries SIP between two ports of loopback, each way with a delay.

    In the Via of the softphone's requests it puts its own port in the place of the softphone's:
    livekit-sip sends there not only responses, but also the requests of the call that follows.
    """

    def __init__(self, phone: int, server: int) -> None:
        self._phone, self._server = phone, server
        self._loop = asyncio.get_running_loop()
        self.port = 0

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if address[1] == self._server:
            self._carry(data, self.port, self._phone, to=self._phone)
        else:
            self._carry(data, self._phone, self.port, to=self._server)

    def _carry(self, data: bytes, port: int, new: int, *, to: int) -> None:
        via, other = (f"Via: SIP/2.0/UDP {LOOPBACK}:{each};".encode() for each in (port, new))
        carried = data.replace(via, other)
        self._loop.call_later(DELAY, self._transport.sendto, carried, (LOOPBACK, to))


@asynccontextmanager
async def distance(phone: int, server: int) -> AsyncIterator[int]:
    """Yield the port by which a softphone at one port reaches the server at another."""
    loop = asyncio.get_running_loop()
    transport, way = await loop.create_datagram_endpoint(
        lambda: _Distance(phone, server), local_addr=(LOOPBACK, 0)
    )
    try:
        yield way.port
    finally:
        transport.close()
