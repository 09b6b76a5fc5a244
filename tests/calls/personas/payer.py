"""Payer: takes the number of a card off the record, and goes on when it has it."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the payer of the tests."


@hookimpl
def greeting(call):
    return "This is the payer."


@hookimpl
def tools(call):
    async def take_card() -> str:
        """Begin to take the number of a card."""
        await call.pause_recording()
        return "Ask for the number now."

    async def charge(card: str) -> str:
        """Charge a card.

        Args:
            card: its number
        """
        call.state.card = card
        call.state.charged = True
        call.results["payment"] = {"card": card, "by": "card"}
        await call.resume_recording()
        return f"{card} was charged."

    return [take_card, charge]
