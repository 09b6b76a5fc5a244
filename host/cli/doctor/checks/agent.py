"""The agent: under which name hosts register, and whether one is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, Skip, failure, warning

LIVEKITS = ("LIVEKIT_AGENT_NAME_OVERRIDE", "LIVEKIT_AGENT_NAME")
"""Variables by which livekit-agents takes an agent's name from the environment."""
HEALTH_LIMIT = 3.0
"""Seconds that the health check of a host on this machine may take."""


def environment(deployment: Deployment) -> Iterator[Finding]:
    """Find variables that name another agent, for LiveKit or for us."""
    ours = deployment.settings.agent_name
    for name in LIVEKITS:
        theirs = deployment.environment.get(name)
        if theirs and theirs != ours:
            yield warning(
                f"{name} says {theirs!r}, and hosts register as {ours!r}",
                "other livekit-agents workers obey it, a host does not: a dispatch rule or a "
                f"dispatch that names {theirs!r} reaches no host",
                f"HOST_AGENT_NAME={theirs}, or unset {name}",
            )


def unnamed(deployment: Deployment) -> Iterator[Finding]:
    """Find a host without an agent name, which joins every room."""
    settings = deployment.settings
    if not settings.agent_name:
        yield warning(
            "HOST_AGENT_NAME is empty",
            "the host is dispatched to every new room of the project, also of other applications",
            "set HOST_AGENT_NAME=host, and name that agent in the dispatch rules",
        )
    elif settings.agent_name != settings.agent_name.strip():
        yield failure(
            f"the agent name {settings.agent_name!r} begins or ends with a space",
            "dispatch rules compare names exactly",
            f"HOST_AGENT_NAME={settings.agent_name.strip()}",
        )


async def registered(deployment: Deployment) -> Iterable[Finding]:
    """Find out whether a host takes what is dispatched to our agent name."""
    from livekit import api

    from host.dispatch.livekit import livekit_of
    from host.dispatch.probe import ask

    await deployment.reached()
    name = deployment.settings.agent_name
    try:
        async with livekit_of(deployment.settings) as livekit:
            found = await ask(livekit, name)
    except api.ServerError as error:
        return [
            failure(
                f"LiveKit dispatches no agent: HTTP {error.status}",
                "no host is offered a call",
                "see the log of livekit-server",
            )
        ]
    if found.stranger:
        return [
            failure(
                f"another program takes the calls of {name!r}: agent {found.stranger} joined",
                "callers talk to that one, or to both",
                "stop that worker, or set another HOST_AGENT_NAME, also in the dispatch rules",
            )
        ]
    if not found.host:
        return [
            warning(
                f"no host is registered with LiveKit as {name!r}",
                "until one is, callers hear ringing, and no call can be placed",
                "run one: python -m host start (or dev)",
            )
        ]
    if found.full:
        return [
            warning(
                f"the host that answered takes no calls now: {found.full}",
                "callers hear busy, unless another host has room",
                "raise HOST_MAX_CALLS, or start another host",
            )
        ]
    return []


async def ready(deployment: Deployment) -> Iterable[Finding]:
    """Find out why the host on this machine, if there is one, takes no calls."""
    settings = deployment.settings
    state = await health_of(settings.health_host, settings.health_port)
    if state is None:
        raise Skip("no host with a health check runs on this machine")
    if why := state.get("reason"):
        mend = (
            "compare its LIVEKIT_URL and keys with those of this folder, and see its log"
            if "registered" in str(why)
            else "see its log"
        )
        return [warning(f"the host on this machine takes no calls: {why}", "callers wait", mend)]
    return []


async def health_of(host: str, port: int) -> dict[str, object] | None:
    """Return what a host's `/readyz` says; None if no host answers there."""
    import aiohttp

    near = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    near = f"[{near}]" if ":" in near else near
    limit = aiohttp.ClientTimeout(total=HEALTH_LIMIT)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.get(f"http://{near}:{port}/readyz") as answer,
        ):
            state = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return None
    return state if isinstance(state, dict) and "live_calls" in state else None
