"""A telephone in the terminal: calls the local exchange, speaks typed lines, prints words."""

from __future__ import annotations

import asyncio
import json
import sys
import threading

import aiohttp
import typer

from host.base.errors import HostError


async def ring(address: str, called: str, caller: str) -> None:
    """Call a number of the exchange of `dev --local`. Raises HostError."""
    url = address.replace("ws", "http", 1)
    async with aiohttp.ClientSession() as web:
        try:
            line = await web.ws_connect(
                f"{url}/_exchange/ring",
                params={"caller": caller, "called": called},
            )
        except aiohttp.WSServerHandshakeError as error:
            if error.status == 404:
                text = "the local world has LiveKit SIP: dial it with a softphone, as it shows"
                raise HostError(text) from None
            raise HostError(f"the local world answered with HTTP {error.status}") from error
        except aiohttp.ClientError as error:
            text = "the local world is gone: run `python -m host dev --local` again"
            raise HostError(text) from error
        typing = asyncio.create_task(_type(line))
        try:
            async for message in line:
                if message.type is aiohttp.WSMsgType.TEXT:
                    _show(json.loads(message.data))
        finally:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)


async def _type(line: aiohttp.ClientWebSocketResponse) -> None:
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for typed in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, typed.strip())
        loop.call_soon_threadsafe(lines.put_nowait, None)

    # A daemon thread, because a blocking read of stdin can't be interrupted.
    threading.Thread(target=read, daemon=True).start()
    while typed := await lines.get():
        if typed.startswith("#") and len(typed) > 1:
            await line.send_json({"do": "press", "keys": typed[1:]})
        else:
            await line.send_json({"do": "say", "text": typed})
    await line.send_json({"do": "hang_up"})


def _show(event: dict[str, object]) -> None:
    match event["event"]:
        case "heard":
            typer.echo(f"  {event['text']}")
        case "key":
            typer.echo(f"  [key {event['digit']}]")
        case "ended":
            who = "you" if event.get("by") == "phone" else "the persona"
            answered = event.get("status") == "ended"
            typer.echo(f"[{who} hung up]" if answered else f"[{event.get('status')}]")
        case status:
            typer.echo(f"[{status}]")
