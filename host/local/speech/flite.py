"""The program flite: where it is, and one run of it.

flite is deterministic: the same text gives the same samples, on which `locate` rests.
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
    """Give the folder where things made once for this user are kept: flite, livekit-server."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "host"


def find_flite() -> Path | None:
    """Find flite on the PATH, or where `make setup` unpacks it for a user who isn't root."""
    found = shutil.which("flite")
    unpacked = cache() / "flite" / "usr" / "bin" / "flite"
    if found:
        return Path(found)
    return unpacked if unpacked.is_file() else None


def run_flite(*arguments: str, text: str) -> bytes:
    """Run flite on `text` and give what it writes; raise HostError when there is no flite.

    From a file, or its standard input, it would read sentences of its own, and speak them
    differently.
    """
    program = find_flite()
    if program is None:
        raise HostError("flite is not installed: run `make setup`")
    done = subprocess.run(
        [str(program), "-voice", VOICE, "-t", _plain(text), *arguments],
        capture_output=True,
        env=_environment(program),
        timeout=SECONDS_TO_SPEAK,
        check=True,
    )
    return done.stdout


def _plain(text: str) -> str:
    """Give the text in the letters that flite knows, ASCII: é as e, typographic marks as plain."""
    letters = unicodedata.normalize("NFKD", text.translate(_MARKS))
    return letters.encode("ascii", "ignore").decode().replace("\0", "")


_MARKS = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": " - ", "—": " - ", "…": "...", "\u00a0": " "}
)


@lru_cache
def _environment(program: Path) -> dict[str, str]:
    """Let a flite outside the system's folders find the libraries that lie beside it."""
    libraries = sorted(str(p.parent) for p in program.parents[1].glob("lib/*/libflite.so.*"))
    if program.is_relative_to("/usr") or not libraries:
        return of_a_program()
    before = os.environ.get("LD_LIBRARY_PATH")
    path = [libraries[0], *([before] if before else [])]
    return {**of_a_program(), "LD_LIBRARY_PATH": os.pathsep.join(path)}
