"""A stand-in for Deepgram that takes any speech for one sentence, after a fixed silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from host.local.server import LocalServer
from speed.words import STT_FINAL

BLOCK = 0.01
"""Seconds of one look at the sound."""
LOUD = 300.0
"""RMS of 16-bit samples above which a block is speech."""
SPEECH = 0.1
"""Seconds of speech that make an utterance: a click is none."""
INTERIM = 0.3
"""Seconds of speech after which there is an interim transcript."""

Note = Callable[[str], None]
"""Notes that something happened, with its time."""


class Utterances:
    """Tells beginning, interim and end of utterances in a stream of 16-bit samples."""

    def __init__(self, rate: int) -> None:
        self._size = round(rate * BLOCK)
        self._rest = np.zeros(0, np.int16)
        self._spoken = self._quiet = 0.0
        self._told_interim = False

    def push(self, samples: np.ndarray[Any, np.dtype[np.int16]]) -> list[str]:
        """Take samples; return what happened in them: `started`, `interim` and `final`."""
        given = np.concatenate([self._rest, samples])
        whole = given.size // self._size * self._size
        self._rest = given[whole:]
        blocks = given[:whole].reshape(-1, self._size).astype(np.float64)
        found: list[str] = []
        for loudness in np.sqrt(np.mean(np.square(blocks), axis=1)):
            found += self._block(bool(loudness > LOUD))
        return found

    def _block(self, speech: bool) -> list[str]:
        if speech:
            before, self._spoken, self._quiet = self._spoken, self._spoken + BLOCK, 0.0
            if before < SPEECH <= self._spoken:
                return ["started"]
            if self._spoken >= INTERIM and not self._told_interim:
                self._told_interim = True
                return ["interim"]
            return []
        self._quiet += BLOCK
        if self._quiet < STT_FINAL - BLOCK / 2:
            return []
        was_speech = self._spoken >= SPEECH
        self._spoken, self._told_interim = 0.0, False
        return ["final"] if was_speech else []


class Stt(LocalServer):
    """Speech recognition: every utterance is `text`. Notes `stt final`."""

    def __init__(self, text: str, note: Note) -> None:
        self._text, self._note = text, note

    def application(self) -> web.Application:
        """Serve the websocket."""
        app = web.Application()
        app.router.add_get("/v1/listen", self._listen)
        return app

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        utterances = Utterances(int(request.query["sample_rate"]))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    even = message.data[: len(message.data) // 2 * 2]
                    for what in utterances.push(np.frombuffer(even, np.int16)):
                        await self._tell(socket, what)
                elif message.type is WSMsgType.TEXT and "CloseStream" in message.data:
                    break
        except ConnectionError:
            pass  # the client is gone
        await socket.close()
        return socket

    async def _tell(self, socket: web.WebSocketResponse, what: str) -> None:
        if what == "started":
            await _send(socket, {"type": "SpeechStarted", "channel": [0], "timestamp": 0.0})
            return
        if what == "final":
            self._note("stt final")
        await _send(socket, _results(self._text, final=what == "final"))


def _results(text: str, *, final: bool) -> Mapping[str, Any]:
    words = [
        {"word": word.lower(), "punctuated_word": word, "start": at / 5, "end": (at + 1) / 5}
        for at, word in enumerate(text.split())
    ]
    whole = {
        "transcript": text,
        "confidence": 1.0,
        "words": [w | {"confidence": 1.0} for w in words],
    }
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": 0.0,
        "duration": len(words) / 5,
        "is_final": final,
        "speech_final": final,
        "channel": {"alternatives": [whole]},
        "metadata": {"request_id": "speed"},
    }


async def _send(socket: web.WebSocketResponse, message: Mapping[str, Any]) -> None:
    await socket.send_str(json.dumps(message))
