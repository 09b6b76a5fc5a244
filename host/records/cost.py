"""What a call cost, as its record has it."""

from __future__ import annotations

from pydantic import BaseModel, Field


class CostPart(BaseModel):
    """The cost of one model, or of one telephone line, in a call."""

    kind: str = Field(
        description="kind of model: llm, stt, tts, ...; or `line`, and `transfer` for the line of "
        "a colleague who was called into the room"
    )
    name: str = Field(
        description="provider/model, or of a line `inbound` or `outbound`, with the trunk's ID"
    )
    amount: float = Field(description="money, in the currency of the cost")


class Cost(BaseModel):
    """The cost of a call, by the prices of host.toml when it ended."""

    currency: str = Field(description="currency, as ISO 4217 writes it")
    total: float = Field(description="sum of the parts")
    parts: list[CostPart] = Field([], description="cost of each model and line that has a price")
    unpriced: list[str] = Field(
        [], description="kinds and names of what was used and has no price: the total lacks it"
    )
