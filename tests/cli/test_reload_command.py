"""`host reload`: what it prints, and how it exits."""

from __future__ import annotations

import asyncio
import json

from deployment import Deployment
from reloading import says, start
from typer.testing import CliRunner, Result

from host.base.errors import HostError
from host.cli import cli
from host.server.reload import Control


async def reloads(*options: str) -> Result:
    """Run the command beside the host."""
    return await asyncio.to_thread(CliRunner().invoke, cli, ["reload", *options])


async def test_it_says_what_later_calls_have_and_what_is_wrong(served: Deployment) -> None:
    async with Control(start()).listening():
        says(served, "desk", "two")
        done = await reloads()
        assert (done.exit_code, done.output) == (
            0,
            "reloaded for the next calls: personas/desk.py\n",
        )
        done = await reloads()
        assert done.output == "reloaded for the next calls: no file has changed\n"
        served.write("personas/desk.py", "def (")
        done = await reloads()
        fault = "personas/desk.py:1: SyntaxError: invalid syntax"
        assert (done.exit_code, done.stderr) == (
            1,
            f"not reloaded, the last good code stays: {fault}\n",
        )
        done = await reloads("--json")
        (told,) = json.loads(done.stdout)
        assert done.exit_code == 1
        assert (told["refused"], told["faults"]) == (True, [fault])


async def test_it_needs_a_running_host(served: Deployment) -> None:
    done = await reloads()
    assert isinstance(done.exception, HostError)
    assert str(done.exception) == "no host is running with the state_dir .host"
