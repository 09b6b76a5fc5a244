"""Everything that a deployment may set, and where it is read from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from host.settings.calling import parted
from host.settings.persona import Names, PersonaSettings, Shared
from host.settings.plugins import PluginValues

PluginNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parted)]


def _env(name: str) -> AliasChoices:
    """Read an environment variable that has no HOST_ prefix; host.toml has it in lower case."""
    return AliasChoices(name, name.lower())


def _denied_by_both(environment: dict[str, Any], toml: dict[str, Any]) -> dict[str, Any]:
    """Join the numbers that the environment denies and those of host.toml."""
    if not (given := environment.get("deny_numbers")):
        return {}
    written = parted(toml.get("deny_numbers", []))
    return {
        "deny_numbers": [*parted(given), *(written if isinstance(written, list) else [written])]
    }


def _beside_host_toml(read: dict[str, Any]) -> dict[str, Any]:
    """Have relative paths of host.toml begin at its own folder."""
    folder = config_path().parent
    paths = {
        name for name, field in Settings.model_fields.items() if "Path" in str(field.annotation)
    }
    return {
        name: str(folder / value) if name in paths and isinstance(value, str) else value
        for name, value in read.items()
    }


def config_path() -> Path:
    """Return the host.toml to read."""
    return Path(os.environ.get("HOST_CONFIG") or "host.toml")


class Settings(BaseSettings, Shared):
    """Everything that a deployment may set."""

    model_config = SettingsConfigDict(
        env_prefix="HOST_", extra="forbid", frozen=True, populate_by_name=True
    )

    livekit_url: str = Field(
        "", validation_alias=_env("LIVEKIT_URL"), description="LiveKit server, ws:// or wss://"
    )
    livekit_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=_env("LIVEKIT_API_KEY"), description="LiveKit API key"
    )
    livekit_api_secret: SecretStr = Field(
        SecretStr(""), validation_alias=_env("LIVEKIT_API_SECRET"), description="its secret"
    )
    agent_name: str = Field(
        "host", description="name for explicit dispatch; empty: join every new room"
    )
    config: Path = Field(Path("host.toml"), description="the host.toml to read")
    personas_dir: Path = Field(Path("personas"), description="folder of personas")
    plugins_dir: Path = Field(
        Path("plugins"), description="folder of your plugins, beside the bundled ones"
    )
    disable_plugins: PluginNames = Field((), description="plugins that are not loaded, by name")
    plugin_order: PluginNames = Field(
        (), description="plugins that are asked before the others, first to last"
    )
    default_persona: str | None = Field(
        None, description="persona for calls that nothing else decides"
    )
    max_calls: int = Field(10, ge=1, description="calls at once; one more hears busy")
    max_call_memory: float = Field(
        1500, ge=0, description="megabytes that one call's process may take; 0: no limit"
    )
    do_not_call: Path = Field(
        Path("do-not-call.txt"), description="file of numbers that are not called, one a line"
    )
    call_log: Path = Field(Path("calls.jsonl"), description="file of call records, one a line")
    call_database: Path | None = Field(None, description="SQLite file of call records as well")
    recordings_dir: Path = Field(Path("recordings"), description="folder of recorded calls")
    keep_records_days: float | None = Field(
        None, gt=0, le=36500, description="days after which call records are removed; unset: never"
    )
    keep_recordings_days: float | None = Field(
        None,
        gt=0,
        le=36500,
        description="days after which recorded calls are removed; unset: never",
    )
    log_numbers: bool = Field(False, description="telephone numbers stand whole in the log")
    log_digits: bool = Field(False, description="pressed keys stand in the log")
    log_transcripts: bool = Field(False, description="what was said may stand in the log")
    state_dir: Path = Field(
        Path(".host"), description="folder for what is under way: unfinished records, webhooks"
    )
    inference: bool = Field(
        False, description="take every model from LiveKit Inference, with LiveKit's own keys"
    )
    health_host: str = Field("127.0.0.1", description="address of the health check")
    health_port: int = Field(
        8081, ge=0, le=65535, description="its port with `start`; `dev` uses any"
    )
    api_port: int | None = Field(
        None, ge=0, le=65535, description="port of the HTTP API that places calls; unset: none"
    )
    api_host: str = Field("127.0.0.1", description="its address")
    api_token: SecretStr = Field(
        SecretStr(""), description="who may place calls there: a secret of 32 characters or more"
    )
    api_rate: int = Field(
        60, ge=1, description="POST requests a minute that it takes; a hundred times as many others"
    )
    drain_timeout: float = Field(
        3600, gt=0, description="seconds that live calls may go on after SIGTERM"
    )
    pass_environment: Names = Field(
        (), description="variables that the processes of calls get, beside what they need anyway"
    )
    livekit_server: Path | None = Field(
        None, description="livekit-server program for --local; found or built when unset"
    )
    personas: dict[str, PersonaSettings] = Field(
        default_factory=dict, description="per persona: the [personas.NAME] tables"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was given weighs most, then the environment, then host.toml.

        A variable that is empty counts as not set, but for an empty HOST_AGENT_NAME, which says
        something. Numbers that are denied in one place are not opened by another.
        """
        environment = EnvSettingsSource(settings_cls, env_ignore_empty=True)
        nameless = {"agent_name": ""} if os.environ.get("HOST_AGENT_NAME") == "" else {}
        read = TomlConfigSettingsSource(settings_cls, toml_file=config_path())()
        joined = nameless | _denied_by_both(environment(), read)
        toml = InitSettingsSource(settings_cls, _beside_host_toml(read))
        return init_settings, InitSettingsSource(settings_cls, joined), environment, toml

    def with_plugins(self, values: PluginValues) -> Settings:
        """Return these settings together with what is set for plugins."""
        settings = self.model_copy()
        settings._values = values
        return settings

    def persona(self, name: str) -> PersonaSettings:
        """Return what host.toml says of a persona, with the shared values filled in."""
        own = self.personas.get(name, PersonaSettings())
        filled = {
            field: getattr(self, field)
            for field in Shared.model_fields
            if field not in own.model_fields_set
        }
        filled["transfers"] = {**self.transfers, **own.transfers}
        filled["deny_numbers"] = (*self.deny_numbers, *own.deny_numbers)
        filled["plugins"] = {
            plugin: {**self.plugin_table(plugin), **own.plugins.get(plugin, {})}
            for plugin in {*self.plugins, *self._values.environment, *own.plugins}
        }
        filled["words"] = self.words.model_copy(update=own.words.model_dump(exclude_unset=True))
        return own.model_copy(update=filled)
