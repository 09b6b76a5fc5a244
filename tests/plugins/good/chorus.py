"""Chorus: has a hook of each kind that a call has, and answers after the persona."""

from host import Continue, hookimpl


@hookimpl
def parse_metadata(metadata):
    return ("chorus", dict(metadata))


@hookimpl
async def prepare_call(call):
    call.append("chorus prepares")


@hookimpl
def stt(call):
    return "chorus's ears"


@hookimpl
def llm(call):
    return "chorus's model"


@hookimpl
def tts(call):
    return "chorus's voice"


@hookimpl
def provide(call, kind, provider, model):
    return f"chorus's {kind} {provider}/{model}"


@hookimpl
def session_options(call):
    return {"said_by": "chorus"}


@hookimpl
def room_options(call):
    return {"said_by": "chorus"}


@hookimpl
def tools(call):
    return ["chorus's tool"]


@hookimpl
def greeting(call):
    return "chorus's greeting"


@hookimpl
def voicemail_policy(call):
    return Continue()


@hookimpl
def screening_policy(call):
    return Continue()


@hookimpl
async def call_greeted(call):
    call.append("chorus has greeted")


@hookimpl
async def resumed(call):
    call.append("chorus is back")


@hookimpl
async def call_status_changed(call, status):
    call.append(f"chorus hears of {status}")


@hookimpl
async def digit_pressed(call, digit):
    call.append(f"chorus hears {digit}")


@hookimpl
async def hold_changed(call, on_hold):
    call.append(f"chorus hears of the hold: {on_hold}")


@hookimpl
def conclusions(call):
    return type("Chorus", (), {})


@hookimpl
async def call_ended(call, record):
    call.append(f"chorus hears of the end: {record}")


@hookimpl
async def while_serving(settings):
    settings.append("chorus runs beside")
