"""The page of personas: who is loaded, what is broken, numbers, routes, models and budgets."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from host.compliance import faults_of
from host.compliance.budget import Budget, Used
from host.privacy import without_secrets
from host.registry import Persona
from host.server.console.context import Console, console_of
from host.server.console.pages import render
from host.settings import PersonaSettings, misspelt_settings


@dataclass(frozen=True)
class Shown:
    """A persona, for the template."""

    persona: Persona
    settings: PersonaSettings
    own: frozenset[str]
    """Models that it names in code, by hooks of its own."""
    used: Used
    default: bool


def show(request: Request) -> Response:
    """Show all personas."""
    console = console_of(request)
    loaded, settings = console.loaded, console.settings
    faults = [*misspelt_settings(settings), *faults_of(settings, loaded.personas)]
    return render(
        request,
        "personas.html",
        personas=[_shown(console, persona) for persona in loaded.personas.values()],
        broken=[(each, without_secrets(each.error)) for each in loaded.broken],
        faults=[without_secrets(fault) for fault in faults],
        plugins=[plugin for plugin in loaded.plugins if not plugin.bundled],
        bundled=[plugin.name for plugin in loaded.plugins if plugin.bundled],
        folders=(loaded.personas_dir, loaded.plugins_dir),
    )


def _shown(console: Console, persona: Persona) -> Shown:
    loaded, settings = console.loaded, console.settings.persona(persona.name)
    who = f"persona {persona.name}"
    own = {hook for hook in ("stt", "llm", "tts") if who in loaded.views.who_has(hook)}
    used = Budget(console.settings.state_dir).used(persona.name, settings)
    first = persona.name in (loaded.routes.default, loaded.routes.only)
    return Shown(persona, settings, frozenset(own), used, first)
