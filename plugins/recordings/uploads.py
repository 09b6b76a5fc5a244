"""Uploads recordings in the host's parent process, and retries each until it is stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from .jobs import Jobs, claimed

log = logging.getLogger("host")

LOOK = 1.0
"""Seconds between scans of the folder: calls' processes and other hosts add to it at any time."""
AT_ONCE = 2
"""Concurrent uploads."""
UPLOAD_LIMIT = 900.0
"""Seconds that one attempt may take: a driver of fsspec may wait for ever."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 900.0
"""Seconds before a retry; the pause doubles from the first to the longest."""
_IN_FOLDERS = {"file", "local", "ftp", "sftp", "smb", "ssh", "memory"}
"""Protocols whose folders must exist. In a bucket there are none."""


def fault_of(url: str) -> str | None:
    """Return why nothing can be uploaded to a URL, and how to mend it; None if it can."""
    try:
        import fsspec
        from fsspec.utils import get_protocol
    except ImportError:
        return "uploads need fsspec: pip install 'host[recordings]'"
    try:
        fsspec.get_filesystem_class(get_protocol(url))
    except (ImportError, ValueError) as error:  # `Install s3fs to access S3`
        return str(error)
    return None


def upload(file: Path, url: str) -> None:
    """Store a file at a URL. Raises whatever the driver raises."""
    import fsspec

    store, path = fsspec.core.url_to_fs(url)
    protocols = {store.protocol} if isinstance(store.protocol, str) else set(store.protocol)
    if protocols & _IN_FOLDERS:
        store.makedirs(path.rpartition("/")[0], exist_ok=True)
    store.put_file(str(file), path)


class Uploads:
    """Uploads what is to be uploaded."""

    def __init__(self, jobs: Jobs, store: Callable[[Path, str], None] = upload) -> None:
        self._jobs, self._store = jobs, store
        self._running: dict[Path, asyncio.Task[None]] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._failing = self._unreadable = False

    async def run(self) -> None:
        """Upload until cancelled. What is left then is uploaded after the next start."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(LOOK)
        finally:
            left = list(self._running.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _look(self) -> None:
        try:
            waiting = await asyncio.to_thread(self._jobs.waiting)
        except OSError as error:
            if not self._unreadable:
                log.error("recordings: %s can't be read: %s", self._jobs.folder, error)
            self._unreadable = True
            return
        self._unreadable = False
        for job in sorted(waiting - self._running.keys()):
            self._running[job] = task = asyncio.create_task(self._until_stored(job))
            task.add_done_callback(partial(self._done, job))

    def _done(self, job: Path, task: asyncio.Task[None]) -> None:
        self._running.pop(job, None)

    async def _until_stored(self, job: Path) -> None:
        """Upload one recording, by this host or another."""
        tries = 0
        while True:
            try:
                async with self._at_once:
                    await self._try(job)
                return
            except FileNotFoundError:
                return
            except BlockingIOError:
                await asyncio.sleep(LOOK)
                continue
            except Exception as error:
                self._failed(job, error)
            await asyncio.sleep(pause(tries))
            tries += 1

    async def _try(self, job: Path) -> None:
        """Upload one recording once. Raises what went wrong."""
        with claimed(job) as wanted:
            if not wanted.file.is_file():
                log.error("recordings: %s is gone, and was not uploaded", wanted.file)
                job.unlink(missing_ok=True)
                return
            try:
                # Not `wait_for`: in Python 3.11, it loses a cancellation at the moment of an error.
                async with asyncio.timeout(UPLOAD_LIMIT):
                    await _in_a_thread(partial(self._store, wanted.file, wanted.url))
            except TimeoutError:
                raise RuntimeError(f"it took longer than {UPLOAD_LIMIT:.0f} s") from None
            except FileNotFoundError as error:  # of the store, such as a bucket that there is not
                raise RuntimeError(str(error) or "there is no such place") from error
            if not wanted.keep:
                wanted.file.unlink(missing_ok=True)
            job.unlink(missing_ok=True)
        if self._failing:
            log.info("recordings: uploads succeed again")
        self._failing = False

    def _failed(self, job: Path, error: Exception) -> None:
        """Log the first failure of several in a row."""
        if not self._failing:
            why = " ".join(str(error).split()) or type(error).__name__
            text = "recordings: %s was not uploaded: %s. It is tried again until it is"
            log.error(text, job.name.removesuffix(".json"), why)
        self._failing = True


def pause(tries: int) -> float:
    """Return the seconds before the next attempt: exponential, with jitter."""
    return min(FIRST_PAUSE * 2.0 ** min(tries, 20) * random.uniform(1.0, 1.5), LONGEST_PAUSE)


async def _in_a_thread(work: Callable[[], None]) -> None:
    """Do something in a thread that does not hold up the host's exit, as those of asyncio do."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(set_it: Callable[[Any], None], value: Any) -> None:
        if not done.done():
            set_it(value)

    def run() -> None:
        set_it: Callable[[Any], None] = done.set_result
        value: Any = None
        try:
            work()
        except BaseException as error:
            set_it, value = done.set_exception, error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, set_it, value)

    threading.Thread(target=run, name="uploading a recording", daemon=True).start()
    await done
