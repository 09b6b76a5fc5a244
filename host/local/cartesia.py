"""A local server with Cartesia's text-to-speech API, which speaks with flite.

https://docs.cartesia.ai/api-reference/tts: a websocket with contexts, and bytes over HTTP. flite
can't stream within a sentence, so audio starts when all of a transcript is rendered.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from host.local.server import WRONG_KEY, LocalServer
from host.local.speech import Sentences, speak
from host.local.speech.audio import silence
from host.local.speech.voice import PAUSE
from host.local.trouble import Trouble, Troubles, for_ever

_ENCODINGS = ("pcm_s16le", "pcm_f32le")
CHUNK = 0.5
"""Seconds of audio in one message."""


class BadRequest(Exception):
    """A request that Cartesia would reject."""


class Refusal(Exception):
    """An error of an injected fault, with its HTTP status."""


class CartesiaServer(LocalServer):
    """The TTS of personas. `spoken` lists every text, in order.

    `troubles` injects faults by model: hang, stall or close after the first audio, send garbage,
    or fail with 500 or 429.
    """

    def __init__(self, sentences: Sentences | None = None) -> None:
        self.sentences = sentences
        """Sentences that telephones recognise; every spoken text is added."""
        self.spoken: list[str] = []
        self.voices: list[tuple[str, str, str]] = []
        """Model, voice and language of each text."""
        self.connections = 0
        """Number of websockets opened."""
        self.fail_with: int | None = None
        """HTTP status with which every connection fails; None: they succeed."""
        self.hang = False
        """Whether requests are accepted and never answered."""
        self.troubles = Troubles()
        """Injected faults by model."""
        self.delay = 0.0
        """Seconds before the first byte of audio."""

    def application(self) -> web.Application:
        """Serve the websocket and the bytes endpoint."""
        app = web.Application()
        app.router.add_get("/tts/websocket", self._websocket)
        app.router.add_post("/tts/bytes", self._bytes)
        return app

    async def synthesize(
        self, request: Mapping[str, Any], pause: float = 0.0, *, kept: bool = False
    ) -> bytes:
        """Speak a request's transcript in its format, after `pause` seconds of silence.

        `kept`: the client may store the audio and play it at any time. Raises BadRequest.
        """
        form = request.get("output_format") or {}
        if form.get("container") != "raw" or form.get("encoding") not in _ENCODINGS:
            raise BadRequest("only raw pcm_s16le and pcm_f32le are spoken here")
        text = str(request.get("transcript", "")).strip()
        if not text:
            return b""
        self.spoken.append(text)
        voice = request.get("voice") or {}
        asked = (request.get("model_id"), voice.get("id"), request.get("language"))
        self.voices.append((str(asked[0]), str(asked[1]), str(asked[2])))
        if self.sentences is not None:
            self.sentences.add(text, kept=kept)
        await self._trouble()
        rate = int(form["sample_rate"])
        samples = np.concatenate([silence(pause, rate), await speak(text, rate)])
        if form["encoding"] == "pcm_f32le":
            return (samples.astype(np.float32) / 32768).tobytes()
        return samples.tobytes()

    async def _trouble(self) -> None:
        """Apply the delays that a test set."""
        if self.hang:
            await asyncio.Event().wait()
        await asyncio.sleep(self.delay)

    def _refuse(self, request: web.Request) -> web.Response | None:
        key = request.headers.get("X-API-Key") or request.query.get("api_key")
        if not key or key == WRONG_KEY:
            return web.Response(status=401, text="Invalid API key")
        if self.fail_with:
            return web.Response(status=self.fail_with, text="out of order")
        return None

    async def _bytes(self, request: web.Request) -> web.Response:
        if refusal := self._refuse(request):
            return refusal
        try:
            asked = await request.json()
            trouble = self.troubles.meet(str(asked.get("model_id")))
            if trouble:
                return await self._spoil(trouble, request)
            return web.Response(body=await self.synthesize(asked, kept=True))
        except (BadRequest, ValueError, KeyError) as error:
            return web.Response(status=400, text=str(error))

    async def _spoil(self, trouble: Trouble, request: web.Request) -> web.Response:
        """Answer a bytes request with an injected fault."""
        if trouble.status:
            return web.Response(status=trouble.status, text="in trouble")
        if trouble is Trouble.CLOSE and request.transport:
            request.transport.close()
        if trouble is not Trouble.GARBAGE:
            await for_ever()
        return web.Response(body=b"")

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if refusal := self._refuse(request):
            return refusal
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        contexts: dict[str, _Context] = {}
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._take(message.data, contexts, socket)
        finally:
            for context in contexts.values():
                context.cancel()
            await asyncio.gather(*(c.speaking for c in contexts.values()), return_exceptions=True)
        return socket

    def _take(
        self, message: str, contexts: dict[str, _Context], socket: web.WebSocketResponse
    ) -> None:
        try:
            request = json.loads(message)
            name = str(request["context_id"])
        except (ValueError, KeyError, TypeError):
            return
        if request.get("cancel"):
            if context := contexts.pop(name, None):
                context.cancel()
            return
        if name not in contexts:
            contexts[name] = _Context(self, name, socket)
        contexts[name].requests.put_nowait(request)


class _Context:
    """One utterance: its transcripts are spoken in order."""

    def __init__(self, server: CartesiaServer, name: str, socket: web.WebSocketResponse) -> None:
        self.requests: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self._server, self._name, self._socket = server, name, socket
        self._seconds = 0.0
        self.speaking = asyncio.create_task(self._speak())

    def cancel(self) -> None:
        """Stop speaking after an interruption."""
        self.speaking.cancel()

    async def _speak(self) -> None:
        try:
            while True:
                request = await self.requests.get()
                await self._say(request)
                if request.get("flush"):
                    await self._send({"type": "flush_done", "flush_done": True, "done": False})
                if not request.get("continue"):
                    await self._send({"type": "done", "done": True, "status_code": 200})
                    return
        except (BadRequest, ValueError, KeyError, TypeError) as error:
            await self._send({"type": "error", "error": str(error), "status_code": 400})
        except Refusal as refusal:
            status = refusal.args[0]
            await self._send({"type": "error", "error": "in trouble", "status_code": status})
        except ConnectionError:
            return  # the client is gone

    async def _say(self, request: Mapping[str, Any]) -> None:
        trouble = None
        if str(request.get("transcript", "")).strip():
            trouble = self._server.troubles.meet(str(request.get("model_id")))
        if trouble is Trouble.HANG:
            await for_ever()
        if trouble is Trouble.GARBAGE:
            await self._socket.send_str("this is no message")
        if trouble and trouble.status:
            raise Refusal(trouble.status)
        audio = await self._server.synthesize(request, PAUSE if self._seconds else 0.0)
        form = request["output_format"]
        a_second = int(form["sample_rate"]) * (4 if form["encoding"] == "pcm_f32le" else 2)
        if audio and request.get("add_timestamps"):
            words = str(request["transcript"]).split()
            await self._send(
                {"type": "timestamps", "word_timestamps": self._times(words, audio, a_second)}
            )
        size = round(a_second * CHUNK) // 4 * 4
        for at in range(0, len(audio), size):
            data = base64.b64encode(audio[at : at + size]).decode()
            await self._send({"type": "chunk", "data": data, "done": False, "status_code": 206})
            if trouble is Trouble.CLOSE:
                await self._socket.close(code=1011)
            if trouble:
                await for_ever()
        self._seconds += len(audio) / a_second

    def _times(self, words: list[str], audio: bytes, a_second: int) -> dict[str, Any]:
        """Return the words' times, assuming that each letter takes equally long."""
        letters = [len(word) + 1 for word in words]
        each = len(audio) / a_second / sum(letters)
        ends = [self._seconds + each * sum(letters[: n + 1]) for n in range(len(words))]
        starts = [end - each * count for end, count in zip(ends, letters, strict=True)]
        return {"words": words, "start": starts, "end": ends}

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._socket.send_str(json.dumps({**message, "context_id": self._name}))
