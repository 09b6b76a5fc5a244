"""SIPp, as a telephone that plays one of the scenarios of this folder, once.

https://sipp.readthedocs.io.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from host.local.program import Program

SCENARIOS = Path(__file__).parent / "scenarios"


def is_here() -> bool:
    """Return whether SIPp is installed."""
    return shutil.which("sipp") is not None


class Sipp:
    """A SIPp that plays a scenario."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._messages = folder / "messages.log"
        self._program = Program("sipp", folder / "sipp.log")

    async def start(self, scenario: str, port: int, status: str) -> None:
        """Start it at 127.0.0.1 and a port; `status` is the final one of some scenarios."""
        played = self._folder / "scenario.xml"
        # SIPp wants to read a number there, and takes none of its own keywords.
        played.write_text((SCENARIOS / f"{scenario}.xml").read_text().replace("STATUS", status))
        command = ["sipp", "-sf", str(played), "-i", "127.0.0.1", "-p", str(port)]
        command += ["-mi", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "90s"]
        command += ["-trace_msg", "-message_file", str(self._messages)]
        await self._program.spawn(command, {"TERM": "dumb"})

    async def over(self, limit: float = 30.0) -> str:
        """Wait until the scenario is over as written; return the messages of both sides."""
        code = await self._program.ended(limit)
        log = self._messages
        messages = log.read_text(errors="replace") if log.exists() else ""
        assert code == 0, f"SIPp ended with {code}: {self._program.last_words()}\n{messages}"
        return messages

    async def stop(self) -> None:
        """Stop it, whatever it does."""
        await self._program.close()


@asynccontextmanager
async def sipp(
    folder: Path, scenario: str, port: int = 5060, *, status: str = ""
) -> AsyncIterator[Sipp]:
    """Let SIPp play a scenario."""
    folder.mkdir(parents=True, exist_ok=True)
    agent = Sipp(folder)
    await agent.start(scenario, port, status)
    try:
        yield agent
    finally:
        await agent.stop()
