"""baresip, a softphone, as a test's telephone: it dials, answers, speaks, listens, presses keys.

https://github.com/baresip/baresip. It is ruled by its module ctrl_tcp; what it hears is in a file
of its module sndfile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from host.local.program import Program, free_port
from host.local.sound import RATE, silence, tone
from host.local.speech import Heard, Sentences, Transcriber, speak
from host.local.speech.audio import Samples

QUIET = 90.0
"""Seconds of silence behind what it says: without packets, the call would end."""
MODULES = Path("/usr/lib/baresip/modules")
CONFIG = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module ctrl_tcp.so
module account.so
module menu.so
audio_source aufile,{source}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
snd_path {sounds}
ctrl_tcp_listen 127.0.0.1:{control}
rtp_ports 30000-30100
"""


def is_here() -> bool:
    """Return whether baresip and its modules are installed."""
    return shutil.which("baresip") is not None and (MODULES / "ctrl_tcp.so").is_file()


class Softphone:
    """One baresip with one account and, at a time, one call."""

    def __init__(self, folder: Path, sentences: Sentences, port: int, number: str) -> None:
        self.folder, self.port, self.number = folder, port, number
        self._sentences = sentences
        self.program = Program("baresip", folder / "baresip.log")
        self.events: list[dict[str, Any]] = []
        self.heard: list[Heard] = []
        """Whole sentences of the far end, in seconds from the first packet."""
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []
        self._writer: asyncio.StreamWriter | None = None
        self._said = 0

    async def start(self, first: Samples, account: str) -> None:
        """Start it; `first` is what it says when a call is answered."""
        (self.folder / "sounds").mkdir(parents=True)
        control = free_port(socket.SOCK_STREAM)
        self._write("first.wav", first)
        (self.folder / "accounts").write_text(
            f"<sip:{self.number}@127.0.0.1>;regint=0;audio_codecs=pcmu{account}\n"
        )
        (self.folder / "config").write_text(
            CONFIG.format(
                port=self.port,
                modules=MODULES,
                source=self.folder / "first.wav",
                sounds=self.folder / "sounds",
                control=control,
            )
        )
        await self.program.spawn(["baresip", "-f", str(self.folder)], {"HOME": str(self.folder)})
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", control)
                    break
                assert self.program.pid, self.program.last_words()
                await asyncio.sleep(0.05)
        self._tasks = [asyncio.create_task(self._read(reader)), asyncio.create_task(self._hear())]

    async def stop(self) -> None:
        """Stop it, like a crash if a call is still there."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.program.close()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()

    async def command(self, name: str, parameters: str = "") -> None:
        """Send a command of its menu."""
        assert self._writer is not None
        message = json.dumps({"command": name, "params": parameters})
        self._writer.write(f"{len(message)}:{message},".encode())
        await self._writer.drain()

    async def until(self, kind: str, limit: float = 30.0, *, times: int = 1) -> dict[str, Any]:
        """Wait for an event, such as CALL_ESTABLISHED, of now or before; return the last one."""

        def there() -> list[dict[str, Any]]:
            found = [event for event in self.events if event["type"] == kind]
            return found if len(found) >= times else []

        async with asyncio.timeout(limit), self._news:
            await self._news.wait_for(there)
        return there()[-1]

    async def hears(self, text: str, limit: float = 30.0) -> Heard:
        """Wait until the far end has said this, whole sentences of it."""

        def there() -> Heard | None:
            return next((each for each in self.heard if text in each.text), None)

        try:
            async with asyncio.timeout(limit), self._news:
                await self._news.wait_for(there)
        except TimeoutError:
            said = "; ".join(each.text for each in self.heard)
            raise AssertionError(f"{text!r} was not heard in {limit:g} s, but: {said}") from None
        found = there()
        assert found
        return found

    async def press(self, keys: str) -> None:
        """Press keys."""
        for key in keys:
            await self.command("sndcode", key)

    async def say(self, text: str, callers: Sentences) -> None:
        """Say something; `callers` are the sentences that the STT of personas knows."""
        callers.add(text)
        self._said += 1
        name = f"said-{self._said}.wav"
        self._write(name, await speak(text, RATE))
        await self.command("ausrc", f"aufile,{self.folder / name}")

    @property
    def keys(self) -> str:
        """The keys that the far end has pressed."""
        pressed = [event for event in self.events if event["type"] == "CALL_DTMF_START"]
        return "".join(event["param"] for event in pressed)

    def _write(self, name: str, samples: Samples) -> None:
        with wave.open(str(self.folder / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(np.concatenate([samples, silence(QUIET)]).tobytes())

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                length = await reader.readuntil(b":")
                message = await reader.readexactly(int(length[:-1]) + 1)
            except (asyncio.IncompleteReadError, ConnectionError):
                return  # it was killed
            event = json.loads(message[:-1])
            if event.get("event"):
                async with self._news:
                    self.events.append(event)
                    self._news.notify_all()

    async def _hear(self) -> None:
        """Recognise what comes into the file of the received sound."""
        transcriber = Transcriber(self._sentences, RATE)
        listening = asyncio.create_task(self._take_down(transcriber))
        done = 44  # the header of a WAV file
        try:
            while True:
                await asyncio.sleep(0.1)  # a file that grows has no event
                files = sorted((self.folder / "sounds").glob("*-dec.wav"))
                if not files:
                    continue
                with files[-1].open("rb") as file:
                    file.seek(done)
                    new = file.read()
                new = new[: len(new) // 2 * 2]
                done += len(new)
                if new:
                    transcriber.push(np.frombuffer(new, "<i2"))
                elif any(event["type"] == "CALL_CLOSED" for event in self.events):
                    transcriber.flush()  # no silence comes after its last word
        finally:
            transcriber.close()
            listening.cancel()

    async def _take_down(self, transcriber: Transcriber) -> None:
        async for heard in transcriber:
            async with self._news:
                self.heard.append(heard)
                self._news.notify_all()


@asynccontextmanager
async def softphone(
    folder: Path,
    sentences: Sentences,
    port: int = 5060,
    *,
    number: str = "+15552220001",
    says: str = "",
    beeps: bool = False,
    account: str = "",
) -> AsyncIterator[Softphone]:
    """Run a softphone; `says` is what it says at once when a call is answered, and then it beeps.

    `account` adds parameters to that of baresip, such as `;answermode=auto`.
    """
    phone = Softphone(folder, sentences, port, number)
    parts = [silence(1.0), await speak(says, RATE)] if says else []
    if beeps:
        parts += [silence(0.5), tone(1000, 0.4)]
    first = np.concatenate(parts) if parts else silence(0.0)
    await phone.start(first, account)
    try:
        yield phone
    finally:
        await phone.stop()
