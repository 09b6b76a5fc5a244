"""This machine: files, disk, ports, load, memory."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator

from host.base.errors import SettingsError
from host.cli.doctor.checks.agent import health_of
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.cli.servable import ports_of, require_files
from host.registry.found import shown

MEGABYTE = 1_000_000
FULL, NEARLY_FULL = 50 * MEGABYTE, 500 * MEGABYTE
"""Free bytes below which no call may be recorded any more, or soon."""
OF_A_HOST, OF_A_CALL = 500 * MEGABYTE, 75 * MEGABYTE
"""Bytes of memory of a host, and of each call: see "Sizing" of docs/operations.md."""
CALLS_A_CORE = 12
"""Calls that a core carries at most; docs/operations.md recommends eight."""


def files(deployment: Deployment) -> Iterator[Finding]:
    """Find files and folders that a host could not write."""
    try:
        require_files(deployment.settings)
    except SettingsError as error:
        yield failure(str(error), "the host does not start", "see above: it names the setting")


def disk(deployment: Deployment) -> Iterator[Finding]:
    """Find disks that are full, or nearly."""
    settings = deployment.settings
    seen: dict[int, str] = {}
    for path in (settings.state_dir, settings.call_log, settings.recordings_dir):
        seen.setdefault(deployment.machine.free(path), shown(path))
    for free, folder in seen.items():
        if free < NEARLY_FULL:
            tell = failure if free < FULL else warning
            yield tell(
                f"the disk of {folder} has {free // MEGABYTE} MB left",
                "on a full disk the host takes no calls, since it can't record them",
                "free some space, or set keep_records_days and keep_recordings_days",
            )


async def ports(deployment: Deployment) -> Iterable[Finding]:
    """Find ports that another program has, or two of our servers."""
    settings = deployment.settings
    wanted = ports_of(deployment.settings, dev=False)
    plugins = {plugin.name for plugin in deployment.loaded.plugins if plugin.settings}
    if "metrics" in plugins and not deployment.fault:
        port = getattr(deployment.complete.plugin("metrics"), "port", None)
        wanted["HOST_METRICS_PORT"] = settings.health_host, port
    found, had = [], dict[tuple[str, int], str]()
    here = await health_of(settings.health_host, settings.health_port)
    for name, (host, port) in wanted.items():
        if not port:
            continue
        mend = f"set {name} to another port"
        if (other := had.setdefault((host, port), name)) != name:
            what = f"{name} and {other} are both {port}"
            found.append(failure(what, "the host does not start", mend))
            continue
        why = _why_taken(host, port)
        if why is None or (here is not None and why == errno.EADDRINUSE):
            continue  # a host that runs has its own ports
        if why == errno.EADDRINUSE:
            what = f"port {port} of {host} is taken by another program"
        elif why == errno.EACCES:
            what = f"port {port} of {host} needs root"
        else:
            what = f"{host} is no address of this machine"
            variable = "HOST_HEALTH_PORT" if name == "HOST_METRICS_PORT" else name
            mend = f"set {variable.replace('_PORT', '_HOST')} to 127.0.0.1 or 0.0.0.0"
        found.append(failure(what, "the host does not start", mend))
    return found


def _why_taken(host: str, port: int) -> int | None:
    """Return the error number with which a server would fail to listen; None if it would not."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno or errno.EADDRNOTAVAIL
    return None


def load(deployment: Deployment) -> Iterator[Finding]:
    """Find a machine that has no time for calls."""
    cores, wanting = deployment.machine.cores(), deployment.machine.load()
    if wanting > 1.5 * cores:
        yield warning(
            f"{wanting:.0f} processes want the {cores} cores of this machine",
            "speech stutters, and answers come late",
            "find what takes the processor (top), or run the host elsewhere",
        )


def capacity(deployment: Deployment) -> Iterator[Finding]:
    """Find a machine that is too small for max_calls."""
    calls, cores = deployment.settings.max_calls, deployment.machine.share()
    if calls > CALLS_A_CORE * cores:
        whole = cores == deployment.machine.cores()
        where = "this machine has" if whole else "this container has a quota of"
        yield warning(
            f"max_calls is {calls}, and {where} {cores:.3g} cores",
            "a core carries eight calls, twelve at most: with more, all of them stutter",
            f"HOST_MAX_CALLS={max(1, int(8 * cores))}, "
            "and run further hosts with the same agent name",
        )
    needed, available = OF_A_HOST + calls * OF_A_CALL, deployment.machine.memory()
    if needed > available:
        fitting = max(1, (available - OF_A_HOST) // OF_A_CALL)
        yield warning(
            f"{calls} calls need {needed // MEGABYTE} MB of memory, and "
            f"{available // MEGABYTE} MB are available",
            "the machine swaps, or kills the processes of calls",
            f"HOST_MAX_CALLS={fitting}",
        )
