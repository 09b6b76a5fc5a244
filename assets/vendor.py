"""Copies the console's scripts out of npm's packages: `python assets/vendor.py`.

Run it after a change of `package.json`, which has the exact versions, the SHA-512 of each package,
and the files to copy. A package with another hash is refused. The copies are committed, with their
hashes in `SHA256SUMS`, so that a clone needs no Node.js. Needs npm.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TO = HERE.parent / "host" / "server" / "console" / "static" / "vendor"
SUMS = HERE / "SHA256SUMS"


def main() -> None:
    """Fetch each package, check it, and copy its files."""
    wanted = json.loads((HERE / "package.json").read_text())
    with tempfile.TemporaryDirectory() as folder:
        packages = {
            name: fetch(name, version, wanted["integrity"][name], Path(folder))
            for name, version in wanted["dependencies"].items()
        }
        for old in TO.iterdir():
            old.unlink()
        for file, (package, path) in wanted["files"].items():
            (TO / file).write_bytes(read(packages[package], path))
    SUMS.write_text("".join(f"{digest(file)}  {file.name}\n" for file in sorted(TO.iterdir())))


def fetch(name: str, version: str, integrity: str, folder: Path) -> Path:
    """Download a package without running any of it; exit if it has another hash."""
    packed = ["npm", "pack", "--json", "--ignore-scripts", f"{name}@{version}"]
    done = subprocess.run(packed, cwd=folder, check=True, capture_output=True, text=True)
    told: Any = json.loads(done.stdout)
    (one,) = told.values() if isinstance(told, dict) else told
    archive = folder / str(one["filename"])
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{found}" != integrity:
        raise SystemExit(f"{name}@{version} is sha512-{found}, and not {integrity}")
    return archive


def read(archive: Path, path: str) -> bytes:
    """Return a file of a package."""
    with tarfile.open(archive) as opened:
        member = opened.extractfile(f"package/{path}")
        assert member is not None, path
        return member.read()


def digest(file: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
