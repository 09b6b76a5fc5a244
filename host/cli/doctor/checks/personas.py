"""Personas: what is broken, empty, or speaks two languages; who may not be called."""

from __future__ import annotations

from collections.abc import Iterator

from host.base.errors import HostError, PersonaError
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.settings.words import Words


def found(deployment: Deployment) -> Iterator[Finding]:
    """Find a deployment without a persona."""
    try:
        deployment.loaded.require()
    except PersonaError as error:
        yield failure(
            str(error),
            "nobody can take a call",
            f"put a persona into {deployment.loaded.personas_dir}/: README shows a whole one",
        )


def broken(deployment: Deployment) -> Iterator[Finding]:
    """Find personas and plugins that are set aside."""
    for fault in deployment.loaded.broken:
        yield failure(
            str(fault),
            "it is not loaded: a persona's calls are refused, a plugin's hooks do not run",
            "correct the line; `python -m host personas` lists what is loaded",
        )


def instructions(deployment: Deployment) -> Iterator[Finding]:
    """Find personas that tell the LLM nothing. They are asked as for an inbound call."""
    from host.call.live import LiveCall

    loaded = deployment.loaded
    own = set(loaded.views.who_has("agent")), set(loaded.views.who_has("parse_metadata"))
    for name, persona in loaded.personas.items():
        if f"persona {name}" in own[0]:
            continue
        call = LiveCall(deployment.settings, persona=name, hooks=loaded.view(name))
        try:
            said = call.hooks.instructions(call=call.call)
        except Exception as error:
            if f"persona {name}" not in own[1]:  # it may need the details of a call
                yield warning(
                    f"{persona.file}: instructions() raises {type(error).__name__} for an inbound "
                    "call",
                    "the call ends with an apology",
                    "return instructions for every call, also where call.details is None",
                )
            continue
        if not isinstance(said, str) or not said.strip():
            yield failure(
                f"{persona.file}: instructions() returns {'nothing' if not said else 'no text'}",
                "the LLM does not know who it is, nor what the call is for",
                f"return a text from instructions() of {name}",
            )


def language(deployment: Deployment) -> Iterator[Finding]:
    """Find personas that speak another language than the host's own sentences."""
    for name in deployment.loaded.personas:
        own = deployment.settings.persona(name)
        if own.language.lower().startswith("en"):
            continue
        theirs = own.words.model_dump(exclude={"backchannels"})
        if theirs == Words().model_dump(exclude={"backchannels"}):
            yield warning(
                f"{name} speaks {own.language}, and the host's own sentences are English",
                'the caller hears "Are you still there?" and the like in English',
                f"translate the sentences in [words], or in [personas.{name}.words] of host.toml",
            )


def gate(deployment: Deployment) -> Iterator[Finding]:
    """Find what the gate refuses in every call."""
    from host.compliance import faults_of

    for fault in faults_of(deployment.settings, deployment.loaded.personas):
        yield failure(
            fault,
            "nothing is dialled: the call is blocked, or its transfer fails",
            "correct the number in [transfers], or set countries or allow_numbers in host.toml; "
            "`python -m host gate NUMBER` explains",
        )


def caller_id(deployment: Deployment) -> Iterator[Finding]:
    """Find caller IDs that are not in E.164."""
    from host.base.e164 import E164, EXTENSION, canonical

    given: dict[str, None] = {}
    for name in deployment.loaded.personas:
        given[deployment.settings.persona(name).caller_id or ""] = None
    for number in filter(None, given):
        if E164.fullmatch(number) or EXTENSION.fullmatch(number):
            continue
        meant = canonical(number, deployment.loaded.routes.regions)
        yield failure(
            f"caller_id {number!r} is not in E.164",
            "carriers reject the call (SIP 403 or 400), and no country follows from it",
            f'caller_id = "{meant or "+15550001111"}"',
        )


def token(deployment: Deployment) -> Iterator[Finding]:
    """Find an HTTP API or a console that does not start."""
    from host.server.api.token import require_tokens

    try:
        require_tokens(deployment.settings)
    except HostError as error:
        names = ("HOST_API_TOKEN", "HOST_API_SECOND_TOKEN", "HOST_CONSOLE_TOKEN")
        weak = next(name for name in names if name in str(error))
        yield failure(str(error), "the host does not start", f"{weak}=$(openssl rand -hex 32)")
