"""A local server with Deepgram's transcription API, live and for recordings.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming and listen-pre-recorded.
It recognises the sentences of a scene and nothing else.

One module in spite of its length: one API, live and for recordings, with one way to recognise.
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
from host.local.speech import Heard, Sentences, SpeechEnded, SpeechStarted, Transcriber
from host.local.trouble import Trouble, Troubles


class DeepgramServer(LocalServer):
    """The STT of personas. `heard` lists everything recognised, in order.

    `troubles` injects faults by model: recognise nothing, or one sentence only, close or send
    garbage after speech, or fail with 500 or 429.
    """

    def __init__(self, sentences: Sentences) -> None:
        self.sentences = sentences
        self.heard: list[str] = []
        self.requests: list[Mapping[str, str]] = []
        """Query parameters of each request."""
        self.ears: list[tuple[str, str]] = []
        """Model and language that recognised each text of `heard`."""
        self.fail_with: int | None = None
        """HTTP status with which every request fails; None: they succeed."""
        self.hang = False
        """Whether audio is accepted and nothing is recognised."""
        self.troubles = Troubles()
        """Injected faults by model."""
        self.delay = 0.0
        """Seconds by which final transcripts are delayed."""

    def application(self) -> web.Application:
        """Serve the websocket, and recordings by POST."""
        app = web.Application(client_max_size=64 * 1024**2)
        app.router.add_get("/v1/listen", self._listen)
        app.router.add_post("/v1/listen", self._transcribe)
        return app

    def hear(self, text: str, query: Mapping[str, str]) -> None:
        """Add what a request has recognised."""
        self.heard.append(text)
        self.ears.append((query.get("model", ""), query.get("language", "")))

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
        transcriber = Transcriber(self.sentences, rate)
        if not self.hang:
            transcriber.push(samples[::channels])
        transcriber.close()
        said = [heard async for heard in transcriber]
        for heard in said:
            self.hear(heard.text, request.query)
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
        sending = asyncio.create_task(connection.send_results())
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    await connection.hear(message.data)
                elif message.type is WSMsgType.TEXT and not connection.obey(message.data):
                    await asyncio.wait_for(asyncio.shield(sending), 10)
                    await connection.say_metadata()
                    break
        except (TimeoutError, ConnectionError):
            pass  # the client is gone, or recognition took too long
        finally:
            sending.cancel()
            connection.transcriber.close()
            await asyncio.gather(sending, return_exceptions=True)
        await socket.close()
        return socket


class _Connection:
    """One audio stream and its results."""

    def __init__(
        self,
        server: DeepgramServer,
        socket: web.WebSocketResponse,
        rate: int,
        query: Mapping[str, str],
        trouble: Trouble | None,
    ) -> None:
        self._trouble, self._query = trouble, query
        self._server, self._socket, self._rate = server, socket, rate
        self._interim = query.get("interim_results") == "true"
        self._events = query.get("vad_events") == "true"
        self._utterance_end = float(query.get("utterance_end_ms") or 0) / 1000
        self._identity = secrets.token_hex(16)
        self._seconds = 0.0
        self._last_word: float | None = None
        self.transcriber = Transcriber(server.sentences, rate)

    async def hear(self, audio: bytes) -> None:
        """Recognise 16-bit samples."""
        samples = np.frombuffer(audio[: len(audio) // 2 * 2], np.int16)
        self._seconds += len(samples) / self._rate
        if not (self._server.hang or self._trouble is Trouble.HANG):
            self.transcriber.push(samples)
        await self._end_utterance()

    def obey(self, message: str) -> bool:
        """Handle a control message; False ends the stream."""
        try:
            kind: object = json.loads(message).get("type")
        except (ValueError, AttributeError):
            return True
        if kind == "Finalize":
            self.transcriber.flush()
        if kind == "CloseStream":
            self.transcriber.close()
        return kind != "CloseStream"

    async def send_results(self) -> None:
        """Send results until the stream ends."""
        said: list[Heard] = []
        async for event in self.transcriber.events():
            if isinstance(event, SpeechStarted):
                self._last_word = None
                if self._events:
                    started = {"type": "SpeechStarted", "channel": [0], "timestamp": event.at}
                    await self._send(started)
            elif isinstance(event, Heard):
                if event.final:
                    said.append(event)
                    self._server.hear(event.text, self._query)
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
                    self._trouble = Trouble.HANG  # from now on
                await asyncio.sleep(self._server.delay)
                await self._results(said, final=True, start=event.start, end=event.end)
                self._last_word = said[-1].end if said else None
                await self._end_utterance()
                said = []

    async def _end_utterance(self) -> None:
        """Send UtteranceEnd, if requested, when no word has followed for that long."""
        last = self._last_word
        if last is not None and 0 < self._utterance_end <= self._seconds - last:
            self._last_word = None
            await self._send({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last})

    async def say_metadata(self) -> None:
        """Send the metadata of the stream as the last message."""
        await self._send(
            {"type": "Metadata", "request_id": self._identity, "duration": self._seconds}
        )

    async def _results(
        self, said: list[Heard], *, final: bool, start: float = 0.0, end: float = 0.0
    ) -> None:
        """Send a transcript."""
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
    """Return the transcript of an utterance; empty if no sentence was recognised."""
    return {
        "transcript": " ".join(heard.text for heard in said),
        "confidence": min((heard.confidence for heard in said), default=0.0),
        "words": [word for heard in said for word in _words(heard)],
    }


def _words(heard: Heard) -> list[dict[str, Any]]:
    """Return a sentence's words, spread evenly over its duration."""
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
