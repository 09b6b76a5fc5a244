"""One response: its words as audio or text, its tool call, and its usage."""

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from host.local.realtime.conversation import Conversation, Item
from host.local.realtime.session import RATE
from host.local.rules import Reply
from host.local.speech import speak

log = logging.getLogger("host")

Send: TypeAlias = Callable[..., Awaitable[None]]
"""Sends an event: its type and fields."""

PIECE = RATE // 5
"""Samples in one event: 200 ms."""


@dataclass(frozen=True)
class Request:
    """The content of a response, and its id and metadata."""

    response_id: str
    metadata: dict[str, str]
    answer: Reply
    speaks: bool
    input_tokens: int


class Response:
    """Executes a request, with OpenAI's events in OpenAI's order."""

    def __init__(
        self,
        request: Request,
        conversation: Conversation,
        *,
        send: Send,
        new_id: Callable[[str], str],
        remember: Callable[[str], None],
    ) -> None:
        self.id = request.response_id
        self._request, self._conversation = request, conversation
        self._send, self._new_id, self._remember = send, new_id, remember
        self._output: list[Item] = []
        self._unfinished: Item | None = None
        self._tokens = {"text_tokens": 0, "audio_tokens": 0}
        self._task: asyncio.Task[None] | None = None
        self._over = False

    @property
    def active(self) -> bool:
        """Whether it is in progress."""
        return self._task is not None and not self._over

    async def start(self) -> None:
        """Send `response.created`, and run the response in the background."""
        await self._send("response.created", response=self._described("in_progress"))
        self._task = asyncio.create_task(self._go())

    async def cancel(self, reason: str) -> None:
        """Cancel, with a reason for the client: client_cancelled or turn_detected."""
        if self._task is None:
            return
        if not self._over:
            self._task.cancel()
        await asyncio.wait({self._task})
        await self._end("cancelled", {"type": "cancelled", "reason": reason})

    async def _go(self) -> None:
        answer = self._request.answer
        try:
            if answer.text:
                await self._say(answer.text)
            if answer.tool:
                await self._call_tool(*answer.tool)
        except Exception as error:
            log.exception("the response %s failed", self.id)
            fault = {"type": "server_error", "code": "server_error", "message": f"{error}"}
            await self._end("failed", {"type": "failed", "error": fault})
        else:
            await self._end("completed")

    async def _end(self, status: str, details: Item | None = None) -> None:
        """Send `response.done`, once."""
        if self._over:
            return
        self._over = True
        if self._unfinished is not None:
            await self._end_item(self._unfinished, "incomplete")
        await self._send("response.done", response=self._described(status, details))

    async def _say(self, words: str) -> None:
        """Send words as one message, spoken or written."""
        part: Item = {"type": "audio", "transcript": ""}
        if not self._request.speaks:
            part = {"type": "text", "text": ""}
        item = await self._begin_item({"type": "message", "role": "assistant", "content": []})
        at = {
            "response_id": self.id,
            "item_id": item["id"],
            "output_index": len(self._output),
            "content_index": 0,
        }
        await self._send("response.content_part.added", **at, part=part)
        if self._request.speaks:
            await self._speak(words, at)
            part = {**part, "transcript": words}
        else:
            self._remember(words)
            await self._send_text("response.output_text", words, at, "text")
            part = {**part, "text": words}
        item["content"] = [{**part, "type": f"output_{part['type']}"}]
        self._tokens["text_tokens"] += len(words.split())
        await self._send("response.content_part.done", **at, part=part)
        await self._end_item(item, "completed")

    async def _speak(self, words: str, at: dict[str, Any]) -> None:
        """Send words as audio, faster than real time, as a model does."""
        sound = await speak(words, RATE)
        self._remember(words)
        await self._send_text("response.output_audio_transcript", words, at, "transcript")
        for first in range(0, sound.size, PIECE):
            piece = base64.b64encode(sound[first : first + PIECE].astype("<i2").tobytes())
            await self._send("response.output_audio.delta", **at, delta=piece.decode())
        await self._send("response.output_audio.done", **at)
        self._tokens["audio_tokens"] += -(-sound.size * 20 // RATE)  # one for each 50 ms

    async def _send_text(self, kind: str, words: str, at: dict[str, Any], field: str) -> None:
        """Send words as text, one by one."""
        for number, word in enumerate(words.split(" ")):
            await self._send(f"{kind}.delta", **at, delta=f" {word}" if number else word)
        await self._send(f"{kind}.done", **at, **{field: words})

    async def _call_tool(self, name: str, with_arguments: Mapping[str, Any]) -> None:
        arguments = json.dumps(dict(with_arguments))
        call = {"call_id": self._new_id("call"), "name": name}
        item = await self._begin_item({"type": "function_call", **call, "arguments": ""})
        at = {
            "response_id": self.id,
            "item_id": item["id"],
            "output_index": len(self._output),
            "call_id": call["call_id"],
        }
        kind = "response.function_call_arguments"
        await self._send(f"{kind}.delta", **at, delta=arguments)
        await self._send(f"{kind}.done", **at, name=name, arguments=arguments)
        item["arguments"] = arguments
        self._tokens["text_tokens"] += len(arguments.split())
        await self._end_item(item, "completed")

    async def _begin_item(self, content: Item) -> Item:
        item = {"id": self._new_id("item"), "object": "realtime.item", "status": "in_progress"}
        item |= content
        index = len(self._output)
        before = self._conversation.add(item)
        self._unfinished = item
        await self._send(
            "response.output_item.added", response_id=self.id, output_index=index, item=item
        )
        await self._send("conversation.item.added", previous_item_id=before, item=item)
        return item

    async def _end_item(self, item: Item, status: str) -> None:
        item["status"], self._unfinished = status, None
        index = len(self._output)
        self._output.append(item)
        await self._send(
            "response.output_item.done", response_id=self.id, output_index=index, item=item
        )
        await self._send("conversation.item.done", item=item)

    def _described(self, status: str, details: Item | None = None) -> Item:
        return {
            "id": self.id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": self._output,
            "output_modalities": ["audio" if self._request.speaks else "text"],
            "metadata": self._request.metadata,
            "usage": None if status == "in_progress" else self._usage(),
        }

    def _usage(self) -> Item:
        """Count words as text tokens: roughly right, and reproducible."""
        spent, written = self._request.input_tokens, sum(self._tokens.values())
        return {
            "total_tokens": spent + written,
            "input_tokens": spent,
            "output_tokens": written,
            "input_token_details": {"text_tokens": spent, "audio_tokens": 0, "cached_tokens": 0},
            "output_token_details": dict(self._tokens),
        }
