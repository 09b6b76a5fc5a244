"""Frontdesk: answers callers, and hands questions about invoices over."""

from host import hookimpl


@hookimpl
def instructions(call):
    return (
        "You are the front desk of Molar Dental. Hand the call over to invoices as soon as the "
        "caller asks about an invoice."
    )


@hookimpl
def greeting(call):
    return "Molar Dental, good morning. Press 1 for invoices, or tell me what you need."


@hookimpl
async def digit_pressed(call, digit):
    if digit == "1":
        await call.hand_over("invoices", note="pressed 1 at the front desk")
