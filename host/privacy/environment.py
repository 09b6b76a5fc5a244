"""What the processes of calls get of the environment: what they need, and no key or secret.

A call has the host's settings with its job. What a persona or plugin reads from the environment by
itself is named in `pass_environment`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from multiprocessing import spawn
from pathlib import Path

from dotenv import dotenv_values

from host.base.errors import SettingsError
from host.settings import Settings, env_name, variables_of_settings

_OF_THE_MACHINE = """
PATH HOME USER LOGNAME SHELL TZ LANG LANGUAGE TMPDIR TEMP TMP VIRTUAL_ENV
LD_LIBRARY_PATH LD_PRELOAD XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
"""
OF_THE_MACHINE = frozenset(_OF_THE_MACHINE.split())
"""What any program needs that asks nobody on the internet."""
_NEEDED = """
SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
LIVEKIT_URL LIVEKIT_INFERENCE_URL LIVEKIT_OBSERVABILITY_URL LIVEKIT_REMOTE_EOT_URL
LIVEKIT_AGENT_ID LIVEKIT_AGENT_DEPLOYMENT LIVEKIT_REGION_NAME LIVEKIT_DEV_MODE
LIVEKIT_LIB_PATH LIVEKIT_LOG_LEVEL LIVEKIT_RTC_DEBUG LIVEKIT_TELEMETRY_ALLOW_PII
HOST_CONFIG HOST_PERSONAS_DIR HOST_PLUGINS_DIR HOST_DISABLE_PLUGINS HOST_PLUGIN_ORDER
HOST_DEFAULT_PERSONA
HOST_HEARTBEAT _HOST_METRICS_SOCKET PROMETHEUS_MULTIPROC_DIR
"""
NEEDED = OF_THE_MACHINE.union(_NEEDED.split())
"""What Python, LiveKit, TLS and the way to the internet need, where personas are, and where the
parent listens."""
NEEDED_KINDS = ("LC_", "PYTHON", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_", "LIVEKIT_AGENTS_")
"""How the names of more of them begin."""

_REDUCES = """\
import os, sys
passed = {{name: os.environ[name] for name in {names!r}.split() if name in os.environ}}
os.execve({python!r}, [{python!r}, *sys.argv[1:]], passed)
"""


def is_passed(name: str, settings: Settings) -> bool:
    """Tell whether the processes of calls get a variable."""
    if name in settings.pass_environment:
        return True
    if any(fnmatchcase(name, wanted) for wanted in settings.plugin_values.passed):
        return True
    return name in NEEDED or name.startswith(NEEDED_KINDS)


def of_a_call(settings: Settings) -> dict[str, str]:
    """Return the environment of a call's process."""
    return {name: value for name, value in os.environ.items() if is_passed(name, settings)}


def of_a_helper(settings: Settings) -> dict[str, str]:
    """Return the environment of a process of ours that reads the settings for itself.

    It answers nobody at the API, and has not its token.
    """
    known = variables_of_settings() | settings.plugin_values.variables
    known -= {env_name("api_token")}
    own = {name: value for name, value in os.environ.items() if name.upper() in known}
    return of_a_call(settings) | own


def of_a_program() -> dict[str, str]:
    """Return the environment of a program that works on this machine alone."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in OF_THE_MACHINE or name.startswith(NEEDED_KINDS)
    }


def kept_back(settings: Settings) -> list[str]:
    """Name the variables of `.env` that are no settings and that no call gets."""
    known = variables_of_settings() | settings.plugin_values.variables
    try:
        named = dotenv_values(".env")
    except (OSError, UnicodeDecodeError):
        return []
    return sorted(
        name for name in named if name.upper() not in known and not is_passed(name, settings)
    )


@contextlib.contextmanager
def as_in_a_call(settings: Settings) -> Iterator[None]:
    """Have no more of the environment than a call has, until the end of the block.

    What personas and plugins lack of it is found out when they are loaded, and not in a call.
    """
    hidden = {name: os.environ[name] for name in os.environ if not is_passed(name, settings)}
    for name in hidden:
        del os.environ[name]
    _hidden.update(hidden)
    try:
        yield
    finally:
        _hidden.clear()
        os.environ.update(hidden)


_hidden: set[str] = set()


def is_hidden(name: str) -> bool:
    """Tell whether a variable is there, and kept back by `as_in_a_call`."""
    return name in _hidden


@contextlib.contextmanager
def kept_from_calls(settings: Settings) -> Iterator[None]:
    """Start Python's processes with the environment of a call, until the end of the block.

    LiveKit puts its key and secret into the environment before it starts its forkserver, and what
    a process was started with can be read as long as it lives. So the forkserver is started by a
    program that leaves them out. Raises SettingsError where no program of ours may be run.
    """
    before = spawn.get_executable()
    launcher = _launcher(settings)
    multiprocessing.set_executable(str(launcher))
    try:
        yield
    finally:
        multiprocessing.set_executable(before)
        shutil.rmtree(launcher.parent, ignore_errors=True)


def _launcher(settings: Settings) -> Path:
    """Write the program that stands for Python; it holds names of variables, and no values."""
    for place in (Path(tempfile.gettempdir()), settings.state_dir):
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            launcher = Path(tempfile.mkdtemp(prefix="host-", dir=place.absolute())) / "python"
            launcher.write_text(_program(settings))
            launcher.chmod(0o700)
            if os.access(launcher, os.X_OK):
                return launcher
            shutil.rmtree(launcher.parent, ignore_errors=True)  # mounted noexec, for data alone
    raise SettingsError("no program may be run from TMPDIR or HOST_STATE_DIR: set another TMPDIR")


def _program(settings: Settings) -> str:
    """Make the program: a Python that starts Python with a smaller environment.

    A command line is open to everybody on the machine, so it has names alone. What is set after
    the program was made is passed on, too, where its name is known now.
    """
    names = NEEDED.union(name for name in os.environ if is_passed(name, settings))
    plain = sorted(name for name in names if name.isascii() and name.isidentifier())
    code = _REDUCES.format(python=sys.executable, names=" ".join(plain))
    # -I and -S: it needs nobody's settings and packages, and starts at once.
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -ISc {shlex.quote(code)} "$@"\n'
