"""Cases: tells callers the number of their case, which a SIP header has."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the one with the cases of the tests."


@hookimpl
def greeting(call):
    return "Good day."


@hookimpl
async def call_greeted(call):
    await call.say(f"Your case is {call.headers.get('case')}.")
