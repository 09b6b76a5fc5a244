"""The settings: what can't be read, what is misspelt, and what is not what its writer meant."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from dotenv import dotenv_values
from pydantic import SecretStr

from host.cli.doctor.deployment import Deployment
from host.cli.doctor.finding import Finding, failure, warning
from host.privacy.secrets import names_a_secret
from host.registry.found import shown
from host.settings import env_name, misspelt_settings
from host.settings.plugins import variables_of

DOTENV = Path(".env")
_AROUND = " \t\r\n'\"\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
_PLACEHOLDERS = re.compile(
    r"\.\.\.|<.*>|(?:sk[-_])?x{3,}|key|secret|(?:your|my|change)[-_ ].*|.*example.*|todo",
    re.IGNORECASE,
)
"""Values that a template has in the place of a key."""


def readable(deployment: Deployment) -> Iterator[Finding]:
    """Find settings that no command can read."""
    if deployment.fault:
        yield failure(
            deployment.fault,
            "no call can be served or placed",
            "correct it where it stands: docs/settings.md describes each setting",
        )


def misspelt(deployment: Deployment) -> Iterator[Finding]:
    """Find variables that no setting has."""
    for fault in misspelt_settings(deployment.settings):
        yield warning(
            fault,
            "the variable has no effect, and the setting has its default",
            f"rename {fault.split()[0]} in .env or in the environment",
        )


def overridden(deployment: Deployment) -> Iterator[Finding]:
    """Find variables of `.env` that the environment sets otherwise."""
    if not DOTENV.is_file():
        return
    for name, value in dotenv_values(DOTENV).items():
        current = deployment.environment.get(name)
        if value and current is not None and current != value:
            yield warning(
                f"{name} in .env has no effect: the environment has another value",
                "the environment takes precedence, so an old `export` outlives every edit of .env",
                f"unset {name}",
            )


def keys(deployment: Deployment) -> Iterator[Finding]:
    """Find keys with signs around them, and those of a template."""
    for name, value in _keys(deployment):
        if value != value.strip(_AROUND):
            yield failure(
                f"{name} begins or ends with a space, a line's end or a quotation mark",
                "it is sent as a part of the key, which is then rejected",
                f"write {name} without it",
            )
        elif not value.isascii() or not value.isprintable():
            yield failure(
                f"{name} has characters that no key has",
                "it can't be sent in a header",
                f"copy {name} again",
            )
        elif _PLACEHOLDERS.fullmatch(value) and not _of_livekits_dev(deployment, name):
            yield failure(
                f"{name} still has the text of a template",
                "the key is rejected in every call",
                f"put your own key into {name}",
            )


def _of_livekits_dev(deployment: Deployment, name: str) -> bool:
    """Return whether it is the secret of `livekit-server --dev`, which is `secret`."""
    key = deployment.settings.livekit_api_key.get_secret_value()
    return name == "LIVEKIT_API_SECRET" and key == "devkey"


def dotenv(deployment: Deployment) -> Iterator[Finding]:
    """Find a `.env` that others on this machine can read."""
    if not (DOTENV.is_file() and os.name == "posix" and DOTENV.stat().st_mode & 0o044):
        return
    if any(value and names_a_secret(name) for name, value in dotenv_values(DOTENV).items()):
        yield warning(
            ".env has keys, and other users of this machine may read it",
            "whoever has LiveKit's keys can listen to calls and place them",
            "chmod 600 .env",
        )


def config(deployment: Deployment) -> Iterator[Finding]:
    """Find variables that replace what host.toml says."""
    path = deployment.settings.config
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    name = "HOST_AGENT_NAME"
    set_to = deployment.environment.get(name)
    if "agent_name" in written and set_to is not None and set_to != written["agent_name"]:
        yield warning(
            f"agent_name of {shown(path)} has no effect: {name} replaces it by {set_to!r}",
            "dispatch rules that name the other agent reach no host",
            f"unset {name}, or remove agent_name from {shown(path)}",
        )


def _keys(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield the secrets that are set, with the name under which each is set."""
    settings = deployment.settings
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield env_name(name), value.get_secret_value()
    for plugin in deployment.loaded.plugins:
        if not plugin.settings or deployment.fault:
            continue
        own = deployment.complete.plugin(plugin.settings)
        for name, variables in variables_of(plugin.name, plugin.settings).items():
            value = getattr(own, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                yield variables[0], value.get_secret_value()
