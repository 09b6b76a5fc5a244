"""Everything: has a hook of each kind that a persona can have."""

from host import HangUp, hookimpl


@hookimpl
def parse_metadata(metadata):
    return ("everything's", dict(metadata))


@hookimpl
async def prepare_call(call):
    call.append("everything prepares")


@hookimpl
def instructions(call):
    return "everything's instructions"


@hookimpl
def agent(call):
    return "everything's agent"


@hookimpl
def stt(call):
    return "everything's ears"


@hookimpl
def llm(call):
    return "everything's model"


@hookimpl
def tts(call):
    return "everything's voice"


@hookimpl
def provide(call, kind, provider, model):
    return f"everything's {kind} {provider}/{model}"


@hookimpl
def session_options(call):
    return {"said_by": "everything"}


@hookimpl
def room_options(call):
    return {"said_by": "everything"}


@hookimpl
def tools(call):
    return ["everything's tool"]


@hookimpl
def greeting(call):
    return "everything's greeting"


@hookimpl
def voicemail_policy(call):
    return HangUp()


@hookimpl
def screening_policy(call):
    return HangUp()


@hookimpl
async def call_greeted(call):
    call.append("everything has greeted")


@hookimpl
async def resumed(call):
    call.append("everything is back")


@hookimpl
async def call_status_changed(call, status):
    call.append(f"everything hears of {status}")


@hookimpl
async def digit_pressed(call, digit):
    call.append(f"everything hears {digit}")


@hookimpl
async def hold_changed(call, on_hold):
    call.append(f"everything hears of the hold: {on_hold}")


@hookimpl
def conclusions(call):
    return type("Everything", (), {})


@hookimpl
async def call_ended(call, record):
    call.append(f"everything hears of the end: {record}")
