"""Cashier: a payer whose calls are recorded, says host.toml."""

from .payer import greeting, instructions, tools

__all__ = ["greeting", "instructions", "tools"]
