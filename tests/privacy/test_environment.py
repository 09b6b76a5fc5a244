"""Processes of calls get what they need of the environment, and no key, secret or other's token."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import spawn
from pathlib import Path

import pytest
from deployment import HERE, Deployment
from pydantic import SecretStr

from host.base.errors import SettingsError
from host.privacy import environment
from host.registry import load, read_settings
from host.registry.configure import with_any_plugin_keys
from host.settings import Settings, load_settings, variables_of_settings
from host.speech.prompts.refresh import _make

pytestmark = pytest.mark.processes

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

KEYS_OF_A_TELEPHONE = ["opt_out_key"]
"""Settings whose names end so, and that open nothing."""

HOST = """
import asyncio, json, os
import psutil
from livekit import api
from host import registry
from host.privacy import environment
from host.server.admission import make_server
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.settings import load_settings

async def main():
    settings, lifelines = load_settings(), HeartbeatMonitor(None)
    registry.load(settings).require()
    async with api.LiveKitAPI(settings.livekit_url) as livekit, lifelines.listening():
        with environment.kept_from_calls(settings):
            server = make_server(settings, lifelines, livekit, dev=False)
            started = asyncio.Event()
            server.once("worker_started", started.set)
            running = asyncio.create_task(server.run(devmode=False, unregistered=True))
            await asyncio.wait_for(started.wait(), 60)
            below = psutil.Process().children(recursive=True)
            told = {"parent": sorted(os.environ), "below": [each.environ() for each in below]}
            print(json.dumps(told), flush=True)
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


