"""The environment of calls' processes: only what they need, without keys and secrets.

A call receives the host's settings with its job. Variables that a persona or plugin reads itself
are listed in `pass_environment`.
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
"""Variables of any local program."""
_NEEDED = """
SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
LIVEKIT_URL LIVEKIT_INFERENCE_URL LIVEKIT_OBSERVABILITY_URL LIVEKIT_REMOTE_EOT_URL
LIVEKIT_AGENT_ID LIVEKIT_AGENT_DEPLOYMENT LIVEKIT_REGION_NAME LIVEKIT_DEV_MODE
LIVEKIT_LIB_PATH LIVEKIT_LOG_LEVEL LIVEKIT_RTC_DEBUG LIVEKIT_TELEMETRY_ALLOW_PII
HOST_CONFIG HOST_PERSONAS_DIR HOST_PLUGINS_DIR HOST_DISABLE_PLUGINS HOST_PLUGIN_ORDER
HOST_DEFAULT_PERSONA HOST_COUNTRIES HOST_CALLER_ID HOST_PASS_ENVIRONMENT
HOST_STT HOST_STT_FALLBACKS HOST_LLM HOST_LLM_FALLBACKS HOST_TTS HOST_TTS_FALLBACKS HOST_INFERENCE
HOST_HEARTBEAT _HOST_EVENTS _HOST_CONTROL _HOST_METRICS_SOCKET PROMETHEUS_MULTIPROC_DIR
"""
NEEDED = OF_THE_MACHINE.union(_NEEDED.split())
"""Variables for Python, LiveKit, TLS and proxies, those settings by which the forkserver loads
personas, plugins and libraries of providers for all calls to share, and the addresses of the host's
sockets."""
NEEDED_KINDS = ("LC_", "PYTHON", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_", "LIVEKIT_AGENTS_")
"""Prefixes of further variables that are passed."""

_REDUCES = """\
import os, sys
passed = {{name: os.environ[name] for name in {names!r}.split() if name in os.environ}}
os.execve({python!r}, [{python!r}, *sys.argv[1:]], passed)
"""


def is_passed(name: str, settings: Settings) -> bool:
    """Return whether calls' processes get a variable."""
    if name in settings.pass_environment:
        return True
    if any(fnmatchcase(name, wanted) for wanted in settings.plugin_values.passed):
        return True
    return name in NEEDED or name.startswith(NEEDED_KINDS)


def of_a_call(settings: Settings) -> dict[str, str]:
    """Return the environment of a call's process."""
    return {name: value for name, value in os.environ.items() if is_passed(name, settings)}


def of_a_helper(settings: Settings) -> dict[str, str]:
    """Return the environment of a helper process that reads the settings itself.

    The tokens of the API and the console are left out, because a helper serves neither.
    """
    known = variables_of_settings() | settings.plugin_values.variables
    known -= {env_name(f"{name}_token") for name in ("api", "api_second", "console")}
    own = {name: value for name, value in os.environ.items() if name.upper() in known}
    return of_a_call(settings) | own


def of_a_program() -> dict[str, str]:
    """Return the environment of a program that needs no network."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in OF_THE_MACHINE or name.startswith(NEEDED_KINDS)
    }


def kept_back(settings: Settings) -> list[str]:
    """Return the variables of `.env` that are not settings and that calls do not get."""
    known = variables_of_settings() | settings.plugin_values.variables
    known |= {name.upper() for name in settings.references}
    try:
        named = dotenv_values(".env")
    except (OSError, UnicodeDecodeError):
        return []
    return sorted(
        name for name in named if name.upper() not in known and not is_passed(name, settings)
    )


@contextlib.contextmanager
def as_in_a_call(settings: Settings) -> Iterator[None]:
    """Reduce `os.environ` to a call's environment inside the block.

    A persona or plugin that lacks a variable then fails when it is loaded, not in a call.
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
    """Return whether a variable is set but hidden by `as_in_a_call`."""
    return name in _hidden


@contextlib.contextmanager
def kept_from_calls(settings: Settings) -> Iterator[None]:
    """Start Python child processes with a call's environment inside the block.

    LiveKit puts its key and secret into the environment before it starts its forkserver, and a
    process's initial environment stays readable. So the forkserver is started through a launcher
    that drops them. Raises SettingsError if no launcher can be executed.
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
    """Write the launcher that replaces Python; it contains names of variables, no values."""
    for place in (Path(tempfile.gettempdir()), settings.state_dir):
        with contextlib.suppress(OSError):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            launcher = Path(tempfile.mkdtemp(prefix="host-", dir=place.absolute())) / "python"
            launcher.write_text(_program(settings))
            launcher.chmod(0o700)
            if os.access(launcher, os.X_OK):
                return launcher
            shutil.rmtree(launcher.parent, ignore_errors=True)  # mounted noexec
    raise SettingsError("no program may be run from TMPDIR or HOST_STATE_DIR: set another TMPDIR")


def _program(settings: Settings) -> str:
    """Return the launcher: a Python that executes Python with a reduced environment.

    A command line is visible to every user, so it contains names only. A variable that is set
    later is passed too, if its name is listed now.
    """
    names = NEEDED.union(name for name in os.environ if is_passed(name, settings))
    plain = sorted(name for name in names if name.isascii() and name.isidentifier())
    code = _REDUCES.format(python=sys.executable, names=" ".join(plain))
    # -I and -S skip user settings and site-packages, which also starts faster.
    return f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -ISc {shlex.quote(code)} "$@"\n'
