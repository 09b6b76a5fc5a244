"""Installs what a fresh machine lacks: `.venv`, its packages, flite, livekit-server.

`make setup` runs this file by its path before any package is installed, so it uses the standard
library only and imports nothing of the host; hence one module in spite of its length. It prints
nothing if nothing is missing.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
OLDEST = 3, 11
TRIED = 3, 13
NEWEST = 3, 15
"""Python versions: the minimum, the newest that the packages were tested with, and the newest to
look for by name."""


class SetupError(Exception):
    """A problem that a person must solve, in one line."""


class Python(NamedTuple):
    """A Python on this machine, and whether it can create a virtual environment."""

    program: str
    version: tuple[int, int]
    can_make_venv: bool


def main(arguments: list[str]) -> int:
    """Install what is missing, or pin versions again with --constraints."""
    try:
        with alone(ROOT):
            if arguments == ["--constraints"]:
                write_constraints(ROOT)
            else:
                set_up(ROOT)
    except (SetupError, OSError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def set_up(root: Path) -> None:
    """Install each missing part; a failure does not stop later parts."""
    ensure_packages(root)
    failed = []
    for ensure in (ensure_flite, ensure_livekit_server):
        try:
            ensure(root)
        except SetupError as error:
            failed.append(str(error))
    if failed:
        raise SetupError("\nsetup: ".join(failed))


# The virtual environment and its packages.


def ensure_packages(root: Path) -> None:
    """Create `.venv` and install the pinned packages, unless the stamp is current."""
    venv = root / ".venv"
    stamp = venv / "host-packages"
    if works(venv) and read(stamp) == stamp_of(root):
        return
    if not works(venv):
        make_venv(venv)
    say("installing packages into .venv (the first time takes a minute or two)")
    pip = [str(venv / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    wanted = ["install", "--quiet", "-c", "constraints.txt", "-e", ".[dev]"]
    run([*pip, *wanted], "installing packages", cwd=root)
    stamp.write_text(stamp_of(root))


def make_venv(venv: Path) -> None:
    """Create a virtual environment; install Debian's venv package if needed and possible."""
    pythons = list(find_pythons(os.environ))
    python = choose_python(pythons)
    if not python.can_make_venv:
        package = venv_package(python, pythons)
        become_root = root_by() if shutil.which("apt-get") else None
        if become_root is None:
            raise SetupError(f"{python.program} can't make .venv: apt-get install {package}")
        apt_install(package, become_root)
    say("making .venv with Python {}.{}".format(*python.version))
    run([python.program, "-m", "venv", "--clear", str(venv)], "making .venv")


def works(venv: Path) -> bool:
    """Return whether a virtual environment is complete and its Python still exists."""
    return all(os.access(venv / "bin" / program, os.X_OK) for program in ("python", "pip"))


def stamp_of(root: Path) -> str:
    """Return a hash of what determines the packages, the repository's path included."""
    digest = hashlib.sha256(str(root).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def find_pythons(environment: Mapping[str, str]) -> Iterator[Python]:
    """Yield the Pythons on the PATH, by name, newest first."""
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    for name in [*names, "python3"]:
        program = shutil.which(name, path=environment.get("PATH"))
        if python := program and ask_python(program):
            yield python


ASK = """
import sys
try: import venv, ensurepip; can = 1
except ImportError: can = 0
print(*sys.version_info[:2], can)
"""


def ask_python(program: str) -> Python | None:
    """Return a program's version; None if it does not run, as with a shim."""
    done = subprocess.run([program, "-Ic", ASK], capture_output=True, text=True, check=False)
    output = done.stdout.split()
    if done.returncode or len(output) != 3:
        return None
    return Python(program, (int(output[0]), int(output[1])), output[2] == "1")


def choose_python(pythons: Iterable[Python]) -> Python:
    """Choose the newest Python, preferably one that can create a virtual environment.

    One newer than TRIED is the last choice. Raises SetupError if there is none.
    """
    fit = [python for python in pythons if python.version >= OLDEST]
    if not fit:
        raise SetupError("no Python 3.11 or later here: apt-get install python3 python3-venv")
    return max(fit, key=lambda one: (one.can_make_venv, one.version <= TRIED, one.version))


def venv_package(python: Python, pythons: Iterable[Python]) -> str:
    """Return the Debian package that provides venv for a Python."""
    usual = any(Path(p.program).name == "python3" and p.version == python.version for p in pythons)
    return "python3-venv" if usual else "python{}.{}-venv".format(*python.version)


# flite, the local world's TTS.


def cache() -> Path:
    """Return the cache folder that host.local.speech.flite and host.local.livekit use."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "host"


def ensure_flite(_root: Path) -> None:
    """Install flite by apt-get as root or with sudo, else unpack it into the cache."""
    unpacked = cache() / "flite"
    if shutil.which("flite") or (unpacked / "usr" / "bin" / "flite").is_file():
        return
    if not shutil.which("apt-get"):
        raise SetupError("flite is missing, and no apt-get here to install it: install flite")
    become_root = root_by()
    if become_root is not None:
        apt_install("flite", become_root)
    else:
        unpack_flite(unpacked)


def root_by() -> list[str] | None:
    """Return the prefix of commands that need root: nothing or sudo; None if neither works."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and not subprocess.run([sudo, "-n", "true"], capture_output=True).returncode:
        return [sudo, "-n"]
    return None


def apt_install(package: str, become_root: list[str]) -> None:
    """Install a system package; fetch the package lists if needed."""
    say(f"installing {package} (apt-get install {package})")
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    apt += ["-o", "DPkg::Lock::Timeout=120"]
    install = [*apt, "install", "-y", "--no-install-recommends", package]
    if any(Path("/var/lib/apt/lists").glob("*_Packages*")) and not attempt(install):
        return
    attempt([*apt, "update"])
    run(install, f"apt-get install {package}")


def unpack_flite(folder: Path) -> None:
    """Download flite's packages without root and unpack them for this user."""
    say(f"unpacking flite into {folder} (no root here for apt-get install flite)")
    mend = "flite is missing (as root: apt-get install flite); unpacking it"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="flite-") as made:
        options = private_lists(Path(made))
        plan = run(["apt-get", *options, "-s", "install", "--no-install-recommends", "flite"], mend)
        packages = re.findall(r"^Inst (\S+)", plan, re.MULTILINE)
        run(["apt-get", *options, "-q", "download", *packages], mend, cwd=Path(made))
        for package in Path(made).glob("*.deb"):
            run(["dpkg", "-x", str(package), str(Path(made) / "unpacked")], mend)
        shutil.rmtree(folder, ignore_errors=True)
        (Path(made) / "unpacked").rename(folder)


