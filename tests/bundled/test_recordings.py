"""Recordings are uploaded after their calls, whatever becomes of the store and of the host."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from deployment import Deployment
from pydantic import ValidationError
from sample_calls import call_of
from stored import a_record
from studio import recorded_call
from waiting import logged_by_the_host, meanwhile

from host.base.clock import now
from host.call.answers import Greeting
from host.call.live import LiveCall
from host.call.state import CallState
from host.privacy import close_to_others
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.settings import Settings, load_settings
from host.settings.plugins import declare
from plugins import recordings
from plugins.recordings import uploads
from plugins.recordings.jobs import Jobs
from plugins.recordings.uploads import Uploads, fault_of

declare("recordings", recordings.Recordings)

URL = "s3://calls/{persona}/{date}/{id}.ogg"
SOUND = b"OggS, and what was said"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and try again at once."""
    monkeypatch.setattr(uploads, "LOOK", 0.01)
    monkeypatch.setattr(uploads, "FIRST_PAUSE", 0.01)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path / "state")


def recorded(folder: Path, *names: str) -> list[Path]:
    """Recordings as calls leave them."""
    day = folder / "recordings" / "2026-11-30"
    day.mkdir(parents=True, exist_ok=True)
    for name in names:
        (day / name).write_bytes(SOUND)
    return [day / name for name in names]


class Store:
    """A folder in place of a bucket, which may be down."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.failures = folder, 0
        self.tries: list[str] = []

    def put(self, file: Path, url: str) -> None:
        self.tries.append(url)
        if self.failures:
            self.failures -= 1
            raise PermissionError("Access Denied")
        target = self.folder / url.partition("://")[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)  # another thread does it


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in logged_by_the_host(caplog)]


# Settings


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("s3://bucket/calls.ogg", "it needs {id}"),
        ("s3://bucket/{id}/{number}.ogg", "it needs {id}, and may have {persona} and {date}"),
        ("s3://bucket/{id.__class__}.ogg", "it needs {id}"),
        ("s3://bucket/{id.ogg", "a placeholder is not closed"),
        ("bucket/{id}.ogg", "it is like s3://bucket/{persona}/{id}.ogg"),
        ("ftp://ann:secret@example.com/{id}.ogg", "without a password"),
    ],
)
def test_a_url_that_can_not_be_is_told_at_the_start(url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        recordings.Recordings(url=url)


@pytest.mark.parametrize(
    ("url", "is_"),
    [
        (URL, "s3://calls/ann/2026-11-30/AJ_1.2.ogg"),
        ("file:///srv/calls/{id}.ogg", "file:///srv/calls/AJ_1.2.ogg"),
    ],
)
def test_a_url_is_made_of_what_is_known_of_the_call(url: str, is_: str) -> None:
    template = recordings.Recordings(url=url).url
    assert template
    assert recordings.url_of(template, "ann", Path("recordings/2026-11-30/AJ_1.2.ogg")) == is_


# The record, and what is noted for the host


WITNESS = """
    from host import hookimpl

    told = []

    @hookimpl
    async def call_ended(call, record):
        told.append(record)
    """


async def ended(deployment: Deployment, record: CallRecord, *more: str) -> CallRecord:
    """End a call of ann's, and of `more` personas; give the record as everybody is told of it."""
    personas = ("ann", *more)
    for name in personas:
        deployment.persona(name)
    deployment.write("plugins/witness.py", WITNESS)
    loaded = deployment.load()
    state, last = CallState(id=record.id), personas[-1]
    for name in personas:
        state.begin_share(name)
    call = LiveCall(load_settings(), state, persona=last, hooks=loaded.view(last))
    await call.events.emit_call_ended(record)
    [witness] = [plugin for plugin in loaded.plugins if plugin.name == "witness"]
    [told] = witness.module.told
    assert isinstance(told, CallRecord)
    return told


