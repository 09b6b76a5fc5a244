"""Invoices: answers questions about invoices, in a voice of its own."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the invoice desk of Molar Dental. Ask for the invoice number, and be brief."


@hookimpl
async def joined(call, by, note):
    if "pressed 1" in note:
        await call.say("This is the invoice desk. What is your invoice number?")
