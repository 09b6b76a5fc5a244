"""Pad: says which key was pressed, presses some itself, refers the caller to a colleague."""

from host import HostError, hookimpl


@hookimpl
def instructions(call):
    return "You are the keypad of the tests."


@hookimpl
def greeting(call):
    return "Press a key please."


@hookimpl
async def digit_pressed(call, digit):
    if digit == "*":
        try:
            await call.transfer("colleague")
        except HostError:
            await call.say("My colleague does not answer.")
    elif digit == "#":
        await call.press("12w#")
        await call.hang_up("That was all. Goodbye.")
    else:
        await call.say(f"You pressed {digit}.")
