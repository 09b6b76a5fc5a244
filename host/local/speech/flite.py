"""Finds and runs the program flite.

flite is deterministic: the same text always yields the same samples, on which `locate` depends.
"""

import os
import shutil
import subprocess
import unicodedata
from functools import lru_cache
from pathlib import Path

from host.base.errors import HostError
from host.privacy.environment import of_a_program

VOICE = "rms"
SECONDS_TO_SPEAK = 30.0


def cache() -> Path:
    """Return the cache folder of this user: flite, livekit-server."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "host"


def find_flite() -> Path | None:
    """Return flite on the PATH, or where `make setup` unpacks it without root."""
    found = shutil.which("flite")
    unpacked = cache() / "flite" / "usr" / "bin" / "flite"
    if found:
        return Path(found)
    return unpacked if unpacked.is_file() else None


def require_flite() -> Path:
    """Return flite. Raises HostError without it."""
    program = find_flite()
    if program is None:
        raise HostError("flite is not installed: apt-get install flite (in a clone: make setup)")
    return program


def run_flite(*arguments: str, text: str) -> bytes:
    """Run flite on `text` and return its output. Raises HostError without flite.

    The text is an argument, because flite splits a file or standard input into sentences of its
    own, and speaks them differently.
    """
    program = require_flite()
    done = subprocess.run(
        [str(program), "-voice", VOICE, "-t", _plain(text), *arguments],
        capture_output=True,
        env=_environment(program),
        timeout=SECONDS_TO_SPEAK,
        check=True,
    )
    return done.stdout


def _plain(text: str) -> str:
    """Convert text to ASCII, as flite requires: é to e, typographic marks to plain ones."""
    letters = unicodedata.normalize("NFKD", text.translate(_MARKS))
    return letters.encode("ascii", "ignore").decode().replace("\0", "")


_MARKS = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": " - ", "—": " - ", "…": "...", "\u00a0": " "}
)


@lru_cache
def _environment(program: Path) -> dict[str, str]:
    """Return the environment, with the libraries beside an unpacked flite."""
    libraries = sorted(str(p.parent) for p in program.parents[1].glob("lib/*/libflite.so.*"))
    if program.is_relative_to("/usr") or not libraries:
        return of_a_program()
    before = os.environ.get("LD_LIBRARY_PATH")
    path = [libraries[0], *([before] if before else [])]
    return {**of_a_program(), "LD_LIBRARY_PATH": os.pathsep.join(path)}
