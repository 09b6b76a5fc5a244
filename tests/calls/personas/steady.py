"""Steady: waits long for the end of a turn, and speaks on whatever is said."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the steady one of the tests."


@hookimpl
def session_options(call):
    return {
        "turn_handling": {
            "endpointing": {"min_delay": 3.0, "max_delay": 3.0},
            "interruption": {"enabled": False},
        },
        "tts_text_transforms": [_rounded],
        "ivr_detection": True,
    }


async def _rounded(texts):
    async for text in texts:
        yield text.replace("Monday", "some Monday")


@hookimpl
async def joined(call, by, note):
    await call.say("The steady one is here.")


@hookimpl
async def digit_pressed(call, digit):
    await call.hand_over("curt" if digit == "1" else "desk")