def private_lists(folder: Path) -> list[str]:
    """Return apt-get's options for package lists: the system's, or lists fetched to `folder`."""
    if any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        return []
    lists, archives = folder / "lists", folder / "cache"
    (lists / "partial").mkdir(parents=True)
    (archives / "archives" / "partial").mkdir(parents=True)
    options = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={archives}"]
    run(["apt-get", "-q", *options, "update"], "apt-get update")
    return options


# livekit-server.


FIND = """
import sys
from host.base.errors import HostError
from host.local.livekit import find_or_build
try: print(find_or_build())
except HostError as error: print(error); sys.exit(1)
"""


def ensure_livekit_server(root: Path) -> None:
    """Find or build livekit-server, unless the stamp says where it is."""
    stamp = root / ".venv" / "host-livekit-server"
    asked = f"{os.environ.get('HOST_LIVEKIT_SERVER', '')} {cache()}"
    before, _, found = read(stamp).partition("\n")
    if before == asked and os.access(found, os.X_OK):
        return
    # In the .venv's Python, which has the packages; its progress stays visible.
    python = str(root / ".venv" / "bin" / "python")
    done = subprocess.run([python, "-c", FIND], cwd=root, stdout=subprocess.PIPE, text=True)
    output = done.stdout.strip()
    if done.returncode:
        raise SetupError(output or "looking for livekit-server failed, see above")
    stamp.write_text(f"{asked}\n{output}")


# constraints.txt.

HEADING = "# The versions that `make setup` installs; `make constraints` chooses them anew.\n"
EVERYTHING = ".[dev,bench]"
"""The extras whose versions are pinned; those of `bench` are installed by `make bench` alone."""


def write_constraints(root: Path) -> None:
    """Resolve `.[dev,bench]` against the package index and write the pinned versions."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    kept |= {name: os.environ[name] for name in ("PIP_CERT", "PIP_PROXY") if name in os.environ}
    # No configuration file: a machine's own links could pin versions unavailable elsewhere.
    kept["PIP_CONFIG_FILE"] = os.devnull
    if not works(root / ".venv"):
        make_venv(root / ".venv")
    say("choosing the versions of constraints.txt")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [str(root / ".venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        wanted = ["--dry-run", "--ignore-installed", "--report", str(report), "-e", EVERYTHING]
        run([*pip, *wanted], "choosing versions", cwd=root, env=kept)
        (root / "constraints.txt").write_text(constraints_of(json.loads(report.read_text())))


def constraints_of(report: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    """Return the text of constraints.txt for pip's installation report, without the host."""
    found = (package["metadata"] for package in report["install"])
    pins = {each["name"].lower().replace("_", "-"): each["version"] for each in found}
    pins.pop("host", None)
    return HEADING + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins))


# Steps.


def say(what: str) -> None:
    """Print a step."""
    print(f"setup: {what}", flush=True)


def read(file: Path) -> str:
    """Return a file's text; empty if it does not exist."""
    return file.read_text() if file.is_file() else ""


def attempt(command: list[str]) -> int:
    """Run a command silently and return its exit code."""
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode


def run(
    command: list[str], what: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a step and return its output. Raises SetupError with the end of its errors."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        raise SetupError(f"{what}: failed: {last_words(done.stderr or done.stdout)}")
    return done.stdout


def last_words(output: str) -> str:
    """Return the errors in a failed program's output: apt's and pip's, else its last lines."""
    errors = re.findall(r"^\s*(?:E|ERROR|error): (.+)$", output, re.MULTILINE)
    # pip wraps the error of a program it ran into a generic one, so the first is informative.
    return errors[0] if errors else " / ".join(output.strip().splitlines()[-3:])


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait for other setups in this repository."""
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
