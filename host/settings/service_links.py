"""Kubernetes' variables for Services, which may have the names of settings.

For each Service of its namespace, a pod gets `NAME_PORT=tcp://10.0.0.1:80` and others: of a Service
host-api, that is HOST_API_PORT.
"""

from __future__ import annotations

import os
import re

_LINK = re.compile(r"(?:tcp|udp|sctp)://\S+:\d+")


def is_service_link(variable: str) -> bool:
    """Return whether a variable of the environment is one that Kubernetes made for a Service."""
    link = _LINK.fullmatch(os.environ.get(variable, "").lower())
    return variable.endswith("_PORT") and link is not None


def not_a_setting(variable: str) -> str:
    """Say it of a setting that such a variable has overwritten, and how to mend it."""
    service = variable.removesuffix("_PORT").lower().replace("_", "-")
    return (
        f"{variable} is Kubernetes' variable for the Service {service}, and no port: "
        "set enableServiceLinks: false in the pod's spec"
    )
