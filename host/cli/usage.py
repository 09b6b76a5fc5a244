"""One line for words that a command does not take, instead of typer's four."""

from __future__ import annotations

from typing import Any

import typer

NAME = "python -m host"
"""How the host is called: in usages and in what to type instead."""


def wrong_usage(error: typer.TyperException) -> str:
    """Say what typer refused, and where the usage stands.

    Help that is shown because nothing was typed comes as an error, too, and stays as it is.
    """
    text = error.format_message()
    if "\n" in text:
        return text
    # typer 0.29 exports no name for the errors that have a context.
    context: Any = getattr(error, "ctx", None)
    command = context.command_path if context else NAME
    text = text.replace("Value error, ", "").rstrip(".")
    text = text[:1].lower() + text[1:]
    if context and context.parent is None and text.startswith("no such option"):
        text += ", or it stands behind the command"
    return f"host: {text} (see `{command} --help`)"
