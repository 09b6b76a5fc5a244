"""Processes of calls get what they need of the environment, and no key, secret or other's token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from deployment import HERE, Deployment
from pydantic import SecretStr

from host import environment
from host.errors import SettingsError
from host.settings import Settings, load_settings, variables_of_settings, with_any_keys
from host.sounds.keeping import _make

CANARY = "canary-0f3a"
"""What no process of a call may have in its environment."""

SECRETS = {
    "LIVEKIT_API_KEY": f"{CANARY}-key",
    "LIVEKIT_API_SECRET": f"{CANARY}-secret-of-livekit-that-is-long-enough",
    "OPENAI_API_KEY": f"{CANARY}-openai",
    "DEEPGRAM_API_KEY": f"{CANARY}-deepgram",
    "CARTESIA_API_KEY": f"{CANARY}-cartesia",
    "HOST_WEBHOOK_SECRET": f"{CANARY}-webhook",
    "HOST_WEBHOOK_URL": f"https://{CANARY}@example.com/",
    "OTEL_EXPORTER_OTLP_HEADERS": f"key={CANARY}",
    "AWS_SECRET_ACCESS_KEY": f"{CANARY}-of-somebody-else",
}

HOST = """
import asyncio, json, os, sys
import psutil
from host import environment
from host.desk import make_server
from host.lifeline import Lifelines
from host.settings import load_settings

async def main():
    settings = load_settings()
    async with Lifelines(lambda live: asyncio.sleep(0)).listening():
        with environment.kept_from_calls(settings):
            server = make_server(settings, Lifelines(None), dev=False)
            started = asyncio.Event()
            server.once("worker_started", started.set)
            running = asyncio.create_task(server.run(devmode=False, unregistered=True))
            await asyncio.wait_for(started.wait(), 60)
            below = psutil.Process().children(recursive=True)
            print(json.dumps({
                "parent": sorted(os.environ),
                "processes": {" ".join(each.cmdline()): each.environ() for each in below},
                "launcher": os.path.exists(os.fsdecode(__import__("multiprocessing").spawn.get_executable())),
            }), flush=True)
            await server.aclose()
            running.cancel()
    os._exit(0)

asyncio.run(main())
"""

PERSONA = '''
"""Ann: says what is in the environment of each process that loads her."""
import json, os
from pathlib import Path
from host import hookimpl

Path(f"environment-{os.getpid()}.json").write_text(json.dumps(dict(os.environ)))

@hookimpl
def instructions(call):
    return "ann"
'''


def what_calls_get(deployment: Deployment, **more: str) -> dict[str, dict[str, str]]:
    """Start a host's processes for calls as `serve` does; return each one's environment."""
    code = HOST.replace("{root}", str(HERE.parent))
    given = {**os.environ, **SECRETS, **more, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=deployment.folder,
        env={**given, "LIVEKIT_URL": "ws://127.0.0.1:9"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.stdout, done.stderr[-4000:]
    told = json.loads(done.stdout)
    assert {"LIVEKIT_API_SECRET", "AWS_SECRET_ACCESS_KEY"} <= set(told["parent"])
    processes: dict[str, dict[str, str]] = told["processes"]
    assert sum("forkserver" in command for command in processes) >= 1, processes.keys()
    return processes


def test_no_process_of_a_call_has_a_secret_in_its_environment(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", PERSONA)
    processes = what_calls_get(deployment, CRM_TOKEN=f"{CANARY}-crm", HOST_TRUNK="ST_1")
    for environ in processes.values():
        assert CANARY not in json.dumps(environ)
        assert environ["PATH"] == os.environ["PATH"]
        assert environ["HOST_LIFELINE"]
        assert environ["HOST_PERSONAS_DIR"] == str(deployment.folder / "personas")
    inside = [json.loads(f.read_text()) for f in deployment.folder.glob("environment-*.json")]
    assert len(inside) >= 2, "Ann is loaded in the parent and in the forkserver"
    assert CANARY not in json.dumps(inside)


def test_what_host_toml_passes_on_is_passed_on(deployment: Deployment) -> None:
    deployment.write("host.toml", 'pass_environment = ["CRM_TOKEN"]')
    deployment.persona("ann")
    token = "it's a \"token\"\n$HOME `id` \\ é"
    for environ in what_calls_get(deployment, CRM_TOKEN=token).values():
        assert environ["CRM_TOKEN"] == token
        assert CANARY not in json.dumps(environ)


def test_what_dotenv_holds_stays_out_of_calls_too(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write(".env", f"CRM_TOKEN={CANARY}-of-dotenv\nHOST_MAX_CALLS=3\n")
    for environ in what_calls_get(deployment).values():
        assert CANARY not in json.dumps(environ)
    settings = load_settings()
    assert environment.kept_back(settings) == ["CRM_TOKEN"]
