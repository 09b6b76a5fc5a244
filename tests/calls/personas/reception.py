"""Reception: hands its calls over to others, by tool and by key."""

from host import HostError, hookimpl


@hookimpl
def instructions(call):
    return "You are the reception of the tests."


@hookimpl
def greeting(call):
    return "Reception, how can I help you?"


@hookimpl
async def digit_pressed(call, digit):
    who = {"1": "accounts", "2": "crowded", "3": "faulty", "4": "waits", "5": "fluent"}.get(digit)
    if who:
        try:
            await call.hand_over(who, note="pressed a key")
        except HostError as error:
            call.state.refused = str(error)
            await call.say("Nobody is there, you stay with me.")


@hookimpl
async def joined(call, by, note):
    call.state.back_from = by
