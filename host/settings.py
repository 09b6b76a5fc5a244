"""Settings of one deployment: the environment, `.env` and `host.toml`, in that order of weight.

What differs from persona to persona in a deployment (numbers, trunk, caller ID, limits, transfer
targets) is a table of `host.toml`, so that a persona's code holds none of it.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from dotenv import load_dotenv
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import (
    SettingsError as SourceError,
)

from host.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent

Seconds = Annotated[float, Field(gt=0)]
RingingSeconds = Annotated[float, Field(gt=0, le=78)]


def _env(name: str) -> AliasChoices:
    """Read an environment variable that has no HOST_ prefix; host.toml has it in lower case."""
    return AliasChoices(name, name.lower())


def _config_path() -> Path:
    return Path(os.environ.get("HOST_CONFIG") or "host.toml")


class PersonaSettings(BaseModel):
    """What one deployment says of one persona: a `[personas.NAME]` table of host.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: tuple[str, ...] = Field((), description="numbers that this persona answers")
    prefixes: tuple[str, ...] = Field((), description="more room prefixes, beside its name")
    trunk: str | None = Field(None, description="LiveKit outbound trunk for its calls (ST_...)")
    caller_id: str | None = Field(None, description="number that its outbound calls show")
    transfers: dict[str, str] = Field(
        default_factory=dict, description="transfer targets by name, beside the shared ones"
    )
    ringing_timeout: RingingSeconds | None = Field(
        None, description="seconds an outbound call may ring"
    )
    max_duration: Seconds | None = Field(None, description="seconds a call may last")


class Settings(BaseSettings):
    """Everything that a deployment may set."""

    model_config = SettingsConfigDict(
        env_prefix="HOST_", extra="forbid", frozen=True, populate_by_name=True
    )

    livekit_url: str = Field(
        "", validation_alias=_env("LIVEKIT_URL"), description="LiveKit server, ws:// or wss://"
    )
    livekit_api_key: str = Field(
        "", validation_alias=_env("LIVEKIT_API_KEY"), description="LiveKit API key"
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
    trunk: str | None = Field(
        None,
        validation_alias=AliasChoices("HOST_TRUNK", "LIVEKIT_SIP_OUTBOUND_TRUNK", "trunk"),
        description="LiveKit outbound trunk (ST_...) for every persona",
    )
    caller_id: str | None = Field(None, description="number that outbound calls show")
    ringing_timeout: RingingSeconds = Field(30, description="seconds an outbound call may ring")
    max_duration: Seconds = Field(900, description="seconds a call may last")
    call_log: Path = Field(Path("calls.jsonl"), description="file of call records, one a line")
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
    drain_timeout: float = Field(
        3600, gt=0, description="seconds that live calls may go on after SIGTERM"
    )
    livekit_server: Path | None = Field(
        None, description="livekit-server program for --local; found or built when unset"
    )
    transfers: dict[str, str] = Field(
        default_factory=dict, description="transfer targets by name, for every persona"
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
        something.
        """
        environment = EnvSettingsSource(settings_cls, env_ignore_empty=True)
        nameless = {"agent_name": ""} if os.environ.get("HOST_AGENT_NAME") == "" else {}
        toml = TomlConfigSettingsSource(settings_cls, toml_file=_config_path())
        return init_settings, InitSettingsSource(settings_cls, nameless), environment, toml

    def persona(self, name: str) -> PersonaSettings:
        """Return what host.toml says of a persona, with the shared values filled in."""
        own = self.personas.get(name, PersonaSettings())
        return own.model_copy(
            update={
                "trunk": own.trunk or self.trunk,
                "caller_id": own.caller_id or self.caller_id,
                "transfers": {**self.transfers, **own.transfers},
                "ringing_timeout": own.ringing_timeout or self.ringing_timeout,
                "max_duration": own.max_duration or self.max_duration,
            }
        )


def load_settings() -> Settings:
    """Read the settings, with `.env` of the working directory put into the environment first.

    Raises SettingsError, one line that names every wrong setting.
    """
    try:
        load_dotenv(Path(".env"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f".env: {error}") from error
    path = _config_path()
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


def misspelt_settings() -> list[str]:
    """Say which HOST_ variables of the environment no setting has, where one is spelt alike."""
    names = {env_name(name) for name in Settings.model_fields}
    return [
        f"{variable} is no setting; did you mean {close[0]}?"
        for variable in sorted(os.environ)
        if variable.startswith("HOST_") and variable not in names
        if (close := difflib.get_close_matches(variable, names, 1, 0.8))
    ]


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
