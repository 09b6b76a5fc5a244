"""Everything that a deployment may set, and where it is read from."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from host.settings.calling import parted
from host.settings.persona import Names, PersonaSettings, Shared

ROOT = Path(__file__).resolve().parents[2]


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
    personas_dir: Path = Field(ROOT / "personas", description="folder of personas")
    plugins_dir: Path = Field(ROOT / "plugins", description="folder of plugins")
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
    webhook_url: str | None = Field(None, description="where each call record is sent to")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="its Standard Webhooks secret (whsec_...)"
    )
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
    metrics_port: int | None = Field(
        None, ge=0, le=65535, description="port of Prometheus metrics, at health_host"
    )
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices(
            "HOST_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"
        ),
        description="OpenTelemetry collector (OTLP over HTTP) for a trace of each call",
    )
    language: str = Field("en", description="language of ears and voice, as BCP 47")
    turn_detection: Literal["model", "vad", "stt"] = Field(
        "model", description="who says that a turn is over: LiveKit's model, silence, or the STT"
    )
    llm_model: str = Field("gpt-4.1-mini", description="LLM; provider/model with llm_inference")
    llm_base_url: str | None = Field(None, description="any OpenAI-compatible server")
    llm_inference: bool = Field(False, description="use LiveKit Inference for the LLM")
    openai_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=_env("OPENAI_API_KEY"), description="key of the LLM"
    )
    deepgram_model: str = Field("nova-3", description="Deepgram model")
    deepgram_base_url: str = Field(
        "https://api.deepgram.com/v1/listen", description="Deepgram's address"
    )
    deepgram_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=_env("DEEPGRAM_API_KEY"), description="Deepgram key"
    )
    cartesia_model: str = Field("sonic-3", description="Cartesia model")
    cartesia_voice: str = Field(
        "f786b574-daa5-4673-aa0c-cbe3e8534c02", description="Cartesia voice id"
    )
    cartesia_base_url: str = Field("https://api.cartesia.ai", description="Cartesia's address")
    cartesia_api_key: SecretStr = Field(
        SecretStr(""), validation_alias=_env("CARTESIA_API_KEY"), description="Cartesia key"
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
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_path())
        joined = nameless | _denied_by_both(environment(), toml())
        return init_settings, InitSettingsSource(settings_cls, joined), environment, toml

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
        filled["words"] = self.words.model_copy(update=own.words.model_dump(exclude_unset=True))
        return own.model_copy(update=filled)
