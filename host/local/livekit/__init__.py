"""A livekit-server on this machine: found or built once, and run on loopback."""

from host.local.livekit.build import VERSION, build_server
from host.local.livekit.find import find_or_build, find_server
from host.local.livekit.server import LiveKitServer

__all__ = ["VERSION", "LiveKitServer", "build_server", "find_or_build", "find_server"]
