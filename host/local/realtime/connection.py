"""One client's websocket: its requests, and the events it receives."""

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from host.local.realtime.conversation import Conversation, Refused, words_of
from host.local.realtime.replies import answer
from host.local.realtime.response import Request, Response
from host.local.realtime.session import Session
from host.local.realtime.turns import Turns
from host.local.rules import Rule
from host.local.speech import Sentences


class Connection:
    """Serves one client until it disconnects. Every event is answered, if only with an error.

    `new_id` creates ids; `remember` is called with words just before they are spoken.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        session: Session,
        *,
        callers: Sentences,
        rules: Sequence[Rule],
        new_id: Callable[[str], str],
        remember: Callable[[str], None],
    ) -> None:
        self._socket, self._session, self._rules = socket, session, rules
        self._new_id, self._remember = new_id, remember
        self._conversation = Conversation()
        self._response: Response | None = None
        self._lock = asyncio.Lock()
        self._turns = Turns(
            session,
            self._conversation,
            callers,
            send=self._send,
            new_id=new_id,
            lock=self._lock,
            interrupt=self._interrupt,
            respond=self._answer_turn,
        )

    async def serve(self) -> None:
        """Handle events in order."""
        await self._send("session.created", session=self._session.fields)
        try:
            async for message in self._socket:
                async with self._lock:
                    await self._take(message.data if message.type is WSMsgType.TEXT else "")
        finally:
            await self._turns.forget()
            if self._response is not None:
                await self._response.cancel("client_cancelled")

    async def _take(self, text: str) -> None:
        event: Any = None
        try:
            event = json.loads(text)
            await self._obey(event)
        except Refused as refused:
            await self._refuse(refused, event)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            # Missing fields and wrong types are detected here.
            said = f"not understood: {type(error).__name__}: {error}"
            await self._refuse(Refused(said, "invalid_event"), event)

    async def _obey(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                await self._update(event["session"])
            case "input_audio_buffer.append":
                self._turns.hear(event["audio"])
            case "input_audio_buffer.commit":
                await self._turns.commit()
            case "input_audio_buffer.clear":
                await self._turns.forget()
                await self._send("input_audio_buffer.cleared")
            case "conversation.item.create":
                await self._add(dict(event["item"]), event.get("previous_item_id"))
            case "conversation.item.delete":
                self._conversation.remove(event["item_id"])
                await self._send("conversation.item.deleted", item_id=event["item_id"])
            case "conversation.item.truncate":
                await self._truncate(event["item_id"], int(event["audio_end_ms"]))
            case "response.create":
                await self._respond(event.get("response") or {})
            case "response.cancel":
                await self._cancel(event.get("response_id"))
            case unknown:
                raise Refused(f"unknown event {unknown!r}", "unknown_event")

    async def _update(self, changes: dict[str, Any]) -> None:
        before = self._session.turn_detection
        self._session.update(changes)
        if self._session.turn_detection != before:
            await self._turns.forget()
        await self._send("session.updated", session=self._session.fields)

    async def _add(self, item: dict[str, Any], after: str | None) -> None:
        item = {"object": "realtime.item", "status": "completed", **item}
        item["id"] = item.get("id") or self._new_id("item")
        before = self._conversation.add(item, after)
        await self._send("conversation.item.added", item=item, previous_item_id=before)
        await self._send("conversation.item.done", item=item, previous_item_id=before)

    async def _truncate(self, item_id: str, milliseconds: int) -> None:
        """Drop unheard audio, with the item's whole text: it is unknown which words remain."""
        item = self._conversation.get(item_id, "item_truncate_invalid_item_id")
        if item.get("role") != "assistant":
            raise Refused("only the model's own words are cut", "invalid_item_type")
        item["content"] = []
        at = {"item_id": item_id, "content_index": 0, "audio_end_ms": milliseconds}
        await self._send("conversation.item.truncated", **at)

    async def _respond(self, wanted: dict[str, Any]) -> None:
        if self._response is not None and self._response.active:
            code = "conversation_already_has_active_response"
            raise Refused(f"there is an active response already: {self._response.id}", code)
        session = self._session
        instructions = str(wanted.get("instructions") or session.instructions)
        read = (instructions, *map(words_of, self._conversation))
        request = Request(
            self._new_id("resp"),
            dict(wanted.get("metadata") or {}),
            answer(wanted, session, self._conversation, self._rules),
            speaks="audio" in (wanted.get("output_modalities") or session.modalities),
            input_tokens=sum(len(words.split()) for words in read),
        )
        self._response = Response(
            request,
            self._conversation,
            send=self._send,
            new_id=self._new_id,
            remember=self._remember,
        )
        await self._response.start()

    async def _answer_turn(self) -> None:
        try:
            await self._respond({})
        except Refused as refused:
            await self._refuse(refused)

    async def _interrupt(self) -> None:
        if self._response is not None:
            await self._response.cancel("turn_detected")

    async def _cancel(self, response_id: str | None) -> None:
        going_on = self._response
        if going_on is None or not going_on.active or response_id not in (None, going_on.id):
            said = "Cancellation failed: no active response found"
            raise Refused(said, "response_cancel_not_active")
        await going_on.cancel("client_cancelled")

    async def _send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": self._new_id("event"), **fields}
        with suppress(ConnectionError):  # the client is gone: serve() will notice
            await self._socket.send_json(event)

    async def _refuse(self, refused: Refused, event: Any = None) -> None:
        event_id = event.get("event_id") if isinstance(event, dict) else None
        error = {"type": "invalid_request_error", "code": refused.code, "message": str(refused)}
        await self._send("error", error={**error, "param": None, "event_id": event_id})
