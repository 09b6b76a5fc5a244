"""The socket of a running host: for `host reload`, and for calls that ask for newer code.

`state_dir/hosts/PID.json` tells where it is. Only the host's own user can reach it: it is in a
private folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ValidationError

from host.base.errors import HostError
from host.base.processes import this_process
from host.privacy import private_folder, write_whole
from host.registry import hand_over
from host.runner.checkpoint import WrittenBy
from host.runner.newest import ADDRESS
from host.server.reload.reloader import LOAD_LIMIT, Reloader
from host.server.reload.result import Reloaded
from host.server.socket import inherited_socket

log = logging.getLogger("host")

ANSWER_LIMIT = LOAD_LIMIT * 2
"""Seconds that a host may take to reload: several personas may take long to load."""


class _Wanted(BaseModel):
    want: str
    has: int = 0
    """The edition of the code that a call's process has."""


class _Running(WrittenBy):
    """A note in `state_dir/hosts`."""

    address: str


class Control:
    """The host's end of the socket."""

    def __init__(self, reloader: Reloader) -> None:
        self._reloader = reloader

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen inside the block. Processes started there inherit the address."""
        async with inherited_socket(self._hear, ADDRESS) as address:
            note = _note(self._reloader.settings.state_dir, address)
            try:
                yield
            finally:
                if note:
                    note.unlink(missing_ok=True)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            wanted = _Wanted.model_validate_json(await reader.readline())
            if wanted.want == "reload":
                answer = self._reloader.reload().model_dump_json().encode() + b"\n"
            else:
                settings, code = self._reloader.settings, self._reloader.loaded.code
                served = b"" if wanted.has == code.edition else hand_over(settings, code)
                answer = b"%d\n%b" % (len(served), served)
            writer.write(answer)
            await writer.drain()
        except (ConnectionError, ValueError):
            pass  # whoever asked is gone, or asked something else
        finally:
            writer.close()


def _note(state_dir: Path, address: str) -> Path | None:
    """Note where this host listens; None if that can't be written."""
    folder, process = state_dir / "hosts", this_process()
    try:
        private_folder(folder)
        for file, running in _noted(state_dir):
            if running is None or running.process.alive is False:
                file.unlink(missing_ok=True)
        note = folder / f"{process.number}.json"
        running = _Running(**asdict(process), address=address)
        write_whole(note, running.model_dump_json().encode())
    except OSError as error:
        log.warning("`host reload` can't find this host: %s", error)
        return None
    return note


def _noted(state_dir: Path) -> Iterator[tuple[Path, _Running | None]]:
    for file in sorted((state_dir / "hosts").glob("*.json")):
        try:
            yield file, _Running.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            continue
        except (OSError, ValidationError):
            yield file, None


async def reload_running(state_dir: Path) -> dict[int, Reloaded]:
    """Have each host of this `state_dir` and machine reload; return what came of it, by process.

    Raises HostError if none is running, or one does not answer.
    """
    running = [each for _, each in _noted(state_dir) if each and each.process.alive]
    if not running:
        raise HostError(f"no host is running with the state_dir {state_dir}")
    asked = await asyncio.gather(*(_ask(each) for each in running))
    return {each.number: result for each, result in zip(running, asked, strict=True)}


async def _ask(running: _Running) -> Reloaded:
    try:
        async with asyncio.timeout(ANSWER_LIMIT):
            reader, writer = await asyncio.open_unix_connection(running.address, limit=2**24)
            try:
                writer.write(b'{"want": "reload"}\n')
                return Reloaded.model_validate_json(await reader.readline())
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError) as error:
        raise HostError(
            f"the host of process {running.number} does not answer: {error!r}"
        ) from None
