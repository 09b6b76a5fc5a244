"""LiveCall records arrive at a web address, signed, whatever happens to it and to the host."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import stat
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from receiver import KEY, SECRET, FarSide, Reply
from sample_calls import a_call_with_a_job
from standardwebhooks import Webhook, WebhookVerificationError
from stored import a_record
from waiting import logged_by_the_host, meanwhile, until_logged

from host.call.live import LiveCall
from host.call.state import CallState
from host.records.record import CallRecord
from host.settings import Settings
from host.settings.plugins import declare
from plugins import webhook
from plugins.webhook import delivery
from plugins.webhook.delivery import AT_ONCE, LONGEST_PAUSE, Delivery, pause
from plugins.webhook.queue import Message, Queue
from plugins.webhook.receiver import Receiver

declare("webhook", webhook.Webhook)

pytestmark = pytest.mark.processes


@pytest.fixture
async def far_side() -> AsyncIterator[FarSide]:
    side = FarSide()
    await side.up()
    yield side
    await side.close()


def answers(*statuses: int, **headers: str) -> Reply:
    """Answer the first requests with these, and accept all others."""
    left = list(statuses)

    async def reply(id: str) -> web.Response:
        if left:
            return web.Response(status=left.pop(0), headers=headers)
        return web.Response(status=200)

    return reply


@asynccontextmanager
async def delivering(queue: Queue, side: FarSide, limit: float = 15.0) -> AsyncIterator[None]:
    """A host that sends, for the length of the block."""
    async with (
        Receiver(side.url, SECRET, limit=limit) as receiver,
        meanwhile(Delivery(queue, receiver).run()),
    ):
        yield


async def empty(queue: Queue, limit: float = 10.0) -> None:
    """Wait until nothing waits: a message goes a moment after it was accepted."""
    gone, accepted = asyncio.Event(), Message.accepted

    def accepted_now(message: Message) -> None:
        accepted(message)
        gone.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Message, "accepted", accepted_now)
        async with asyncio.timeout(limit):
            while queue.names():
                gone.clear()
                await gone.wait()


def put(queue: Queue, *ids: str) -> None:
    for id in ids:
        queue.put(id, json.dumps({"id": id}).encode())
        os.utime(queue.folder / f"{id}.json", ns=(time.time_ns(), time.time_ns()))


def settings_for(folder: Path, **more: Any) -> Settings:
    return Settings(state_dir=folder, plugins={"webhook": {"secret": SECRET, **more}})


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """A queue that is looked at often, and whose first retries come soon."""
    monkeypatch.setattr(delivery, "LOOK", 0.05)
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.1)
    return Queue(tmp_path)


@pytest.fixture
def parts_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that hardly waits when it stops: nobody takes what it has left."""
    monkeypatch.setattr(delivery, "PARTING", 0.1)


async def test_a_record_arrives_in_the_standard_form(
    tmp_path: Path, far_side: FarSide, clean_environment: None
) -> None:
    settings = settings_for(tmp_path, url=far_side.url)
    record = a_record(id="AJ_one")
    await webhook.call_ended(call=LiveCall(settings, CallState(id=record.id)).call, record=record)
    async with meanwhile(webhook.while_serving(settings=settings)):
        await far_side.until(lambda: bool(far_side.accepted))
        await empty(Queue(tmp_path))
    [(id, headers, body)] = far_side.requests
    assert id == "call_AJ_one"
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "call.ended"
    assert datetime.fromisoformat(told["timestamp"]) == record.ended_at
    assert CallRecord.model_validate(told["data"]) == record
    assert headers["Content-Type"] == "application/json"


async def test_the_signature_is_what_standard_webhooks_says(
    queue: Queue, far_side: FarSide
) -> None:
    put(queue, "one")
    async with delivering(queue, far_side):
        await far_side.until(lambda: bool(far_side.accepted))
    [(id, headers, body)] = far_side.requests
    signed = f"{id}.{headers['webhook-timestamp']}.{body}".encode()
    mac = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)


async def test_only_its_owner_may_read_what_waits(tmp_path: Path, clean_environment: None) -> None:
    settings = settings_for(tmp_path / "state", url="http://127.0.0.1:9/")
    await webhook.call_ended(call=LiveCall(settings).call, record=a_record())
    folder = tmp_path / "state" / "webhooks"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    [file] = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_record_that_is_told_twice_is_one_message(
    tmp_path: Path, clean_environment: None
) -> None:
    settings = settings_for(tmp_path, url="http://127.0.0.1:9/")
    for _ in range(2):
        await webhook.call_ended(call=LiveCall(settings).call, record=a_record(id="AJ_one"))
    assert Queue(tmp_path).names() == {"call_AJ_one.json"}


