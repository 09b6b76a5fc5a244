"""Biller: a payer that says in its results what came of the call, and has it concluded."""

from typing import Any

from pydantic import BaseModel

from host import hookimpl

from .payer import greeting, instructions, tools

__all__ = ["greeting", "instructions", "tools"]


class Payment(BaseModel):
    """Note what was paid."""

    card: str | None = None
    paid: bool


@hookimpl
def conclusions(call: Any) -> type[Payment]:
    return Payment


@hookimpl
async def call_ended(call: Any) -> None:
    await call.stop_recording()  # too late for anything
