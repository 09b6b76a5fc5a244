"""Reads the settings; what is wrong with them is one line that names each of them."""

import difflib
import os
import tomllib
from pathlib import Path

from dotenv import load_dotenv
from pydantic import AliasChoices, SecretStr, ValidationError
from pydantic_settings import SettingsError as SourceError

from host.base.errors import SettingsError
from host.settings.persona import PersonaSettings
from host.settings.settings import Settings, config_path


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


def misspelt_settings() -> list[str]:
    """Say which HOST_ variables of the environment no setting has, where one is spelt alike."""
    names = {env_name(name) for name in Settings.model_fields}
    return [
        f"{variable} is no setting; did you mean {close[0]}?"
        for variable in sorted(os.environ)
        if variable.startswith("HOST_") and variable not in names
        if (close := difflib.get_close_matches(variable, names, 1, 0.8))
    ]


def variables_of_settings() -> frozenset[str]:
    """Return the names of all variables that settings are read from, in capitals."""
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
    for fault in error.errors(include_input=False, include_url=False):
        name, *inner = (str(part) for part in fault["loc"])
        where = ".".join([name, *inner]) if inner else name
        if name in Settings.model_fields and not inner:
            where = f"{env_name(name)} ({name} in host.toml)"
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            known = PersonaSettings.model_fields if inner else Settings.model_fields
            close = difflib.get_close_matches(inner[-1] if inner else name, known, 1)
            hint = f"; did you mean {close[0]}?" if close else ""
            message = f"no such setting{hint}"
        faults.append(f"{where}: {message}")
    return "; ".join(faults)
