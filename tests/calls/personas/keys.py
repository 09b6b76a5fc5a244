"""Keys: says which key was pressed, and presses some itself."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the keypad of the tests."


@hookimpl
def greeting(call):
    return "Press a key please."


@hookimpl
async def digit_pressed(call, digit):
    if digit == "#":
        await call.press("12w#")
        await call.hang_up("That was all. Goodbye.")
    else:
        await call.say(f"You pressed {digit}.")