async def test_the_record_names_the_url_and_the_host_is_to_upload_each_part(
    deployment: Deployment,
) -> None:
    deployment.write("host.toml", f'[plugins.recordings]\nurl = "{URL}"\nkeep_local = false\n')
    first, second, *_ = recorded(
        deployment.folder, "AJ_1.ogg", "AJ_1.2.ogg", "AJ_1.3.ogg.part", "AJ_12.ogg"
    )
    told = await ended(deployment, a_record(id="AJ_1", recording=str(second)))
    assert told.recording_url == "s3://calls/ann/2026-11-30/AJ_1.2.ogg"
    [of_the_second, of_the_first] = sorted((deployment.folder / ".host" / "uploads").iterdir())
    assert stat.S_IMODE(of_the_first.stat().st_mode) == 0o600
    wanted = recordings.jobs.Job.model_validate_json(of_the_first.read_text())
    assert (wanted.file, wanted.keep) == (first, False)
    assert wanted.url == "s3://calls/ann/2026-11-30/AJ_1.ogg"
    assert of_the_second.name == "AJ_1.2.ogg.json"


async def test_a_persona_may_have_a_bucket_of_its_own(deployment: Deployment) -> None:
    deployment.write("host.toml", '[personas.ann.plugins.recordings]\nurl = "gs://ann/{id}.ogg"\n')
    [file] = recorded(deployment.folder, "AJ_1.ogg")
    told = await ended(deployment, a_record(id="AJ_1", recording=str(file)))
    assert told.recording_url == "gs://ann/AJ_1.ogg"


async def test_a_call_that_was_handed_over_is_stored_as_its_first_persona_s(
    deployment: Deployment,
) -> None:
    deployment.write(
        "host.toml",
        '[personas.ann.plugins.recordings]\nurl = "gs://ann/{persona}/{id}.ogg"\n'
        '[personas.bob.plugins.recordings]\nurl = "gs://bob/{persona}/{id}.ogg"\n',
    )
    [file] = recorded(deployment.folder, "AJ_1.ogg")
    told = await ended(deployment, a_record(id="AJ_1", recording=str(file)), "bob")
    assert told.recording_url == "gs://ann/ann/AJ_1.ogg"
    [wanted] = (deployment.folder / ".host" / "uploads").iterdir()
    assert recordings.jobs.Job.model_validate_json(wanted.read_text()).url == told.recording_url


@pytest.mark.parametrize("url", [URL, None])
async def test_a_call_without_a_recording_or_a_store_has_no_url(
    deployment: Deployment, url: str | None
) -> None:
    if url:
        deployment.write("host.toml", f'[plugins.recordings]\nurl = "{url}"\n')
    [file] = recorded(deployment.folder, "AJ_1.ogg")
    told = await ended(deployment, a_record(recording=None if url else str(file)))
    assert told.recording_url is None
    assert not (deployment.folder / ".host" / "uploads").exists()


