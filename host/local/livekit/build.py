"""Builds livekit-server once for this user.

1.11.0 serves livekit-agents 1.8.9 and can be built by `go install`; later versions have replace
directives in their go.mod, which `go install` rejects.
"""

from pathlib import Path

from host.local.go import Workshop, build_once, built

VERSION = "1.11.0"
PACKAGE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
SETTING = "HOST_LIVEKIT_SERVER"


def built_server() -> Path:
    """Return the path of the built server."""
    return built("livekit-server", VERSION)


def build_server() -> Path:
    """Build the server unless it exists; concurrent builds wait for each other.

    Needs about 1.3 GB of disk during the build, 50 MB after. Raises HostError on failure.
    """
    return build_once(built_server(), "livekit-server", SETTING, _install)


def _install(workshop: Workshop) -> Path:
    workshop.environment["CGO_ENABLED"] = "0"
    command = [workshop.go(), "install", "-trimpath", "-ldflags=-s -w", PACKAGE]
    workshop.run(f"building livekit-server {VERSION} (once, about 3 minutes)", command)
    return workshop.folder / "bin" / "server"
