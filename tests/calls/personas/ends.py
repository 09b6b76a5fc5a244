"""Ends: hangs up in every way that a persona can."""

from host import Continue, HangUp, LeaveMessage, hookimpl

POLICIES = {
    "leave": LeaveMessage("This is the message of the test. Please call us back tomorrow."),
    "skip": HangUp(),
    "talk": Continue(),
}


@hookimpl
def instructions(call):
    return "You are the end of the tests."


@hookimpl
def greeting(call):
    return "Good day, how are you this morning?"


@hookimpl
def voicemail_policy(call):
    return POLICIES[call.metadata.get("machine", "talk")]


@hookimpl
def screening_policy(call):
    return HangUp() if call.metadata.get("machine") == "skip" else None


@hookimpl
def tools(call):
    async def leave() -> None:
        """Say goodbye and hang up."""
        await call.hang_up("It was nice to talk to you. Goodbye.")

    async def stop() -> None:
        """Close the session, as an author's own agent may."""
        call.session.shutdown()

    async def trip() -> None:
        """Fail."""
        raise RuntimeError("the tool is broken")

    return [leave, stop, trip]


@hookimpl
async def digit_pressed(call, digit):
    await call.hang_up()


@hookimpl
async def call_greeted(call):
    if call.metadata.get("hasty"):
        await call.hang_up()
