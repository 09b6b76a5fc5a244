"""Intake: asks by a menu, notes the answer as a result, and hands the call over."""

from pydantic import BaseModel

from host import Menu, hookimpl

WISHES = {"1": "a visit", "2": "an opt-out", "3": "nobody yet"}


class Wish(BaseModel):
    """Note what the intake has heard."""

    wish: str


@hookimpl
def instructions(call):
    return "You are the intake of the tests."


@hookimpl
def greeting(call):
    return "Here is the intake."


@hookimpl
async def call_greeted(call):
    wish = await call.choose(Menu("For a visit press one.", WISHES, name="wish"))
    call.results["intake"] = {"wish": wish, "phone": call.number}
    if wish == "an opt-out":
        await call.opt_out()
    await call.hand_over("undecided" if wish == "nobody yet" else "concludes", note=wish)


@hookimpl
def conclusions(call):
    return Wish