async def test_a_recording_that_the_caller_refused_is_not_uploaded(deployment: Deployment) -> None:
    deployment.write("host.toml", f'[plugins.recordings]\nurl = "{URL}"\n')
    folder = deployment.folder / "recordings"
    async with recorded_call(folder, greeting=Greeting("Hello.")) as call:
        assert call.recorder is not None
        await call.recorder.begin("We record.")
        await call.say("Shall we begin?")
        assert [file for file in folder.rglob("*") if file.is_file()]
        await call.call.stop_recording(discard=True)
        await call.recorder.close()
    record = call.state.record(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    told = await ended(deployment, record)
    assert (told.recording, told.recording_url, told.recording_discarded) == (None, None, True)
    assert not [file for file in folder.rglob("*") if file.is_file()]
    assert not (deployment.folder / ".host" / "uploads").exists()


async def test_nor_is_one_that_could_not_be_deleted(deployment: Deployment) -> None:
    deployment.write("host.toml", f'[plugins.recordings]\nurl = "{URL}"\n')
    [file] = recorded(deployment.folder, "AJ_1.ogg")
    told = await ended(deployment, a_record(recording=str(file), recording_discarded=True))
    assert (told.recording, told.recording_url) == (str(file), None)
    assert not (deployment.folder / ".host" / "uploads").exists()


async def test_one_that_ended_early_is_uploaded(deployment: Deployment) -> None:
    deployment.write("host.toml", f'[plugins.recordings]\nurl = "{URL}"\n')
    [file] = recorded(deployment.folder, "AJ_1.ogg")
    told = await ended(deployment, a_record(recording=str(file), recording_stopped_at=now()))
    assert told.recording_url == "s3://calls/ann/2026-11-30/AJ_1.ogg"
    assert (deployment.folder / ".host" / "uploads" / "AJ_1.ogg.json").exists()


async def test_recording_url_that_fails_costs_the_url_and_not_the_record(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.write(
        "plugins/breaks.py",
        "from host import hookimpl\n@hookimpl\ndef recording_url(call, recording):\n    1 / 0\n",
    )
    told = await ended(deployment, a_record(recording="recordings/2026-11-30/AJ_1.ogg"))
    assert told.recording_url is None
    assert "recording_url of ann failed" in caplog.text


# Uploads


async def test_a_recording_is_uploaded_and_stays_where_it_is(tmp_path: Path, jobs: Jobs) -> None:
    [file] = recorded(tmp_path, "AJ_1.ogg")
    store = Store(tmp_path / "store")
    jobs.put(file, "s3://calls/AJ_1.ogg", keep=True)
    async with meanwhile(Uploads(jobs, store.put).run()):
        await until(lambda: not jobs.waiting())
    assert (tmp_path / "store" / "calls" / "AJ_1.ogg").read_bytes() == SOUND
    assert file.read_bytes() == SOUND


async def test_a_file_that_is_not_kept_goes_once_it_is_uploaded(tmp_path: Path, jobs: Jobs) -> None:
    [file] = recorded(tmp_path, "AJ_1.ogg")
    store = Store(tmp_path / "store")
    store.failures = 2
    jobs.put(file, "s3://calls/AJ_1.ogg", keep=False)
    async with meanwhile(Uploads(jobs, store.put).run()):
        await until(lambda: len(store.tries) == 2)
        assert file.exists()
        await until(lambda: not jobs.waiting())
    assert not file.exists()
    assert (tmp_path / "store" / "calls" / "AJ_1.ogg").read_bytes() == SOUND


async def test_what_fails_is_tried_again_and_said_once(
    tmp_path: Path, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="host")
    first, second = recorded(tmp_path, "AJ_1.ogg", "AJ_2.ogg")
    store = Store(tmp_path / "store")
    store.failures = 5
    for file in (first, second):
        jobs.put(file, f"s3://calls/{file.name}", keep=True)
    async with meanwhile(Uploads(jobs, store.put).run()):
        await until(lambda: not jobs.waiting())
    failed, again = said(caplog)
    assert failed.endswith(".ogg was not uploaded: Access Denied. It is tried again until it is"), (
        failed
    )
    assert again == "recordings: uploads succeed again"
    assert len(store.tries) == 7


async def test_what_is_left_is_uploaded_after_the_next_start(tmp_path: Path, jobs: Jobs) -> None:
    [file] = recorded(tmp_path, "AJ_1.ogg")
    down = Store(tmp_path / "store")
    down.failures = 1_000_000
    jobs.put(file, "s3://calls/AJ_1.ogg", keep=True)
    async with meanwhile(Uploads(jobs, down.put).run()):
        await until(lambda: len(down.tries) > 1)
    assert jobs.waiting()
    async with meanwhile(Uploads(Jobs(tmp_path / "state"), Store(tmp_path / "store").put).run()):
        await until(lambda: not jobs.waiting())
    assert (tmp_path / "store" / "calls" / "AJ_1.ogg").exists()


def test_a_job_and_its_name_are_on_the_disk_once_it_is_put(
    tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, int]] = []

    def sync(file: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(file).st_mode), len(jobs.waiting())))

    monkeypatch.setattr(os, "fsync", sync)
    jobs.put(tmp_path / "AJ_1.ogg", "s3://calls/AJ_1.ogg", keep=True)
    assert synced == [(False, 0), (True, 1)], "the job, and then the folder with its name"


