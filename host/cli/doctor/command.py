"""`doctor`: find out what is wrong with a deployment, and how to mend it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from host.base.errors import HostError, MetadataError
from host.cli.app import AsJson, cli

if TYPE_CHECKING:
    from host.cli.doctor.deployment import Deployment
    from host.cli.doctor.finding import Result
    from host.cli.doctor.steps import TrialCall


@cli.command()
def doctor(
    details: Annotated[
        list[str] | None, typer.Argument(help="Details of the test call: key=value ...")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Run only the checks that need no network.")
    ] = False,
    number: Annotated[
        str | None, typer.Option("--call", metavar="NUMBER", help="Place a test call, too.")
    ] = None,
    persona: Annotated[
        str | None, typer.Option(help="Persona that places the test call; not needed for one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with this deployment, why it matters, and how to mend it.

    Each provider is tried with one cheap request. Nothing is dialled without --call. The exit code
    is 1 if anything fails, and 0 with warnings alone.
    """
    from host.cli.doctor.deployment import read
    from host.cli.doctor.report import report
    from host.privacy import Mask, secrets_of, use, without_secrets

    if offline and number:
        raise HostError("--call needs the network: leave out --offline")
    if number is None and (persona or details):
        raise HostError("the persona and the details are those of a test call: add --call NUMBER")
    deployment = read(offline=offline)
    if not deployment.fault:
        use(Mask(secrets_of(deployment.settings), numbers=False, digits=False, words=False))
    with _quiet():
        results, call = asyncio.run(_examine(deployment, number, persona, details or []))
    shown = report(results, call, as_json=as_json)
    typer.echo(without_secrets(shown.text))
    raise typer.Exit(shown.exit_code)


async def _examine(
    deployment: Deployment, number: str | None, persona: str | None, details: list[str]
) -> tuple[list[Result], TrialCall | None]:
    from host.cli.doctor.catalogue import examine

    call = _call_of(deployment, number, persona, details) if number is not None else None
    results = await examine(deployment)
    if call is None:
        return results, None
    from host.cli.doctor.trial import place_trial_call

    return results, await place_trial_call(deployment.complete, *call)


def _call_of(
    deployment: Deployment, number: str | None, persona: str | None, words: list[str]
) -> tuple[str, str, dict[str, str]]:
    """Check who is to call whom. Raises HostError."""
    from host.cli import checks, persona_names
    from host.dispatch.place import metadata_of

    if deployment.fault:
        raise HostError(deployment.fault)
    settings, loaded = deployment.settings, deployment.loaded.require()
    if persona is None:
        names = sorted(loaded.personas)
        persona = settings.default_persona or loaded.routes.only
        if persona is None:
            raise HostError(f"say who is to call: --persona {' or '.join(names)}")
    persona_names.require_persona(settings, persona)
    dialled = checks.number_to_dial(number or "", persona)
    details = checks.details(words)
    try:
        metadata_of(settings, persona, dialled, details)
    except MetadataError as error:
        raise checks.told_to_a_person(error) from None
    return persona, dialled, details


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Have nothing logged: LiveKit's clients log what they fail at, and some log headers."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
