"""Makes what a fresh machine lacks: `.venv`, its packages, flite, livekit-server.

`make setup` runs this file by its path, before any package is there; so it needs nothing but the
standard library, and imports nothing of the host. When nothing is missing it says nothing.
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
"""Python: the oldest that will do, the newest that the packages were tried with, and the newest
that is looked for by its name."""


class SetupError(Exception):
    """What a person must do before setup can go on, in one line."""


class Python(NamedTuple):
    """A Python of this machine, and whether it can make a virtual environment."""

    program: str
    version: tuple[int, int]
    can_make_venv: bool


def main(arguments: list[str]) -> int:
    """Make what is missing, or with --constraints choose the pinned versions anew."""
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
    """Make each part that is missing; what fails does not keep the later parts from being made."""
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
    """Make `.venv` and install the pinned packages, unless the stamp says it is done."""
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
    """Make a virtual environment; as root, install what Debian's Python lacks for it."""
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
    """Tell whether a virtual environment is whole, and its Python still on this machine."""
    return all(os.access(venv / "bin" / program, os.X_OK) for program in ("python", "pip"))


def stamp_of(root: Path) -> str:
    """Give what the packages follow from; another place of the repository counts as a change."""
    told = hashlib.sha256(str(root).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        told.update((root / name).read_bytes())
    return told.hexdigest()


def find_pythons(environment: Mapping[str, str]) -> Iterator[Python]:
    """Ask every Python on the PATH for its version, by name, the newest first."""
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
    """Ask a program for its version; None if it does not run, as a shim may not."""
    done = subprocess.run([program, "-Ic", ASK], capture_output=True, text=True, check=False)
    told = done.stdout.split()
    if done.returncode or len(told) != 3:
        return None
    return Python(program, (int(told[0]), int(told[1])), told[2] == "1")


def choose_python(pythons: Iterable[Python]) -> Python:
    """Choose the newest Python, of those that can make a virtual environment if there are any.

    One newer than the packages have been tried with is the last choice. Raises SetupError when
    there is none.
    """
    fit = [python for python in pythons if python.version >= OLDEST]
    if not fit:
        raise SetupError("no Python 3.11 or later here: apt-get install python3 python3-venv")
    return max(fit, key=lambda one: (one.can_make_venv, one.version <= TRIED, one.version))


def venv_package(python: Python, pythons: Iterable[Python]) -> str:
    """Name the Debian package that lets a Python make virtual environments."""
    usual = any(Path(p.program).name == "python3" and p.version == python.version for p in pythons)
    return "python3-venv" if usual else "python{}.{}-venv".format(*python.version)


# flite, the voice of the local world.


def cache() -> Path:
    """Give the folder where host.local.speech.flite and host.local.livekit look."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "host"


def ensure_flite(_root: Path) -> None:
    """Install flite: by apt-get as root or by sudo, else unpacked into the cache."""
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
    """Give what to put before a command that needs root: nothing, sudo, or None if neither."""
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and not subprocess.run([sudo, "-n", "true"], capture_output=True).returncode:
        return [sudo, "-n"]
    return None


def apt_install(package: str, become_root: list[str]) -> None:
    """Install a package of the system, with its list of packages fetched if that is needed."""
    say(f"installing {package} (apt-get install {package})")
    apt = [*become_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
    apt += ["-o", "DPkg::Lock::Timeout=120"]
    install = [*apt, "install", "-y", "--no-install-recommends", package]
    if any(Path("/var/lib/apt/lists").glob("*_Packages*")) and not attempt(install):
        return
    attempt([*apt, "update"])
    run(install, f"apt-get install {package}")


def unpack_flite(folder: Path) -> None:
    """Fetch flite's packages without root and unpack them for this user."""
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
    """Let apt-get know the packages: by the system's list, else by one fetched into `folder`."""
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
    """Let host.local.livekit find or build the server, unless it is where it was found before."""
    stamp = root / ".venv" / "host-livekit-server"
    asked = f"{os.environ.get('HOST_LIVEKIT_SERVER', '')} {cache()}"
    before, _, found = read(stamp).partition("\n")
    if before == asked and os.access(found, os.X_OK):
        return
    # In another Python, as only that one has the packages; what it says of its progress is seen.
    python = str(root / ".venv" / "bin" / "python")
    done = subprocess.run([python, "-c", FIND], cwd=root, stdout=subprocess.PIPE, text=True)
    told = done.stdout.strip()
    if done.returncode:
        raise SetupError(told or "looking for livekit-server failed, see above")
    stamp.write_text(f"{asked}\n{told}")


# constraints.txt.

HEADING = "# The versions that `make setup` installs; `make constraints` chooses them anew.\n"


def write_constraints(root: Path) -> None:
    """Resolve `.[dev]` afresh against the package index alone and write what was chosen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    kept |= {name: os.environ[name] for name in ("PIP_CERT", "PIP_PROXY") if name in os.environ}
    # No configuration file: a machine's own links would pin what others can't get.
    kept["PIP_CONFIG_FILE"] = os.devnull
    if not works(root / ".venv"):
        make_venv(root / ".venv")
    say("choosing the versions of constraints.txt")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        pip = [str(root / ".venv" / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        wanted = ["--dry-run", "--ignore-installed", "--report", str(report), "-e", ".[dev]"]
        run([*pip, *wanted], "choosing versions", cwd=root, env=kept)
        (root / "constraints.txt").write_text(constraints_of(json.loads(report.read_text())))


def constraints_of(report: dict[str, list[dict[str, dict[str, str]]]]) -> str:
    """Give the text of constraints.txt for pip's installation report, without the host itself."""
    found = (package["metadata"] for package in report["install"])
    pins = {each["name"].lower().replace("_", "-"): each["version"] for each in found}
    pins.pop("host", None)
    return HEADING + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins))


# Steps.


def say(what: str) -> None:
    """Tell what is being done."""
    print(f"setup: {what}", flush=True)


def read(file: Path) -> str:
    """Give what a file says; nothing if it is not there."""
    return file.read_text() if file.is_file() else ""


def attempt(command: list[str]) -> int:
    """Run a command without a word and give its exit code."""
    return subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode


def run(
    command: list[str], what: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run a step and give what it prints; raise SetupError with its last words when it fails."""
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


def last_words(told: str) -> str:
    """Give what a failed program's output says is wrong: apt's and pip's errors, else its end."""
    errors = re.findall(r"^\s*(?:E|ERROR|error): (.+)$", told, re.MULTILINE)
    # pip wraps the error of a program that it ran into one that says nothing: the first tells.
    return errors[0] if errors else " / ".join(told.strip().splitlines()[-3:])


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Wait until no other setup works in this repository."""
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
