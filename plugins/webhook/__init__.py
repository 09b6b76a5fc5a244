"""Posts every call record to a URL, signed, until it is accepted.

The format is Standard Webhooks (standardwebhooks.com). A call's process only queues the record in a
folder and the host posts it, so that an unavailable receiver neither loses records nor delays a
call.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, SecretStr

from host import Call, hookimpl

from .queue import Queue

if TYPE_CHECKING:
    from host.settings import Settings

log = logging.getLogger("host")


class Webhook(BaseModel):
    """The settings of this plugin."""

    url: str | None = Field(None, description="URL that receives each call record")
    secret: SecretStr = Field(
        SecretStr(""), description="Standard Webhooks signing secret (whsec_...)"
    )


@hookimpl
def plugin_settings() -> type[Webhook]:
    """Read `[plugins.webhook]`."""
    return Webhook


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Queue the record. An invalid URL or secret is reported by the sender."""
    if not call.settings.plugin(Webhook).url:
        return
    queue = Queue(call.settings.state_dir)
    try:
        await asyncio.to_thread(queue.put, message_id(record), message(record))
    except OSError as error:
        log.error("webhook: the record can't be queued in %s: %s", queue.folder, error)


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


def message_id(record: Any) -> str:
    """Return a record's message id, constant over retries, for deduplication."""
    return "call_" + re.sub(r"[^A-Za-z0-9-]", "_", record.id)


def message(record: Any) -> bytes:
    """Return the request body of a record."""
    body = {
        "type": "call.ended",
        "timestamp": record.ended_at.isoformat(),
        "data": record.model_dump(mode="json"),
    }
    return json.dumps(body, separators=(",", ":")).encode()