async def test_a_record_is_queued_though_the_loop_that_queues_its_start_stands_still(
    tmp_path: Path, clean_environment: None
) -> None:
    events = ["call.started", "call.ended"]
    settings = settings_for(tmp_path, url="http://127.0.0.1:9/", events=events)
    call, record = a_call_with_a_job(settings).call, a_record(id="AJ_1")
    await webhook.prepare_call(call=call)
    with ThreadPoolExecutor(1) as thread:  # as finish_alone does where the host has died
        thread.submit(asyncio.run, webhook.call_ended(call=call, record=record)).result()
    assert Queue(tmp_path).names() == {"call_AJ_1.json"}
    await webhook.call_ended(call=call, record=record)
    assert Queue(tmp_path).names() == {"call_AJ_1.json", "call_AJ_1_started.json"}


async def test_nothing_is_queued_or_sent_where_no_address_is_set(
    tmp_path: Path, clean_environment: None
) -> None:
    settings = settings_for(tmp_path)
    await webhook.call_ended(call=LiveCall(settings).call, record=a_record())
    await asyncio.wait_for(webhook.while_serving(settings=settings), 5)
    assert list(tmp_path.iterdir()) == []


async def test_a_folder_that_cannot_be_written_costs_one_line(
    tmp_path: Path, clean_environment: None, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings = settings_for(tmp_path / "file", url="http://127.0.0.1:9/")
    await webhook.call_ended(call=LiveCall(settings).call, record=a_record())
    assert len(logged_by_the_host(caplog)) == 1
    assert "webhook: call_AJ_kWGDDnrvBsuP can't be queued" in caplog.text
    assert "Traceback" not in caplog.text


async def test_what_is_refused_is_sent_again_with_the_same_id_until_accepted(
    queue: Queue, far_side: FarSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE", 0.4)  # the third try is another second's
    far_side.reply = answers(500, 302)
    put(queue, "one")
    async with delivering(queue, far_side):
        await far_side.until(lambda: bool(far_side.accepted))
        await empty(queue)
    assert [id for id, _, _ in far_side.requests] == ["one"] * 3
    for _, headers, body in far_side.requests:
        Webhook(SECRET).verify(body, headers)
    stamps = [int(headers["webhook-timestamp"]) for _, headers, _ in far_side.requests]
    assert stamps == sorted(stamps)
    assert stamps[-1] > stamps[0]


async def test_a_receiver_that_is_down_loses_nothing(
    queue: Queue, far_side: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    await far_side.down()
    put(queue, "one", "two")
    async with delivering(queue, far_side):
        await until_logged(caplog, "did not take a call record")
        await far_side.up()
        put(queue, "three")
        await far_side.until(lambda: len(far_side.accepted) == 3)
        await empty(queue)
    assert sorted(far_side.accepted) == ["one", "three", "two"]
    assert caplog.text.count("did not take a call record") == 1
    assert "token" not in caplog.text


async def test_a_receiver_that_does_not_answer_is_given_up_and_tried_again(
    queue: Queue, far_side: FarSide
) -> None:
    async def first_hangs(id: str) -> web.Response:
        if far_side.tries(id) == 1:
            await asyncio.Event().wait()
        return web.Response(status=200)

    far_side.reply = first_hangs
    put(queue, "one")
    async with delivering(queue, far_side, limit=0.5):
        await far_side.until(lambda: far_side.accepted == ["one"])


@pytest.mark.usefixtures("parts_soon")
async def test_one_bad_message_holds_up_no_other(queue: Queue, far_side: FarSide) -> None:
    async def never_the_first(id: str) -> web.Response:
        if id == "one":
            await asyncio.Event().wait()
        return web.Response(status=400 if id == "two" else 200)

    far_side.reply = never_the_first
    put(queue, "one", "two", "three", "four")
    async with delivering(queue, far_side, limit=2):
        await far_side.until(lambda: sorted(far_side.accepted) == ["four", "three"])
        assert queue.names() >= {"one.json", "two.json"}


async def test_the_oldest_are_sent_first(queue: Queue, far_side: FarSide) -> None:
    full = asyncio.Event()

    async def when_all_lines_are_busy(id: str) -> web.Response:
        await full.wait()
        return web.Response(status=200)

    far_side.reply = when_all_lines_are_busy
    ids = [f"m{number * 7 % 20}" for number in range(20)]
    put(queue, *ids)
    async with delivering(queue, far_side):
        await far_side.until(lambda: len(far_side.requests) == AT_ONCE)
        assert {id for id, _, _ in far_side.requests} == set(ids[:AT_ONCE])
        full.set()
        await far_side.until(lambda: len(far_side.accepted) == 20)


async def test_a_restart_in_the_middle_loses_nothing_and_sends_nothing_twice(
    queue: Queue, far_side: FarSide
) -> None:
    async def half(id: str) -> web.Response:
        return web.Response(status=200 if int(id[1:]) % 2 else 500)

    far_side.reply = half
    ids = [f"m{number}" for number in range(10)]
    put(queue, *ids)
    async with delivering(queue, far_side):
        await far_side.until(lambda: len({id for id, _, _ in far_side.requests}) == 10)
        await far_side.until(lambda: len(far_side.accepted) == 5)
    assert queue.names() == {f"{id}.json" for id in ids if id not in far_side.accepted}
    far_side.reply = answers()
    async with delivering(queue, far_side):
        await far_side.until(lambda: len(far_side.accepted) == 10)
        await empty(queue)
    assert sorted(far_side.accepted) == sorted(ids)


async def test_what_comes_just_before_the_stop_is_still_sent(
    queue: Queue, far_side: FarSide
) -> None:
    async with delivering(queue, far_side):
        put(queue, "first")
        await far_side.until(lambda: far_side.accepted == ["first"])
        put(queue, "last")
    assert far_side.accepted == ["first", "last"]


async def test_a_wish_to_wait_is_granted(queue: Queue, far_side: FarSide) -> None:
    far_side.reply = answers(429, **{"Retry-After": "2"})
    put(queue, "one")
    async with delivering(queue, far_side):
        await far_side.until(lambda: far_side.accepted == ["one"])
    first, second = (int(headers["webhook-timestamp"]) for _, headers, _ in far_side.requests)
    assert second - first >= 2


@pytest.mark.parametrize(
    ("told", "least", "most"),
    [
        ("120", 120, 120),
        ("in an hour", 3000, 3600),
        ("1e99", 86400, 86400),
        ("-5", 0, 0),
        ("soon", 0, 0),
    ],
)
async def test_a_wish_is_seconds_or_a_date(
    far_side: FarSide, told: str, least: float, most: float
) -> None:
    if told == "in an hour":
        told = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    far_side.reply = answers(503, **{"Retry-After": told})
    async with Receiver(far_side.url, SECRET) as receiver:
        answer = await receiver.send("one", b"{}")
    assert least <= answer.wish <= most


async def test_a_receiver_that_is_gone_is_left_alone_until_the_next_start(
    queue: Queue, far_side: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    far_side.reply = answers(410)
    put(queue, "one")
    async with Receiver(far_side.url, SECRET) as receiver:
        await asyncio.wait_for(Delivery(queue, receiver).run(), 10)
    assert far_side.tries("one") == 1
    assert queue.names() == {"one.json"}
    assert "wants no more call records (HTTP 410)" in caplog.text
    async with delivering(queue, far_side):
        await far_side.until(lambda: far_side.accepted == ["one"])


def _claim_and_hold(path: Path, claimed: Any, let_go: Any) -> None:
    [message] = Queue(path).oldest_first(Queue(path).names())
    with message.claimed():
        claimed.set()
        let_go.wait(30)


async def test_what_another_host_is_sending_waits_until_its_process_lets_go(
    tmp_path: Path, queue: Queue, far_side: FarSide
) -> None:
    put(queue, "one")
    context = multiprocessing.get_context("spawn")
    claimed, let_go = context.Event(), context.Event()
    other = context.Process(target=_claim_and_hold, args=(tmp_path, claimed, let_go))
    other.start()
    assert await asyncio.to_thread(claimed.wait, 30)
    async with delivering(queue, far_side):
        put(queue, "two")
        await far_side.until(lambda: far_side.accepted == ["two"])
        assert far_side.tries("one") == 0
        other.kill()  # a claim ends with its process, however that ends
        await asyncio.to_thread(other.join, 10)
        await far_side.until(lambda: "one" in far_side.accepted)
    other.close()


async def test_two_hosts_of_one_folder_send_each_message_once(
    queue: Queue, far_side: FarSide
) -> None:
    ids = [f"m{number}" for number in range(40)]
    put(queue, *ids)
    async with delivering(queue, far_side), delivering(queue, far_side):
        await far_side.until(lambda: len(set(far_side.accepted)) == 40)
        await empty(queue)
    assert sorted(far_side.accepted) == sorted(ids)


async def test_a_file_that_nobody_can_read_is_no_reason_to_stop(
    queue: Queue, far_side: FarSide
) -> None:
    queue.make()
    (queue.folder / "broken.json").write_bytes(b"\xff\xfe")
    (queue.folder / "folder.json").mkdir()
    (queue.folder / ".draft").touch()
    put(queue, "one")
    async with delivering(queue, far_side):
        await far_side.until(lambda: far_side.accepted == ["one"])
    assert queue.names() == {"broken.json", "folder.json"}


@pytest.mark.usefixtures("parts_soon")
async def test_a_long_queue_is_told_once(
    queue: Queue, far_side: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    queue.make()
    for number in range(1001):
        (queue.folder / f"m{number}.json").write_text("{}")
    await far_side.down()
    async with delivering(queue, far_side):
        await until_logged(caplog, "1001 call records wait")
    assert caplog.text.count("call records wait for") == 1
    assert len(queue.names()) == 1001


@pytest.mark.parametrize(
    ("url", "secret", "line"),
    [
        ("example.com/hook", SECRET, "HOST_WEBHOOK_URL must be an http:// or https:// address"),
        ("ftp://example.com", SECRET, "HOST_WEBHOOK_URL must be"),
        ("https://", SECRET, "HOST_WEBHOOK_URL must be"),
        ("https://example.com:port/", SECRET, "HOST_WEBHOOK_URL must be"),
        ("https://example.com", "", "HOST_WEBHOOK_SECRET must be whsec_"),
        ("https://example.com", "secret", "HOST_WEBHOOK_SECRET must be whsec_"),
        ("https://example.com", "whsec_!!!", "HOST_WEBHOOK_SECRET must be whsec_"),
        ("https://example.com", "whsec_c2hvcnQ=", "24 to 64 random bytes in base64"),
    ],
)
async def test_a_wrong_setting_is_one_line_at_the_start_and_loses_no_record(
    tmp_path: Path,
    clean_environment: None,
    caplog: pytest.LogCaptureFixture,
    url: str,
    secret: str,
    line: str,
) -> None:
    settings = settings_for(tmp_path, url=url, secret=secret)
    async with meanwhile(webhook.while_serving(settings=settings)):
        await until_logged(caplog, line)  # it stays up, so that the queue's length is still shown
    [said] = logged_by_the_host(caplog)
    assert line in said.getMessage()
    assert not said.exc_info
    assert not secret or secret not in caplog.text
    await webhook.call_ended(call=LiveCall(settings).call, record=a_record(id="AJ_one"))
    assert Queue(tmp_path).names() == {"call_AJ_one.json"}


async def test_a_folder_that_cannot_be_read_is_one_line_and_stops_nothing(
    tmp_path: Path, far_side: FarSide, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "webhooks").touch()
    queue = Queue(tmp_path)
    async with delivering(queue, far_side):
        await until_logged(caplog, "can't be read")
        queue.folder.unlink()
        put(queue, "one")
        await far_side.until(lambda: far_side.accepted == ["one"])
    assert caplog.text.count("can't be read") == 1


def test_pauses_double_up_to_a_quarter_of_an_hour_and_differ() -> None:
    for tries in range(10):
        lengths = {pause(tries) for _ in range(50)}
        assert len(lengths) > 10
        assert all(2**tries <= length <= 2**tries * 1.5 for length in lengths)
    assert pause(10) == pause(1000) == LONGEST_PAUSE


@pytest.mark.usefixtures("parts_soon")
async def test_the_length_of_the_queue_is_measured(
    tmp_path: Path, far_side: FarSide, clean_environment: None
) -> None:
    from prometheus_client import REGISTRY

    await far_side.down()
    settings = settings_for(tmp_path, url=far_side.url)
    put(Queue(tmp_path), "one", "two")
    async with meanwhile(webhook.while_serving(settings=settings)):
        await asyncio.sleep(0)  # it has begun
        assert REGISTRY.get_sample_value("host_webhooks_waiting") == 2.0
    assert REGISTRY.get_sample_value("host_webhooks_waiting") is None
