"""Acts: each key starts something that takes longer than an event hook may take by itself."""

import asyncio

from host import HostError, NoKeys, hookimpl

TALE = (
    "Our office is open from Monday to Friday, from nine in the morning to five in the afternoon. "
    "On Saturdays we are there until noon, and on Sundays and holidays a colleague takes your call "
    "at another number, which you find on our page, or in every letter that you have from us."
)


@hookimpl
def instructions(call):
    return "You are the acting one of the tests."


@hookimpl
def greeting(call):
    return "Press a key please."


@hookimpl
async def digit_pressed(call, digit):
    if digit == "1":
        try:
            await call.transfer("billing")
        except HostError:
            await call.say("So we go on.")
    elif digit == "2":
        await call.say(TALE)
        await call.hang_up("That was the whole tale.")
    elif digit == "3":
        try:
            await call.collect_digits("Your number please.", length=4, tries=2, type_ahead=False)
        except NoKeys:
            await call.hang_up("You have no number then.")
    elif digit == "4":
        await call.press("1,,,,,,2")
        await call.hang_up("Both keys are pressed.")
    elif digit == "5":
        await call.hang_up(TALE)
    elif digit == "6":
        try:
            async with asyncio.timeout(6):
                await call.transfer("billing")
        except TimeoutError:
            call.state.patience = "lost"
    elif digit == "0":
        await call.say("I shall think about it.")
        await asyncio.sleep(12)
        await call.say("I have thought for too long.")
