"""Speaks Deepgram's transcription protocol, live and of recordings, with the ears of this machine.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming and listen-pre-recorded.
It understands the sentences of a scene and nothing else.
"""

from __future__ import annotations

import asyncio
import io
import json
import secrets
import wave
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from host.local.server import WRONG_KEY, LocalServer
from host.local.speech import Ears, Heard, Sentences, SpeechEnded, SpeechStarted
from host.local.trouble import Trouble, Troubles


class DeepgramServer(LocalServer):
    """The ears of personas. `heard` is everything it understood, in order.

    `troubles` lets one model understand nothing, or one sentence only, close or send garbage when
    somebody has spoken, or refuse with 500 or 429.
    """

    def __init__(self, sentences: Sentences) -> None:
        self.sentences = sentences
        self.heard: list[str] = []
        self.requests: list[Mapping[str, str]] = []
        """The query of each request."""
        self.fail_with: int | None = None
        """The HTTP status with which every request fails, while it is set."""
        self.hang = False
        """Whether audio is taken and nothing is ever understood."""
        self.troubles = Troubles()
        """Which models are in trouble, by name."""
        self.delay = 0.0
        """Seconds by which every final transcript comes late."""

    def application(self) -> web.Application:
        """Serve the websocket, and recordings by POST."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_get("/v1/listen", self._listen)
        app.router.add_post("/v1/listen", self._transcribe)
        return app

    def _refuse(self, request: web.Request) -> web.Response | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Token" or not key or key == WRONG_KEY:
            return _error(401, "INVALID_AUTH", "Invalid credentials.")
        if self.fail_with:
            return _error(self.fail_with, "OUT_OF_ORDER", "Out of order.")
        return None

    async def _transcribe(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        self.requests.append(dict(request.query))
        try:
            with wave.open(io.BytesIO(await request.read())) as recording:
                rate, channels = recording.getframerate(), recording.getnchannels()
                samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16)
        except (wave.Error, EOFError, ValueError):
            return _error(400, "Bad Request", "only WAV of 16 bits is understood here")
        ears = Ears(self.sentences, rate)
        if not self.hang:
            ears.push(samples[::channels])
        ears.close()
        said = [heard async for heard in ears]
        self.heard += [heard.text for heard in said]
        await asyncio.sleep(self.delay)
        channel = {"alternatives": [_alternative(said)], "detected_language": "en"}
        metadata = {"request_id": secrets.token_hex(16), "duration": samples.size / rate}
        return web.json_response({"metadata": metadata, "results": {"channels": [channel]}})

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refuse(request):
            return refusal
        query = request.query
        if query.get("encoding") != "linear16" or query.get("channels", "1") != "1":
            return _error(400, "Bad Request", "only linear16 on one channel is understood here")
        try:
            rate = int(query["sample_rate"])
        except (KeyError, ValueError):
            return _error(400, "Bad Request", "sample_rate is needed")
        if (trouble := self.troubles.meet(query.get("model", ""))) and trouble.status:
            return _error(trouble.status, "IN_TROUBLE", "In trouble.")
        self.requests.append(dict(query))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = _Connection(self, socket, rate, query, trouble)
        telling = asyncio.create_task(connection.tell())
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await connection.hear(message.data)
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
        trouble: Trouble | None,
    ) -> None:
        self._trouble = trouble
        self._server, self._socket, self._rate = server, socket, rate
        self._interim = query.get("interim_results") == "true"
        self._events = query.get("vad_events") == "true"
        self._utterance_end = float(query.get("utterance_end_ms") or 0) / 1000
        self._identity = secrets.token_hex(16)
        self._seconds = 0.0
        self._last_word: float | None = None
        self.ears = Ears(server.sentences, rate)

    async def hear(self, audio: bytes) -> None:
        """Hear 16-bit samples."""
        samples = np.frombuffer(audio[: len(audio) // 2 * 2], np.int16)
        self._seconds += len(samples) / self._rate
        if not (self._server.hang or self._trouble is Trouble.HANG):
            self.ears.push(samples)
        await self._end_utterance()

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
                self._last_word = None
                if self._events:
                    started = {"type": "SpeechStarted", "channel": [0], "timestamp": event.at}
                    await self._send(started)
            elif isinstance(event, Heard):
                if event.final:
                    said.append(event)
                    self._server.heard.append(event.text)
                elif self._interim:
                    await self._results([event], final=False)
            elif isinstance(event, SpeechEnded):
                if self._trouble is Trouble.CLOSE:
                    await self._socket.close(code=1011)
                    return
                if self._trouble is Trouble.GARBAGE:
                    await self._socket.send_str("this is no message")
                    continue
                if self._trouble is Trouble.STALL:
                    self._trouble = Trouble.HANG  # what is said from now on
                await asyncio.sleep(self._server.delay)
                await self._results(said, final=True, start=event.start, end=event.end)
                self._last_word = said[-1].end if said else None
                await self._end_utterance()
                said = []

    async def _end_utterance(self) -> None:
        """Tell, where it was asked for, that nobody has spoken since the last word."""
        last = self._last_word
        if last is not None and 0 < self._utterance_end <= self._seconds - last:
            self._last_word = None
            await self._send({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last})

    async def say_metadata(self) -> None:
        """Tell what the whole stream was, as the last message."""
        await self._send(
            {"type": "Metadata", "request_id": self._identity, "duration": self._seconds}
        )

    async def _results(
        self, said: list[Heard], *, final: bool, start: float = 0.0, end: float = 0.0
    ) -> None:
        """Tell a transcript."""
        start, end = (said[0].start, said[-1].end) if said else (start, end)
        await self._send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "start": start,
                "duration": end - start,
                "is_final": final,
                "speech_final": final,
                "channel": {"alternatives": [_alternative(said)]},
                "metadata": {"request_id": self._identity},
            }
        )

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message))


def _error(status: int, code: str, message: str) -> web.Response:
    body = {"err_code": code, "err_msg": message, "request_id": secrets.token_hex(16)}
    return web.json_response(body, status=status)


def _alternative(said: list[Heard]) -> dict[str, Any]:
    """Give the transcript of an utterance; one that was no sentence has an empty one."""
    return {
        "transcript": " ".join(heard.text for heard in said),
        "confidence": min((heard.confidence for heard in said), default=0.0),
        "words": [word for heard in said for word in _words(heard)],
    }


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
