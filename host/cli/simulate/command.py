"""The command `simulate`."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer

from host.base.errors import HostError, MetadataError
from host.cli import checks, persona_names
from host.cli.app import AsJson, LocalRules, cli
from host.cli.local_llm import by_rules
from host.cli.running import print_out
from host.registry.found import shown
from host.settings import load_settings


@cli.command()
def simulate(
    persona: Annotated[str, typer.Argument(help="Persona to call.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="Details for the persona: key=value ...")
    ] = None,
    goal: Annotated[str, typer.Option(help="What a caller wants, whom the LLM plays.")] = "",
    mood: Annotated[
        list[str] | None,
        typer.Option(help="Mood of a caller with that goal. Repeatable. Default: three moods."),
    ] = None,
    callers: Annotated[
        Path | None,
        typer.Option(help="File of callers. Default: PERSONA.callers.toml beside the persona."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="LLM that plays and judges, provider/model. Default: the persona's."),
    ] = None,
    turns: Annotated[int, typer.Option(min=1, help="Turns of a caller, at most.")] = 20,
    local: LocalRules = False,
    as_json: AsJson = False,
) -> None:
    """Let simulated callers talk with a persona in text, and judge each call.

    Tools and event hooks run as in a call. Exits with 1 if a call fails.
    """
    settings = load_settings()
    persona_names.require_persona(settings, persona)
    given = checks.details(details or [])
    if mood and not goal:
        raise HostError("--mood needs --goal")

    from host.cli.simulate.callers import MOODS, SUFFIX, of_goal, read_callers, require_playable

    beside = settings.personas_dir / f"{persona}{SUFFIX}"
    found = of_goal(goal, mood or MOODS) if goal else []
    if callers or not goal:
        if not (callers or beside.is_file()):
            raise HostError(f"nobody calls: give --goal or --callers, or write {shown(beside)}")
        found += read_callers(callers or beside)
    if local:
        if model:
            raise HostError("--model and --local exclude each other")
        require_playable(found)

    from host.cli.simulate.report import report
    from host.cli.simulate.run import Simulation

    # Its tracebacks of a model that fails come before the line that says so.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    answers = by_rules(settings) if local else None
    simulation = Simulation(settings, persona, given, turns, model, answers)
    try:
        simulation.check(found)
    except MetadataError as error:
        raise checks.told_to_a_person(error) from None
    print_out(report(persona, asyncio.run(simulation.run(found)), as_json=as_json))
