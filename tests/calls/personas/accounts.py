"""Accounts: gets calls of the reception, in a voice and a language of its own."""

from host import hookimpl


@hookimpl
async def prepare_call(call):
    call.state.prepared = call.persona


@hookimpl
def instructions(call):
    return f"You are the accounts desk of the tests, for {call.details.get('customer', 'anybody')}."


@hookimpl
def greeting(call):
    return "Nobody ever hears this greeting."


@hookimpl
def tools(call):
    async def find_invoice(number: int) -> str:
        """Find an invoice."""
        return f"Invoice {number} is {call.state.prepared}'s."

    return [find_invoice]


@hookimpl
async def digit_pressed(call, digit):
    await call.say(f"The accounts have got key {digit}.")
