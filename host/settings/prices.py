"""The table `[prices]` of host.toml: what models and telephone lines cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from host.settings.calling import written_as

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _model(name: str) -> str:
    provider, _, model = name.partition("/")
    if not (provider.strip() and model.strip()):
        raise ValueError(f"{ascii(name)[:80]} must be provider/model, such as deepgram/nova-3")
    return name.lower()


ModelName = Annotated[str, AfterValidator(_model)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelPrice(_Table):
    """What one model costs, in the units by which its provider bills."""

    input: Price | None = Field(None, description="price of a million input tokens")
    cached_input: Price | None = Field(
        None, description="price of a million cached input tokens; unset: that of `input`"
    )
    input_audio: Price | None = Field(
        None, description="price of a million input tokens of audio; unset: that of `input`"
    )
    output: Price | None = Field(None, description="price of a million output tokens")
    output_audio: Price | None = Field(
        None, description="price of a million output tokens of audio; unset: that of `output`"
    )
    characters: Price | None = Field(None, description="price of 1,000 characters")
    audio: Price | None = Field(None, description="price of a minute of audio")
    session: Price | None = Field(None, description="price of a minute of connection")
    requests: Price | None = Field(None, description="price of 1,000 requests")

    @model_validator(mode="after")
    def _both_ways(self) -> Self:
        if (self.input is None) != (self.output is None):
            raise ValueError("input and output must both be set; 0 costs nothing")
        return self


class LinePrice(_Table):
    """What a minute on the telephone line costs."""

    inbound: Price | None = Field(None, description="price of a minute of an inbound call")
    outbound: Price | None = Field(
        None, description="price of a minute of an outbound call, and of a transfer into the room"
    )
    increment: float = Field(
        1, gt=0, le=3600, description="seconds to which the carrier rounds up each call"
    )


class Prices(_Table):
    """Prices in one currency."""

    currency: Annotated[
        str, written_as(r"(?:[A-Z]{3})?", "three capital letters of ISO 4217, such as USD")
    ] = Field("", description="currency of all prices, such as USD")
    models: dict[ModelName, ModelPrice] = Field(
        default_factory=dict,
        description="prices by `provider/model`, or `provider/*` for a provider's other models",
    )
    line: LinePrice = Field(
        default_factory=LinePrice, description="prices of the telephone line, for any trunk"
    )
    trunks: dict[str, LinePrice] = Field(
        default_factory=dict, description="prices of single trunks, by ID (ST_...)"
    )

    @model_validator(mode="after")
    def _in_a_currency(self) -> Self:
        if self.given and not self.currency:
            raise ValueError('currency is missing, such as currency = "USD"')
        return self

    @property
    def given(self) -> bool:
        """Whether there is any price."""
        return bool(self.models or self.trunks or self.line.model_fields_set)

    def of_model(self, provider: str, model: str) -> ModelPrice | None:
        """Return the price of a model; None if there is none.

        A record may name a provider by its host: the price of `openai` is also that of
        `api.openai.com`.
        """
        names = [provider.lower(), *provider.lower().split(".")]
        for of in (model.lower(), "*"):
            for name in names:
                if price := self.models.get(f"{name}/{of}"):
                    return price
        return None

    def of_line(self, trunk: str | None) -> LinePrice:
        """Return the prices of a trunk."""
        return self.trunks.get(trunk or "", self.line)


def fields_in(path: Sequence[str]) -> Iterable[str]:
    """Return the names that the table around a value may have: its path begins with `prices`."""
    tables: dict[str, type[BaseModel]] = {
        "models": ModelPrice,
        "line": LinePrice,
        "trunks": LinePrice,
    }
    return tables.get(path[1], Prices).model_fields if len(path) > 2 else Prices.model_fields