async def test_what_another_host_uploads_is_left_to_it(tmp_path: Path, jobs: Jobs) -> None:
    first, second = recorded(tmp_path, "AJ_1.ogg", "AJ_2.ogg")
    store = Store(tmp_path / "store")
    for file in (first, second):
        jobs.put(file, f"s3://calls/{file.name}", keep=True)
    of_the_first = jobs.folder / "AJ_1.ogg.json"
    with of_the_first.open("rb") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        async with meanwhile(Uploads(jobs, store.put).run()):
            await until(lambda: jobs.waiting() == {of_the_first})
            of_the_first.unlink()  # they are done with it
            theirs.close()
            await until(lambda: not jobs.waiting())
    assert store.tries == ["s3://calls/AJ_2.ogg"]


async def test_a_recording_that_is_gone_is_told_of_and_forgotten(
    tmp_path: Path, jobs: Jobs, caplog: pytest.LogCaptureFixture
) -> None:
    jobs.put(tmp_path / "AJ_1.ogg", "s3://calls/AJ_1.ogg", keep=True)
    async with meanwhile(Uploads(jobs, Store(tmp_path).put).run()):
        await until(lambda: not jobs.waiting())
    assert said(caplog) == [f"recordings: {tmp_path}/AJ_1.ogg is gone, and was not uploaded"]


async def test_a_store_that_hangs_holds_up_no_other_for_ever(
    tmp_path: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_LIMIT", 0.05)
    first, second = recorded(tmp_path, "AJ_1.ogg", "AJ_2.ogg")
    store = Store(tmp_path / "store")
    going_on = threading.Event()

    def hangs(file: Path, url: str) -> None:
        if file == first:
            going_on.wait()
        else:
            store.put(file, url)

    for file in (first, second):
        jobs.put(file, f"s3://calls/{file.name}", keep=True)
    async with meanwhile(Uploads(jobs, hangs).run()):
        await until(lambda: jobs.waiting() == {jobs.folder / "AJ_1.ogg.json"})
        await until(lambda: "AJ_1.ogg was not uploaded: it took longer" in caplog.text)
    going_on.set()


# fsspec


async def test_without_fsspec_one_line_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    settings = Settings(state_dir=tmp_path, plugins={"recordings": {"url": URL}})
    await recordings.while_serving(settings=settings)
    assert said(caplog) == [
        "recordings: uploads need fsspec: pip install 'host[recordings]'; "
        "until then they stay in recordings"
    ]


async def test_without_a_url_nothing_is_uploaded(tmp_path: Path) -> None:
    await asyncio.wait_for(recordings.while_serving(settings=Settings(state_dir=tmp_path)), 5)
    assert not list(tmp_path.iterdir())


def test_a_driver_that_is_missing_is_named() -> None:
    pytest.importorskip("fsspec")
    assert fault_of("memory://calls/a.ogg") is None
    assert fault_of("file:///srv/a.ogg") is None
    assert "nosuch" in (fault_of("nosuch://calls/a.ogg") or "")


@pytest.mark.parametrize("keep", [True, False])
async def test_fsspec_stores_a_file_in_a_folder_that_is_made_for_it(
    tmp_path: Path, jobs: Jobs, keep: bool
) -> None:
    pytest.importorskip("fsspec")
    [file] = recorded(tmp_path, "AJ_1.ogg")
    close_to_others((), [file])
    jobs.put(file, f"file://{tmp_path}/store/ann/AJ_1.ogg", keep=keep)
    async with meanwhile(Uploads(jobs).run()):
        await until(lambda: not jobs.waiting())
    assert (tmp_path / "store" / "ann" / "AJ_1.ogg").read_bytes() == SOUND
    assert file.exists() is keep


async def test_a_host_uploads_what_its_calls_have_noted(tmp_path: Path) -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    [file] = recorded(tmp_path, "AJ_1.ogg")
    url = "memory://calls/{persona}/{id}.ogg"
    settings = Settings(state_dir=tmp_path, plugins={"recordings": {"url": url}})
    call = call_of(settings, persona="ann")
    record = a_record(id="AJ_1", recording=str(file))
    await recordings.call_ended(call=call.call, record=record)
    async with meanwhile(recordings.while_serving(settings=settings)):
        await until(lambda: not Jobs(tmp_path).waiting())
    assert memory.cat_file("/calls/ann/AJ_1.ogg") == SOUND
    memory.rm("/calls", recursive=True)
