"""HTTP servers inside the host's own process: connections with limits, and their app."""

from host.server.http.serving import listen, serving

__all__ = ["listen", "serving"]
