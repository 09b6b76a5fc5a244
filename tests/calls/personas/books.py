"""Books: puts what it has booked into the results of the call."""

from host import Continue, hookimpl


@hookimpl
def instructions(call):
    return "You are the booking one of the tests."


@hookimpl
def greeting(call):
    return "Which day suits you?"


@hookimpl
def voicemail_policy(call):
    return Continue()


@hookimpl
def tools(call):
    async def book(day: str) -> str:
        """Book a day."""
        call.results["booking"] = {"day": day, "phone": call.number, "asked_by": call.reference}
        return "Booked."

    return [book]
