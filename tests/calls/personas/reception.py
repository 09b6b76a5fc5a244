"""Reception: hands its calls over to others, by tool and by key."""

from host import HostError, hookimpl

BY_KEY = {
    "1": "accounts",
    "2": "crowded",
    "3": "faulty",
    "4": "waits",
    "5": "fluent",
    "6": "realtime",
}


@hookimpl
def instructions(call):
    return "You are the reception of the tests."


@hookimpl
def greeting(call):
    return "Reception, how can I help you?"


@hookimpl
async def digit_pressed(call, digit):
    if who := BY_KEY.get(digit):
        try:
            await call.hand_over(who, note="pressed a key")
        except HostError as error:
            call.state.refused = str(error)
            await call.say("Nobody is there, you stay with me.")


@hookimpl
async def joined(call, by, note):
    call.state.back_from = by
