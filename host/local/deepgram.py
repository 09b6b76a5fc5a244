"""Speaks Deepgram's live transcription protocol, with the ears of this machine.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming. It understands the
sentences of a scene and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from host.local.server import WRONG_KEY, LocalServer
from host.local.speech import Ears, Heard, Sentences, SpeechEnded, SpeechStarted


class DeepgramServer(LocalServer):
    """The ears of personas. `heard` is everything it understood, in order."""

    def __init__(self, sentences: Sentences) -> None:
        self.sentences = sentences
        self.heard: list[str] = []
        self.requests: list[Mapping[str, str]] = []
        """The query of each connection."""
        self.fail_with: int | None = None
        """The HTTP status with which every connection fails, while it is set."""
        self.hang = False
        """Whether audio is taken and nothing is ever understood."""

    def application(self) -> web.Application:
        """Serve the websocket."""
        app = web.Application()
        app.router.add_get("/v1/listen", self._listen)
        return app

    async def _listen(self, request: web.Request) -> web.WebSocketResponse:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Token" or not key or key == WRONG_KEY:
            raise web.HTTPUnauthorized(text='{"err_code": "INVALID_AUTH"}')
        if self.fail_with:
            raise web.HTTPServiceUnavailable(text="out of order")
        query = request.query
        if query.get("encoding") != "linear16" or query.get("channels", "1") != "1":
            raise web.HTTPBadRequest(text="only linear16 on one channel is understood here")
        try:
            rate = int(query["sample_rate"])
        except (KeyError, ValueError):
            raise web.HTTPBadRequest(text="sample_rate is needed") from None
        self.requests.append(dict(query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = _Connection(self, socket, rate, query)
        telling = asyncio.create_task(connection.tell())
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    connection.hear(message.data)
                elif message.type is WSMsgType.TEXT and not connection.obey(message.data):
                    await asyncio.wait_for(asyncio.shield(telling), 10)
                    await connection.say_metadata()
                    break
        except (TimeoutError, ConnectionError):
            pass  # whoever spoke is gone, or waits no longer
        finally:
            telling.cancel()
            connection.ears.close()
            await asyncio.gather(telling, return_exceptions=True)
        await socket.close()
        return socket


class _Connection:
    """One stream of audio, and what is told of it."""

    def __init__(
        self,
        server: DeepgramServer,
        socket: web.WebSocketResponse,
        rate: int,
        query: Mapping[str, str],
    ) -> None:
        self._server, self._socket, self._rate = server, socket, rate
        self._interim = query.get("interim_results") == "true"
        self._events = query.get("vad_events") == "true"
        self._identity = secrets.token_hex(16)
        self._seconds = 0.0
        self.ears = Ears(server.sentences, rate)

    def hear(self, audio: bytes) -> None:
        """Hear 16-bit samples."""
        samples = np.frombuffer(audio[: len(audio) // 2 * 2], np.int16)
        self._seconds += len(samples) / self._rate
        if not self._server.hang:
            self.ears.push(samples)

    def obey(self, message: str) -> bool:
        """Follow a control message; False at the end of the stream."""
        try:
            kind: object = json.loads(message).get("type")
        except (ValueError, AttributeError):
            return True
        if kind == "Finalize":
            self.ears.flush()
        if kind == "CloseStream":
            self.ears.close()
        return kind != "CloseStream"

    async def tell(self) -> None:
        """Tell what is heard, until the stream ends."""
        said: list[Heard] = []
        async for event in self.ears.events():
            if isinstance(event, SpeechStarted):
                if self._events:
                    await self._send({"type": "SpeechStarted", "timestamp": event.at})
            elif isinstance(event, Heard):
                if event.final:
                    said.append(event)
                    self._server.heard.append(event.text)
                elif self._interim:
                    await self._results([event], final=False)
            elif isinstance(event, SpeechEnded):
                await self._results(said, final=True, start=event.start, end=event.end)
                said = []

    async def say_metadata(self) -> None:
        """Tell what the whole stream was, as the last message."""
        await self._send(
            {"type": "Metadata", "request_id": self._identity, "duration": self._seconds}
        )

    async def _results(
        self, said: list[Heard], *, final: bool, start: float = 0.0, end: float = 0.0
    ) -> None:
        """Tell a transcript; an utterance that was no sentence has an empty one."""
        start, end = (said[0].start, said[-1].end) if said else (start, end)
        alternative = {
            "transcript": " ".join(heard.text for heard in said),
            "confidence": min((heard.confidence for heard in said), default=0.0),
            "words": [word for heard in said for word in _words(heard)],
        }
        await self._send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "start": start,
                "duration": end - start,
                "is_final": final,
                "speech_final": final,
                "channel": {"alternatives": [alternative]},
                "metadata": {"request_id": self._identity},
            }
        )

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message))


def _words(heard: Heard) -> list[dict[str, Any]]:
    """Give the words of a sentence, spread evenly over its time."""
    words = heard.text.split()
    each = (heard.end - heard.start) / max(len(words), 1)
    return [
        {
            "word": word.lower().strip(".,?!"),
            "punctuated_word": word,
            "start": heard.start + each * at,
            "end": heard.start + each * (at + 1),
            "confidence": heard.confidence,
        }
        for at, word in enumerate(words)
    ]
