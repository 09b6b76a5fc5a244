"""Fragile: the question that its metadata names raises."""

from host import hookimpl

GREETING = "Good day, I hope that nothing breaks."


def answer(call, question, answer=None):
    if call.metadata.get("breaks") == question:
        raise RuntimeError(f"{question} is broken")
    return answer


@hookimpl
def parse_metadata(metadata):
    if metadata.get("breaks") == "parse_metadata":
        raise RuntimeError("parse_metadata is broken")
    if metadata.get("breaks") == "metadata":
        raise ValueError("nobody knows the patient")


@hookimpl
async def prepare_call(call):
    answer(call, "prepare_call")


@hookimpl
def instructions(call):
    return answer(call, "instructions", "You are the fragile persona of the tests.")


@hookimpl
def agent(call):
    return answer(call, "agent")


@hookimpl
def stt(call):
    return answer(call, "stt")


@hookimpl
def llm(call):
    return answer(call, "llm")


@hookimpl
def tts(call):
    return answer(call, "tts")


@hookimpl
def session_options(call):
    return answer(call, "session_options")


@hookimpl
def room_options(call):
    return answer(call, "room_options")


@hookimpl
def tools(call):
    return answer(call, "tools")


@hookimpl
def greeting(call):
    return answer(call, "greeting", GREETING)


@hookimpl
async def call_greeted(call):
    answer(call, "call_greeted")


@hookimpl
async def digit_pressed(call, digit):
    answer(call, "digit_pressed")


@hookimpl
async def call_ended(call, record):
    answer(call, "call_ended")
