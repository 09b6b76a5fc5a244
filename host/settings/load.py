"""Reads the settings; what is wrong with them is one line that names each of them."""

import difflib
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from dotenv import load_dotenv
from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic_settings import SettingsError as SourceError

from host.base.errors import SettingsError
from host.base.text import close_to
from host.base.validation import faults_in, sentence
from host.settings.mcp import McpServer
from host.settings.paths import config_path
from host.settings.persona import PersonaSettings
from host.settings.prices import fields_in
from host.settings.service_links import is_service_link, not_a_setting
from host.settings.settings import Settings
from host.settings.sip import PASSWORDS, SipTrunks
from host.settings.transfer import TransferTarget
from host.settings.words import Words


def load_settings(*, dotenv: bool = True) -> Settings:
    """Read the settings, with `.env` of the working directory put into the environment first.

    Without `dotenv`, in a process that has what it needs of it. Raises SettingsError, one line that
    names every wrong setting.
    """
    try:
        if dotenv:
            load_dotenv(Path(".env"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env: {error}") from error
    path = config_path()
    if os.environ.get("HOST_CONFIG") and not path.is_file():
        raise SettingsError(f"HOST_CONFIG names {path}, which is not there")
    in_file = _host_toml()
    if "config" in in_file and not os.environ.get("HOST_CONFIG"):
        raise SettingsError(
            f"{path}: config is no setting of the file that it names: HOST_CONFIG is"
        )
    if written := next((each for each in PASSWORDS if each in in_file), None):
        raise SettingsError(
            f"{path}: {written} belongs into .env, as {env_name(written)}: it is a secret"
        )
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from error
    except SourceError as error:
        # A variable that must be JSON and is not; its text names the field.
        raise SettingsError(f"{error}: it must be JSON, and stands better in {path}") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def with_any_keys(settings: Settings) -> Settings:
    """Return settings in which no key is missing, though they open nothing."""
    keys = {
        name: SecretStr("any")
        for name in Settings.model_fields
        if isinstance(getattr(settings, name), SecretStr)
    }
    return settings.model_copy(update=keys)


RENAMED = {
    "HOST_LLM_MODEL": "HOST_LLM, as in HOST_LLM=openai/gpt-4.1-mini, or HOST_OPENAI_MODEL",
    "HOST_LLM_BASE_URL": "HOST_OPENAI_BASE_URL",
    "HOST_LLM_INFERENCE": "HOST_INFERENCE",
}
"""Variables of host 0.1, and what they are now."""


def misspelt_settings(settings: Settings) -> list[str]:
    """Say which HOST_ variables of the environment no setting has, where one is spelt alike."""
    names = {env_name(name) for name in Settings.model_fields}
    names |= settings.plugin_values.variables
    given = [name for name in sorted(os.environ) if name.startswith("HOST_") and name not in names]
    return [
        f"{variable} is no setting; {now}"
        for variable in given
        if not is_service_link(variable) and (now := _meant_variable(variable, names))
    ]


def _meant_variable(variable: str, names: set[str]) -> str:
    if variable in RENAMED:
        return f"it is {RENAMED[variable]} now"
    close = difflib.get_close_matches(variable, names, 1, 0.8)
    return f"did you mean {close[0]}?" if close else ""


def variables_of_settings() -> frozenset[str]:
    """Return the names of all variables that the core's settings are read from, in capitals."""
    names = {env_name(name) for name in Settings.model_fields}
    for field in Settings.model_fields.values():
        if isinstance(field.validation_alias, AliasChoices):
            names.update(str(choice) for choice in field.validation_alias.choices)
    return frozenset(name.upper() for name in names)


def env_name(field: str) -> str:
    """Return the environment variable of a setting."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"HOST_{field}".upper()


def _one_line(error: ValidationError) -> str:
    """Name each wrong setting and what is wrong with it; never the value, it may be a key."""
    faults = []
    for fault in faults_in(error):
        name, *inner = (str(part) for part in fault["loc"])
        # What was read from host.toml and what from the environment is known by its place alone.
        if name in Settings.model_fields and name not in TABLES and not _in_host_toml(name):
            where = env_name(name)
        else:
            where = f"{config_path()}: {_line_of([name, *inner])}"
        if is_service_link(where):
            faults.append(not_a_setting(where))
        elif fault["type"] == "extra_forbidden":
            faults.append(f"{where} is no setting{_hint(name, inner)}")
        else:
            faults.append(sentence(where, fault))
    return "; ".join(dict.fromkeys(faults))


TABLES = ("transfers", "words", "sip", "prices", "personas", "plugins")
"""Settings that are tables of host.toml."""


def _in_host_toml(name: str) -> bool:
    return name in _host_toml() and not os.environ.get(env_name(name))


def _host_toml() -> dict[str, Any]:
    """Read host.toml as it is; nothing where it can't be read."""
    try:
        return tomllib.loads(config_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _line_of(path: list[str]) -> str:
    """Write the way to a value as host.toml does: `[personas.ann] max_duration`."""
    *tables, name = [part for part in path if not part.isdecimal()]
    return f"[{'.'.join(tables)}] {name}" if tables else name


def _hint(name: str, inner: list[str]) -> str:
    """Say what was meant, or where a setting of host 0.1 has gone."""
    known: Iterable[str] = Settings.model_fields
    if inner:
        if inner[-2:-1] == ["words"] or name == "words":
            known = Words.model_fields
        elif "transfers" in (name, *inner[:-1]):
            known = TransferTarget.model_fields
        elif "mcp" in (name, *inner[:-1]):
            known = McpServer.model_fields
        elif name == "sip":
            known = SipTrunks.model_fields
        elif name == "prices":
            known = fields_in([name, *inner])
        else:
            known = PersonaSettings.model_fields
    elif now := RENAMED.get(f"HOST_{name}".upper()):
        return f"; it is {now} now"
    elif plugin := next((each for each in OF_PLUGINS if name.startswith(f"{each}_")), None):
        return f"; it is {name.removeprefix(f'{plugin}_')} of [plugins.{plugin}] now"
    elif name == "otlp_endpoint":
        return "; it is endpoint of [plugins.traces] now"
    return close_to(inner[-1] if inner else name, known)


OF_PLUGINS = ("deepgram", "cartesia", "openai", "webhook", "metrics")
"""Plugins whose settings stood among the core's in host 0.1."""
