"""Providers: whether each model that a persona uses answers, with this key, model and voice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from host.cli.doctor.check import Examine
from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning

if TYPE_CHECKING:
    from host.cli.doctor.models import Used
    from host.speech.providers import Kind

NOT_HEARD = {
    "stt": "the persona does not hear the caller",
    "llm": "the persona has nothing to say",
    "tts": "the caller hears nothing",
}
WHAT = {"stt": "model or language", "llm": "model", "tts": "voice, model or language"}
"""What a provider may not have."""


async def created(deployment: Deployment) -> Iterable[Finding]:
    """Find models that can't be created: no key, no provider of that name."""
    from host.server.admission import faults_of_providers

    return [
        failure(
            fault,
            "the host does not start",
            "put the key into .env, or name another provider: see docs/settings.md",
        )
        for fault in faults_of_providers(deployment.complete)
    ]


def answers(kind: Kind) -> Examine:
    """Return the check that tries the models of a kind."""

    async def examine(deployment: Deployment) -> Iterable[Finding]:
        from host.cli.doctor.models import try_all, used

        models = used(deployment.complete, deployment.loaded, kind)
        errors = await try_all(models)
        return [_finding(deployment, models[at], error) for at, error in errors.items()]

    return examine


def _finding(deployment: Deployment, model: Used, error: BaseException) -> Finding:
    """Say what an error of a provider means. Its text is left out: it may have the key."""
    from livekit.agents import APIStatusError

    why = NOT_HEARD[model.kind]
    who = f"{model.setting} of {', '.join(model.personas)}"
    table = f"[plugins.{model.provider}] in host.toml"
    if not isinstance(error, APIStatusError) or error.status_code < 400:
        return failure(
            f"{who}: {model.provider} does not answer ({type(error).__name__})",
            why,
            f"let this machine connect to it, or correct base_url of {table}",
        )
    status = error.status_code
    if status in (401, 403):
        return failure(
            f"{who}: {model.provider} rejects the key (HTTP {status})",
            why,
            f"put a valid key into {_key_of(deployment, model.provider)}",
        )
    if status in (402, 429):
        return failure(
            f"{who}: {model.provider} takes no more requests (HTTP {status})",
            why,
            f"raise the quota or the credit of the account at {model.provider}, or set "
            f"{model.kind}_fallbacks",
        )
    if status >= 500:
        return warning(
            f"{who}: {model.provider} is out of order (HTTP {status})",
            why,
            f"try again later; {model.kind}_fallbacks name another one for such times",
        )
    lacking = WHAT[model.kind]
    if status in (400, 404, 422):
        return failure(
            f"{who}: {model.provider} does not have this {lacking} (HTTP {status})",
            why,
            f"correct {model.setting} for {', '.join(model.personas)}, or the {lacking} of {table}",
        )
    return failure(
        f"{who}: {model.provider} rejects the request (HTTP {status})", why, f"see {table}"
    )


def _key_of(deployment: Deployment, provider: str) -> str:
    """Name the variable of a provider's key."""
    from host.settings.plugins import any_keys, variables_of

    for plugin in deployment.loaded.plugins:
        if plugin.name == provider and plugin.settings:
            variables = variables_of(plugin.name, plugin.settings)
            for name in any_keys(plugin.settings):
                return variables[name][0]
    return f"the settings of {provider}"
