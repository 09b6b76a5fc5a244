"""Returns: asks for two numbers, and after a takeover only for those that it lacks."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the one of the tests who returns."


@hookimpl
def greeting(call):
    return "Welcome to the bank of returns."


@hookimpl
async def call_greeted(call):
    call.state.customer = await call.collect_digits("Your customer number please.", length=4)
    await ask_for_the_amount(call)


@hookimpl
async def resumed(call):
    if getattr(call.state, "customer", None):
        await ask_for_the_amount(call)
    else:
        await call_greeted(call)


async def ask_for_the_amount(call):
    amount = await call.collect_digits("Now the amount please.", length=3)
    await call.hang_up(f"Customer {call.state.customer} pays {amount}. Goodbye.")
