"""Builds livekit-sip once for this user, from its Go module.

1.0.0 is the release that Go's module proxy serves by its version. `go install` refuses it for the
replace directives in its go.mod, so it is built inside its module.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from host.base.errors import HostError
from host.local.go import Workshop, build_once, built

VERSION = "1.0.0"
MODULE = "github.com/livekit/sip"
SETTING = "HOST_LIVEKIT_SIP"
SUM = "h1:o7XEcZHFvaC0R2vqYhGb6aTv9Npe5uLEFhHcDRfPk9U="
"""The module's hash: Go's checksum database does not know the module. Its go.sum has the others."""

LIBRARIES = {"opus": "libopus-dev", "opusfile": "libopusfile-dev", "soxr": "libsoxr-dev"}
"""What it is linked with: names for pkg-config, and Debian's packages."""

MEDIA = Path("pkg", "sip", "media_port.go")
EVERYWHERE = "opts.Ports.End, netip.AddrFrom4([4]byte{0, 0, 0, 0}))"
HERE = "opts.Ports.End, opts.IP)"
"""livekit-sip receives RTP on every address of the machine; ours, on the one that it announces."""


def built_sip() -> Path:
    """Return the path of the built livekit-sip."""
    return built("livekit-sip", VERSION)


def build_sip() -> Path:
    """Build livekit-sip unless it exists; concurrent builds wait for each other.

    Needs about 1.5 GB of disk during the build, 40 MB after. Raises HostError on failure.
    """
    if not built_sip().is_file():
        require_libraries()
    return build_once(built_sip(), "livekit-sip", SETTING, _build)


def require_libraries() -> None:
    """Raise HostError that says what to install, unless all is there that the build needs."""
    missing = [] if shutil.which("gcc") or shutil.which("cc") else ["gcc", "libc6-dev"]
    if shutil.which("pkg-config") is None:
        missing += ["pkg-config", *LIBRARIES.values()]
    else:
        missing += [package for name, package in LIBRARIES.items() if not _is_installed(name)]
    if missing:
        raise HostError(
            f"building livekit-sip needs {', '.join(missing)}: apt-get install {' '.join(missing)}"
            f" (or let {SETTING} name a ready livekit-sip)"
        )


def _is_installed(library: str) -> bool:
    asked = subprocess.run(["pkg-config", "--exists", library], capture_output=True, check=False)
    return asked.returncode == 0


def _build(workshop: Workshop) -> Path:
    go = workshop.go()
    unknown = filter(None, [os.environ.get("GONOSUMDB"), MODULE])
    workshop.environment |= {"CGO_ENABLED": "1", "GONOSUMDB": ",".join(unknown)}
    fetch = [go, "mod", "download", "-json", f"{MODULE}@v{VERSION}"]
    printed = workshop.run(f"fetching livekit-sip {VERSION}", fetch)
    module = json.loads(printed[printed.index("{") :])
    if module["Sum"] != SUM:
        raise HostError(f"livekit-sip {VERSION}: not the source of the release: {module['Sum']}")
    source, program = Path(module["Dir"]), workshop.folder / "livekit-sip"
    _listen_on_one_address(source / MEDIA)
    command = [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", str(program)]
    what = f"building livekit-sip {VERSION} (once, about 3 minutes)"
    workshop.run(what, [*command, "./cmd/livekit-sip"], source)
    return program


def _listen_on_one_address(file: Path) -> None:
    text = file.read_text()
    if text.count(EVERYWHERE) != 1:  # the hash says which source this is
        raise HostError(f"livekit-sip {VERSION}: {file.name} is not as expected")
    file.write_text(text.replace(EVERYWHERE, HERE))
