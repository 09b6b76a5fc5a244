"""$title: answers the telephone and takes messages."""

from collections.abc import Callable
from typing import Any

from host import Call, hookimpl

COMPANY = "$company"


@hookimpl
def instructions(call: Call) -> str:
    return (
        f"You answer the telephone of {COMPANY}. Reply in one or two short sentences. "
        "The office is open from nine to five, Monday to Friday. "
        "If you can't help, offer to take a message. "
        "When the caller is done, end the call."
    )


@hookimpl
def greeting(call: Call) -> str:
    return f"Hello, this is {COMPANY}. How can I help you?"


@hookimpl
def tools(call: Call) -> list[Callable[..., Any]]:
    async def take_message(message: str) -> str:
        """Take a message for a colleague.

        Args:
            message: what the colleague should know
        """
        call.results["message"] = message
        return "The message is noted."

    return [take_message]
