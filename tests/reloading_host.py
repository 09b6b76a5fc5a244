"""A host's processes without LiveKit, in which the code of a deployment is saved again and again.

    python -m reloading_host TIMES

The working directory is a deployment whose persona `desk` says a word of `personas/_words.py`,
which it imports late. Prints, as JSON, what a call in its own process said at its begin and at its
end, what each later call said after a save, and how many bytes the parent has of its own then.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import psutil
from livekit.agents import JobContext
from reloading import said_by

from host import registry
from host.dispatch.livekit import livekit_of
from host.privacy import environment
from host.runner.worker import Worker
from host.server import admission
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.server.reload import Control, Reloader, reloads_on_hangup

EVERY = 0.02
"""Seconds between two looks for a file that another process writes."""


class Telling(Worker):
    """A call says in a file what its persona says; in the room `live` again at its end.

    It also says whether the forkserver had loaded the persona, so that all calls share its memory.
    """

    async def answer(self, job: JobContext) -> None:
        """Say it."""
        await self.catch_up()
        room = job.job.room.name
        self.tell(room)
        if room == "live":
            await there("end")
            self.tell("live-at-its-end")
        job.shutdown()

    def tell(self, name: str) -> None:
        """Write a file, whole."""
        loaded = registry.load(self.settings)
        how = "loaded here" if loaded.code is self.code else "preloaded"
        part = Path(f"{name}.part")
        part.write_text(f"{said_by(loaded)}, {how}")
        part.rename(name)


async def there(name: str, limit: float = 60) -> str:
    """Wait for a file of another process."""
    async with asyncio.timeout(limit):
        while not Path(name).exists():
            await asyncio.sleep(EVERY)
    return Path(name).read_text()


def save(word: str) -> None:
    """Save what the persona says."""
    Path("personas/_words.py").write_text(word)


async def main(times: int) -> None:
    """Serve."""
    settings = registry.read_settings()
    reloader = Reloader(settings, registry.load(settings).require())
    assert admission.check(settings) == []
    heartbeats = HeartbeatMonitor(None)  # type: ignore[arg-type]  # no call of its is lost
    vars(admission)["Worker"] = Telling
    said, sizes = [], []
    async with livekit_of(settings) as livekit, Control(reloader).listening():
        with environment.kept_from_calls(settings), reloads_on_hangup(reloader.reload, sys.exit):
            server = admission.make_server(
                settings, heartbeats, livekit, dev=False, follow=reloader.follow
            )
            started = asyncio.Event()
            server.once("worker_started", started.set)
            running = asyncio.create_task(server.run(devmode=False, unregistered=True))
            await asyncio.wait_for(started.wait(), 100)
            await server.simulate_job("live", fake_job=True)
            live = [await there("live")]
            for at in range(times):
                save(f"WORD = 'word {at}'")
                os.kill(os.getpid(), signal.SIGHUP)
                await asyncio.sleep(0.05)  # the loop takes the signal, and is busy until it is done
                save("def (")
                assert reloader.reload().refused
                await server.simulate_job(f"call-{at}", fake_job=True)
                said.append(await there(f"call-{at}"))
                sizes.append(psutil.Process().memory_full_info().uss)
            Path("end").touch()
            live.append(await there("live-at-its-end"))
            running.cancel()
    print(json.dumps({"live": live, "said": said, "sizes": sizes}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