def what_calls_get(deployment: Deployment, **more: str) -> list[dict[str, str]]:
    """Start the processes for calls as `serve` does; return what each was started with."""
    given = {**os.environ, **SECRETS, **more, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(
        [sys.executable, "-c", HOST],
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
    assert len(told["below"]) >= 3, "a forkserver, and two processes that wait for calls"
    processes: list[dict[str, str]] = told["below"]
    return processes


def test_no_process_of_a_call_has_a_secret_in_its_environment(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", PERSONA)
    deployment.write(".env", f"OF_DOTENV={CANARY}\nHOST_MAX_CALLS=3\n")
    for environ in what_calls_get(deployment, CRM_TOKEN=f"{CANARY}-crm", HOST_TRUNK="ST_1"):
        assert CANARY not in json.dumps(environ)
        assert environ["PATH"] == os.environ["PATH"]
        assert environ["HOST_HEARTBEAT"]
        assert environ["HOST_PERSONAS_DIR"] == str(deployment.folder / "personas")
    inside = [json.loads(f.read_text()) for f in deployment.folder.glob("environment-*.json")]
    assert len(inside) >= 2, "Ann is loaded in the parent and in the forkserver"
    assert CANARY not in json.dumps(inside), "nor has she more when she is loaded by the parent"


def test_personas_are_loaded_once_for_all_calls_though_variables_set_how(
    deployment: Deployment,
) -> None:
    deployment.write("personas/ann.py", PERSONA)
    how = {"HOST_COUNTRIES": "DE", "HOST_CALLER_ID": "+493012345678", "HOST_MAX_CALLS": "3"}
    what_calls_get(deployment, **how, HOST_PASS_ENVIRONMENT="CRM_TOKEN", CRM_TOKEN="t")
    loaded = len([*deployment.folder.glob("environment-*.json")])
    assert loaded == 2, "by the parent and the forkserver, and not by each process that waits"


def test_what_host_toml_passes_on_is_passed_on(deployment: Deployment) -> None:
    deployment.write("host.toml", 'pass_environment = ["CRM_TOKEN"]')
    deployment.persona("ann")
    token = 'it\'s a "token"\n$HOME `id` \\ é'
    odd = {"PYTHON_Ä": "1", "LC_A B": "2", "LC_;exit": "3"}  # what a shell can't spell stays out
    for environ in what_calls_get(deployment, CRM_TOKEN=token, **odd):
        assert not set(odd) & set(environ)
        assert environ["CRM_TOKEN"] == token
        assert CANARY not in json.dumps(environ)


PTRACE_TRACEME, PTRACE_CONT = 0, 7


def command_lines(command: list[str], environ: dict[str, str]) -> tuple[str, str]:
    """Stop a program wherever it becomes another one (ptrace(2)): each command line, and output."""
    libc = ctypes.CDLL(None, use_errno=True)
    pipe = subprocess.PIPE

    def traced() -> None:
        if libc.ptrace(PTRACE_TRACEME, 0, None, None):
            raise OSError(ctypes.get_errno(), "nobody is traced here")

    try:
        run = subprocess.Popen(command, env=environ, stdout=pipe, text=True, preexec_fn=traced)
    except subprocess.SubprocessError:
        pytest.skip("this machine lets nobody watch a program")
    lines = ""
    while os.WIFSTOPPED(os.waitpid(run.pid, 0)[1]):
        lines += Path(f"/proc/{run.pid}/cmdline").read_text() + "\n"
        libc.ptrace(PTRACE_CONT, run.pid, None, None)
    return lines, run.communicate()[0]


def test_no_value_stands_on_a_command_line_which_everybody_may_read(deployment: Deployment) -> None:
    deployment.write("host.toml", 'pass_environment = ["CRM_TOKEN"]')
    given = {"CRM_TOKEN": f"{CANARY}-crm", "HTTPS_PROXY": f"http://me:{CANARY}@proxy.test"}
    os.environ.update(SECRETS, **given, HOST_OTLP_ENDPOINT="http://127.0.0.1:9")
    tells = "import json, os; print(json.dumps(dict(os.environ)))"
    with environment.kept_from_calls(read_settings()):
        launcher = os.fsdecode(spawn.get_executable())
        lines, told = command_lines([launcher, "-c", tells], dict(os.environ))
    assert lines.count(tells) >= 2, "the launcher, and the Python that it becomes"
    assert CANARY not in lines
    passed = {name for name, value in json.loads(told).items() if CANARY in value}
    assert passed == {*given, "OTEL_EXPORTER_OTLP_HEADERS"}


def test_the_key_of_traces_is_passed_where_calls_are_traced(deployment: Deployment) -> None:
    os.environ.update(OTEL_EXPORTER_OTLP_HEADERS="key=k")
    assert "OTEL_EXPORTER_OTLP_HEADERS" not in environment.of_a_call(read_settings())
    os.environ["HOST_OTLP_ENDPOINT"] = "http://127.0.0.1:9"
    assert "OTEL_EXPORTER_OTLP_HEADERS" in environment.of_a_call(read_settings())


def test_a_process_that_reads_the_settings_gets_the_settings(deployment: Deployment) -> None:
    os.environ.update(SECRETS, LIVEKIT_SIP_OUTBOUND_TRUNK="ST_1", CRM_TOKEN="t")
    os.environ["HOST_API_TOKEN"] = f"{CANARY}-of-who-may-place-calls"
    os.environ["HOST_CONSOLE_TOKEN"] = f"{CANARY}-of-who-may-see-calls"
    given = environment.of_a_helper(read_settings())
    assert {*SECRETS, "LIVEKIT_SIP_OUTBOUND_TRUNK", "PATH"} - set(given) == {
        "AWS_SECRET_ACCESS_KEY",
        "OTEL_EXPORTER_OTLP_HEADERS",
    }
    kept = {"CRM_TOKEN", "HOST_API_TOKEN", "HOST_CONSOLE_TOKEN"}
    assert not kept & set(given), "a helper answers nobody"


def test_a_program_of_the_local_world_gets_no_key_of_anybody(deployment: Deployment) -> None:
    os.environ.update(SECRETS, HOST_API_TOKEN=f"{CANARY}-api", HTTPS_PROXY=f"http://me:{CANARY}@p")
    os.environ["LC_ALL"] = "C.UTF-8"
    given = environment.of_a_program()
    assert CANARY not in json.dumps(given)
    assert (given["PATH"], given["LC_ALL"]) == (os.environ["PATH"], "C.UTF-8")


async def test_sounds_are_made_with_the_settings_and_nothing_else(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", PERSONA)
    deployment.write(".env", "OF_DOTENV=1\nHOST_MAX_CALLS=3\n")
    os.environ.update(PYTHONPATH=str(HERE.parent), CRM_TOKEN="t")
    settings = read_settings()
    (deployment.folder / f"environment-{os.getpid()}.json").unlink()  # of this process
    await _make(settings)
    (file,) = deployment.folder.glob("environment-*.json")
    assert not {"CRM_TOKEN", "OF_DOTENV"} & set(json.loads(file.read_text()))


def test_a_variable_of_dotenv_that_no_call_gets_is_named(deployment: Deployment) -> None:
    deployment.write(".env", "CRM_TOKEN=t\nPASSED=p\nHOST_MAX_CALLS=3\nOPENAI_API_KEY=k\nTZ=UTC\n")
    deployment.write("host.toml", 'pass_environment = ["PASSED"]')
    assert environment.kept_back(read_settings()) == ["CRM_TOKEN"]


def test_a_persona_that_lacks_a_variable_is_told_so_when_it_is_loaded(
    deployment: Deployment,
) -> None:
    ann = '"""Ann."""\nimport os\nTOKEN = os.environ["CRM_TOKEN"]\n'
    deployment.write("personas/ann.py", ann)
    os.environ["CRM_TOKEN"] = "t"
    assert deployment.faults() == [
        "personas/ann.py:3: calls have no variable CRM_TOKEN: name it in pass_environment"
    ]
    assert os.environ["CRM_TOKEN"] == "t", "the host itself keeps what it has"
    os.environ["HOST_PASS_ENVIRONMENT"] = "OTHER, CRM_TOKEN"
    assert "CRM_TOKEN" not in str(deployment.faults())


@pytest.mark.parametrize("name", ["", "A B", "A=B", "1A", "A;id", "$(id)", "Ä"])
def test_what_is_no_name_is_not_passed_on(deployment: Deployment, name: str) -> None:
    deployment.write("host.toml", f"pass_environment = {json.dumps([name])}")
    with pytest.raises(SettingsError, match="pass_environment"):
        load_settings()


def test_nothing_of_the_launcher_is_left(deployment: Deployment) -> None:
    before = spawn.get_executable()
    with environment.kept_from_calls(load_settings()):
        launcher = Path(os.fsdecode(spawn.get_executable()))
        assert launcher.stat().st_mode & 0o777 == 0o700
        assert CANARY not in launcher.read_text()
    assert not launcher.parent.exists()
    assert spawn.get_executable() == before


def test_a_folder_for_data_alone_is_not_where_it_stands(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = deployment.folder / "no such" / "folder"
    temporary.parent.write_text("a file, where nothing can be made")
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with environment.kept_from_calls(load_settings()):
        launcher = Path(os.fsdecode(spawn.get_executable()))
        assert launcher.is_relative_to(deployment.folder / ".host")
    monkeypatch.setenv("HOST_STATE_DIR", str(temporary))
    with (
        pytest.raises(SettingsError, match="set another TMPDIR"),
        environment.kept_from_calls(load_settings()),
    ):
        pass


def test_every_key_of_the_settings_is_a_secret() -> None:
    ends = ("key", "secret", "token", "password")
    named = [name for name in Settings.model_fields if name.endswith(ends)]
    assert {"livekit_api_key", "livekit_api_secret", "api_token"} <= set(named)
    plain = [name for name in named if Settings.model_fields[name].annotation is not SecretStr]
    assert plain == KEYS_OF_A_TELEPHONE


def test_settings_with_any_keys_lack_none_and_have_none_of_ours(deployment: Deployment) -> None:
    os.environ.update(SECRETS)
    settings = load_settings()
    settings = with_any_plugin_keys(settings, load(settings))
    plugins = [settings.plugin(name) for name in ("deepgram", "cartesia", "openai", "webhook")]
    values = [
        getattr(each, name) for each in (settings, *plugins) for name in type(each).model_fields
    ]
    secrets = [each.get_secret_value() for each in values if isinstance(each, SecretStr)]
    assert len(secrets) >= 7
    assert all(each and CANARY not in each for each in secrets)


def test_settings_are_read_from_variables_that_are_known() -> None:
    known = variables_of_settings()
    assert {"LIVEKIT_SIP_OUTBOUND_TRUNK", "HOST_TRUNK", "LIVEKIT_URL", "HOST_CONFIG"} <= known
