"""Posts every call record to a URL, signed, until it is accepted; if asked to, also its begin.

The format is Standard Webhooks (standardwebhooks.com). A call's process only queues a message in a
folder and the host posts it, so that an unavailable receiver neither loses records nor delays a
call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, Field, SecretStr

from host import Call, hookimpl

from .queue import Queue

if TYPE_CHECKING:
    from host.settings import Settings

log = logging.getLogger("host")


Event = Literal["call.started", "call.answered", "call.ended"]

_queueing: set[asyncio.Task[None]] = set()
"""Messages that are being queued, so that a call does not wait for the disk."""


class Webhook(BaseModel):
    """The settings of this plugin."""

    url: str | None = Field(None, description="URL that receives each call record")
    secret: SecretStr = Field(
        SecretStr(""), description="Standard Webhooks signing secret (whsec_...)"
    )
    events: tuple[Event, ...] = Field(
        ("call.ended",), description="events to post: call.started, call.answered, call.ended"
    )


@hookimpl
def plugin_settings() -> type[Webhook]:
    """Read `[plugins.webhook]`."""
    return Webhook


@hookimpl
async def prepare_call(call: Call) -> None:
    """Tell that the host has taken the call."""
    _tell(call, "call.started")


@hookimpl
async def call_status_changed(call: Call, status: str) -> None:
    """Tell that a telephone was answered."""
    if status == "active":
        _tell(call, "call.answered")


@hookimpl
async def call_greeted(call: Call) -> None:
    """Tell that a browser was answered, which has no status."""
    if not call.telephone:
        _tell(call, "call.answered")


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Queue the record, behind what was told before. An invalid URL or secret is reported by the
    sender."""
    loop = asyncio.get_running_loop()  # a second one, once the host has died: see finish_alone
    before = [task for task in _queueing if task.get_loop() is loop]
    await asyncio.gather(*before, return_exceptions=True)
    if _wants(call, "call.ended"):
        data = record.model_dump(mode="json")
        await _queue(call, message_id(record.id), message("call.ended", record.ended_at, data))


def _tell(call: Call, event: Event) -> None:
    """Queue what is known of a call, unless it is a chat, or another process has told it before."""
    if _wants(call, event) and call.job is not None and not call.taken_over:
        body = message(event, datetime.now(UTC), call.facts())
        work = _queue(call, message_id(call.id, event.removeprefix("call.")), body)
        task = asyncio.create_task(work, name=f"queueing {event}")
        _queueing.add(task)
        task.add_done_callback(_queueing.discard)


def _wants(call: Call, event: Event) -> bool:
    webhook = call.settings.plugin(Webhook)
    return bool(webhook.url) and event in webhook.events


async def _queue(call: Call, id: str, body: bytes) -> None:
    queue = Queue(call.settings.state_dir)
    try:
        await asyncio.to_thread(queue.put, id, body)
    except OSError as error:
        log.error("webhook: %s can't be queued in %s: %s", id, queue.folder, error)


@hookimpl
async def while_serving(settings: Settings) -> None:
    """Send queued messages, those of earlier runs included."""
    webhook = settings.plugin(Webhook)
    if not webhook.url:
        return
    queue = Queue(settings.state_dir)
    with queue.measured():
        await _deliver(queue, webhook.url, webhook.secret.get_secret_value())
        await asyncio.Event().wait()  # only the queue is measured


async def _deliver(queue: Queue, url: str, secret: str) -> None:
    """Send until cancelled or until HTTP 410; do nothing if the settings are invalid."""
    from .delivery import Delivery
    from .receiver import Receiver

    try:
        receiver = Receiver(url, secret)
    except ValueError as error:
        log.error("webhook: %s; until then call records wait in %s", error, queue.folder)
        return
    async with receiver:
        await Delivery(queue, receiver).run()


def message_id(call: str, event: str = "") -> str:
    """Return a message's id, constant over retries, for deduplication: that of the record is the
    call's."""
    return "_".join(filter(None, ("call", re.sub(r"[^A-Za-z0-9-]", "_", call), event)))


def message(event: Event, at: datetime, data: Mapping[str, Any]) -> bytes:
    """Return a request's body."""
    body = {"type": event, "timestamp": at.isoformat(), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()
