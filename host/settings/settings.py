"""The settings of a deployment, and the sources that they are read from.

One module in spite of its length: most of it is the list of settings.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
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

from host.base.e164 import regions_of
from host.settings.calling import parted
from host.settings.mcp import McpServer
from host.settings.paths import beside, config_path
from host.settings.persona import Names, PersonaSettings, Shared
from host.settings.plugins import PluginValues
from host.settings.prices import Prices
from host.settings.sip import SipTrunks

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


class Settings(BaseSettings, Shared):
    """The settings of a deployment."""

    model_config = SettingsConfigDict(
        env_prefix="HOST_", extra="forbid", frozen=True, populate_by_name=True
    )

    livekit_url: str = Field(
        "",
        validation_alias=_env("LIVEKIT_URL"),
        description="URL of the LiveKit server, ws:// or wss://",
    )
    livekit_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=_env("LIVEKIT_API_KEY"), description="LiveKit API key"
    )
    livekit_api_secret: SecretStr = Field(
        SecretStr(""), validation_alias=_env("LIVEKIT_API_SECRET"), description="LiveKit API secret"
    )
    sip_password: SecretStr = Field(
        SecretStr(""),
        description="password of `[sip] username`, for `host provision`; not in host.toml",
    )
    sip_inbound_password: SecretStr = Field(
        SecretStr(""),
        description="password of `[sip] inbound_username`, for `host provision`; not in host.toml",
    )
    agent_name: str = Field(
        "host", description="agent name for explicit dispatch; empty: join every new room"
    )
    config: Path = Field(Path("host.toml"), description="path of host.toml")
    personas_dir: Path = Field(Path("personas"), description="folder of your personas")
    plugins_dir: Path = Field(
        Path("plugins"), description="folder of your plugins, which add to the bundled ones"
    )
    disable_plugins: PluginNames = Field((), description="names of plugins that are not loaded")
    plugin_order: PluginNames = Field(
        (), description="names of plugins that are asked before the others, in order"
    )
    default_persona: str | None = Field(
        None, description="persona for calls that no other routing rule matches"
    )
    max_calls: int = Field(
        10, ge=1, description="maximum concurrent calls; further callers hear busy"
    )
    max_call_memory: float = Field(
        1500,
        ge=0,
        description="memory limit for the process of one call, in megabytes; 0: no limit",
    )
    do_not_call: Path = Field(
        Path("do-not-call.txt"), description="do-not-call list: a file with one number per line"
    )
    call_log: Path = Field(
        Path("calls.jsonl"), description="call log: a file with one JSON record per line"
    )
    call_database: Path | None = Field(
        None, description="SQLite database for call records, in addition to the call log"
    )
    recordings_dir: Path = Field(Path("recordings"), description="folder for recordings")
    keep_records_days: float | None = Field(
        None, gt=0, le=36500, description="days after which call records are removed; unset: never"
    )
    keep_recordings_days: float | None = Field(
        None,
        gt=0,
        le=36500,
        description="days after which recordings are removed; unset: never",
    )
    log_numbers: bool = Field(False, description="write telephone numbers into the log unmasked")
    log_digits: bool = Field(False, description="write pressed keys into the log unmasked")
    log_transcripts: bool = Field(False, description="allow transcripts in the log")
    state_dir: Path = Field(
        Path(".host"),
        description="folder for checkpoints, queued webhooks, cached prompts, state.db",
    )
    campaign_queue: SecretStr = Field(
        SecretStr(""),
        description="address of the queue of campaigns that hosts share: redis://... or "
        "postgresql://...; unset: a database in the state_dir",
    )
    inference: bool = Field(
        False, description="use LiveKit Inference, with LiveKit's keys, for all models"
    )
    health_host: str = Field("127.0.0.1", description="address of the health check, and of metrics")
    health_port: int = Field(
        8081,
        ge=0,
        le=65535,
        description="port of the health check with `start`; `dev` uses a free port",
    )
    api_port: int | None = Field(
        None, ge=0, le=65535, description="port of the HTTP API; unset: no API"
    )
    api_host: str = Field("127.0.0.1", description="address of the HTTP API")
    api_token: SecretStr = Field(
        SecretStr(""), description="token for the HTTP API, at least 32 characters"
    )
    api_second_token: SecretStr = Field(
        SecretStr(""), description="second token for the HTTP API, while clients change to another"
    )
    api_rate: int = Field(
        60,
        ge=1,
        description="POST requests per minute that the HTTP API accepts; 100 times as many others",
    )
    console_port: int | None = Field(
        None, ge=0, le=65535, description="port of the console; unset: no console"
    )
    console_host: str = Field("127.0.0.1", description="address of the console")
    console_token: SecretStr = Field(
        SecretStr(""), description="token to sign in to the console, at least 32 characters"
    )
    console_livekit_url: str = Field(
        "",
        pattern=r"^(wss?://[A-Za-z0-9.-]+(:\d+)?/?)?$",
        description="URL of LiveKit for browsers at the console, ws:// or wss://; "
        "unset: LIVEKIT_URL",
    )
    drain_timeout: float = Field(
        3600, gt=0, description="seconds that live calls may continue after SIGTERM"
    )
    pass_environment: Names = Field(
        (), description="names of environment variables to pass to the processes of calls"
    )
    livekit_server: Path | None = Field(
        None, description="path of livekit-server for `--local`; unset: found or built"
    )
    livekit_sip: Path | None = Field(
        None, description="path of livekit-sip for `--local --sip`; unset: found or built"
    )
    redis_server: Path | None = Field(
        None, description="path of redis-server for `--local --sip`; unset: found or fetched"
    )
    sip: SipTrunks = Field(
        default_factory=SipTrunks, description="trunks that `host provision` makes in LiveKit"
    )
    prices: Prices = Field(
        default_factory=Prices, description="prices from which records have the cost of calls"
    )
    personas: dict[str, PersonaSettings] = Field(
        default_factory=dict, description="settings of one persona"
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
        toml = InitSettingsSource(settings_cls, beside(config_path(), cls.model_fields, read))
        return init_settings, InitSettingsSource(settings_cls, joined), environment, toml

    @property
    def regions(self) -> tuple[str, ...]:
        """The countries in which numbers may be written nationally: those of our own numbers."""
        if self.countries:
            return self.countries
        ours = [number for table in self.personas.values() for number in table.numbers]
        return regions_of([*ours, self.caller_id or ""])

    @property
    def mcp_servers(self) -> list[McpServer]:
        """The MCP servers of host.toml: those of all personas, and of each."""
        tables: tuple[Shared, ...] = (self, *self.personas.values())
        return [server for table in tables for server in table.mcp]

    @property
    def references(self) -> frozenset[str]:
        """Environment variables that MCP servers of host.toml refer to."""
        return frozenset(name for server in self.mcp_servers for name in server.references)

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
            plugin: {
                **self.plugin_table(plugin),
                **own.plugins.get(plugin, {}),
                **self._values.given.get(plugin, {}),
            }
            for plugin in {
                *(*self.plugins, *own.plugins),
                *(*self._values.environment, *self._values.given),
            }
        }
        filled["mcp"] = tuple(
            each.with_values(self._values.references, self._values.mcp)
            for each in filled.get("mcp", own.mcp)
        )
        filled["words"] = self.words.model_copy(update=own.words.model_dump(exclude_unset=True))
        return own.model_copy(update=filled)

    def of_a_call(self, personas: Iterable[str]) -> PersonaSettings:
        """Return the settings for a call's record: the strictest of all personas that had it.

        A persona that masks keys masks those that another one has noted, too.
        """
        every = [self.persona(name) for name in dict.fromkeys(personas)]
        first = every[0] if every else self.persona("")
        if len(every) < 2:
            return first
        return first.model_copy(
            update={
                "record": all(each.record for each in every),
                "discard_recording": any(each.discard_recording for each in every),
                "record_numbers": all(each.record_numbers for each in every),
                "record_transcripts": all(each.record_transcripts for each in every),
                "mask_digits": any(each.mask_digits for each in every),
                "record_digits": all(each.record_digits and not each.mask_digits for each in every),
            }
        )

    def reachable_from(self, persona: str) -> set[str]:
        """Return the personas that may get a call of this one, directly or by way of others."""
        found: set[str] = set()
        ways = [persona]
        while ways:
            known = self.personas.get(ways.pop())
            further = {*(known.hands_over_to if known else ())} - found - {persona}
            found |= further
            ways += further
        return found

    def longest_call(self, persona: str) -> float:
        """Return the longest duration of a persona's calls in seconds, with all their handovers."""
        names = {persona, *self.reachable_from(persona)}
        return sum(self.persona(name).max_duration for name in names)
