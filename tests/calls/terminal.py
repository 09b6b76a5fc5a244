"""A terminal, and what is shown on it: for commands that need a local world of their own."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from host.local.process import bare_environment
from host.local.setup import cache

LIMIT = 60.0
"""Seconds to wait for what a command shows."""


class Terminal:
    """Runs commands of the host in one folder, in a cache of their own: the world's note is there.

    `environment` adds settings.
    """

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self._environment = {
            **bare_environment(),
            "XDG_CACHE_HOME": str(folder / "cache"),
            **environment,
        }
        (folder / "cache" / "host").mkdir(parents=True)
        for installed in cache().iterdir() if cache().exists() else ():
            if installed.name != "local-world.json":
                (folder / "cache" / "host" / installed.name).symlink_to(installed)

    async def run(self, *words: str) -> asyncio.subprocess.Process:
        """Run a command of the host."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host", *words),
            cwd=self.folder,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )


class Screen:
    """What a process has written to a stream."""

    def __init__(self, stream: asyncio.StreamReader | None) -> None:
        assert stream
        self._stream = stream
        self.text = ""

    async def shows(self, text: str) -> None:
        """Wait for a text, which may be broken into lines elsewhere. Fails where it never comes."""
        async with asyncio.timeout(LIMIT):
            while _one_line(text) not in _one_line(self.text):
                line = await self._stream.readline()
                assert line, self.text
                self.text += line.decode()


def _one_line(text: str) -> str:
    return " ".join(text.split())
