"""All checks, in the order in which they are told. An id is stable: programs rely on it."""

from __future__ import annotations

import contextlib

from host.cli.doctor.check import Check, run_all
from host.cli.doctor.checks import (
    agent,
    livekit,
    local_models,
    machine,
    mcp,
    personas,
    providers,
    rooms,
    rules,
    settings,
    trunks,
)
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Result

CHECKS = (
    Check("settings.readable", "settings", settings.readable),
    Check("settings.misspelt", "variables that no setting has", settings.misspelt),
    Check("settings.overridden", ".env and the environment", settings.overridden),
    Check("settings.agent_name", "agent name of host.toml", settings.config),
    Check("settings.keys", "form of keys", settings.keys),
    Check("settings.private", "permissions of .env", settings.dotenv),
    Check("livekit.settings", "address and keys of LiveKit", livekit.address),
    Check("livekit.reachable", "LiveKit", livekit.reachable, network=True),
    Check("livekit.version", "version of LiveKit", livekit.version, network=True),
    Check("livekit.clock", "clock", livekit.clock, network=True),
    Check("livekit.sip", "SIP API of LiveKit", livekit.sip, network=True),
    Check("agent.environment", "agent name of the environment", agent.environment),
    Check("agent.name", "agent name", agent.unnamed),
    Check("agent.registered", "registered hosts", agent.registered, network=True),
    Check("agent.ready", "host on this machine", agent.ready),
    Check("trunks.numbers", "trunks of our numbers", trunks.numbers, network=True),
    Check("trunks.twice", "numbers of two trunks", trunks.claimed_twice, network=True),
    Check("trunks.callers", "callers of trunks", trunks.callers, network=True),
    Check("trunks.open", "trunks open to all", trunks.open_to_all, network=True),
    Check("trunks.format", "format of trunks' numbers", trunks.written, network=True),
    Check("trunks.outbound", "outbound trunks", trunks.outbound, network=True),
    Check("trunks.caller_id", "caller IDs of trunks", trunks.caller_ids, network=True),
    Check("trunks.address", "addresses of trunks", trunks.addresses, network=True),
    Check("trunks.duration", "time limits of trunks", trunks.durations, network=True),
    Check("rules.missing", "dispatch rules of our numbers", rules.missing, network=True),
    Check("rules.agent", "agents of dispatch rules", rules.agent, network=True),
    Check("rules.twice", "numbers of two rules", rules.twice, network=True),
    Check("rules.trunks", "rules of no trunk", rules.trunks, network=True),
    Check("rules.every_trunk", "rules of every trunk", rules.every_trunk, network=True),
    Check("rules.callers", "callers of rules", rules.callers, network=True),
    Check("rules.rooms", "rooms of rules", rooms.shared, network=True),
    Check("rules.metadata", "metadata of rules", rooms.metadata, network=True),
    Check("rules.hidden", "hidden numbers", rooms.hidden, network=True),
    Check("rules.personas", "personas of numbers", rooms.personas, network=True),
    Check("personas.found", "personas", personas.found),
    Check("personas.broken", "broken personas and plugins", personas.broken),
    Check("personas.instructions", "instructions", personas.instructions),
    Check("personas.language", "language of the host's sentences", personas.language),
    Check("personas.gate", "numbers that the gate rejects", personas.gate),
    Check("personas.caller_id", "format of caller IDs", personas.caller_id),
    Check("providers.created", "models", providers.created),
    Check("providers.stt", "speech recognition", providers.answers("stt"), network=True),
    Check("providers.llm", "language models", providers.answers("llm"), network=True),
    Check("providers.tts", "speech and voices", providers.answers("tts"), network=True),
    Check("mcp.complete", "what MCP servers need", mcp.complete),
    Check("mcp.reachable", "MCP servers", mcp.reachable, network=True),
    Check("models.inference", "models on this machine", local_models.inference),
    Check("models.downloaded", "downloaded models", local_models.downloaded),
    Check("machine.files", "files that the host writes", machine.files),
    Check("machine.disk", "disk", machine.disk),
    Check("machine.ports", "ports", machine.ports),
    Check("machine.api", "tokens of the HTTP API and the console", personas.token),
    Check("machine.load", "load", machine.load),
    Check("machine.capacity", "cores and memory", machine.capacity),
)


async def examine(deployment: Deployment) -> list[Result]:
    """Run all checks; return their results in the order of CHECKS."""
    _import_livekit(deployment)
    return await run_all(CHECKS, deployment)


def _import_livekit(deployment: Deployment) -> None:
    """Import what takes seconds before the first check begins: each has a time limit."""
    import host.cli.doctor.livekit
    import host.cli.routing
    import host.compliance
    import host.server.admission  # noqa: F401
    from host.cli.doctor.models import used
    from host.speech.providers import KINDS

    with contextlib.suppress(Exception):  # told by the checks
        for kind in KINDS:
            used(deployment.complete, deployment.loaded, kind)
