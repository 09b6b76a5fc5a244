"""Teller: takes numbers that the caller types or says."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the teller of the tests."


@hookimpl
def greeting(call):
    return "This is the teller."


@hookimpl
async def call_greeted(call):
    customer = await call.collect_digits(
        "Please say or type your customer number.", length=4, spoken=True
    )
    pin = await call.collect_digits(
        "Please say or type your PIN.", length=6, spoken=True, private=True
    )
    async with call.unrecorded():
        card = await call.collect_digits("And the number of your card.", length=16, spoken=True)
    right = (customer, pin, card) == ("4711", "294618", "4929118603754429")
    await call.say("Thank you. All is well." if right else "Alas.")
