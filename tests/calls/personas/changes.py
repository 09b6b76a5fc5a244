"""Changes: answers for a model something else in its calls than when the host started."""

from host import hookimpl

ANSWERS = {"unknown": "nowhere/nothing", "empty": "", "no model": 42}


def answer(call, kind):
    return ANSWERS[call.metadata["answer"]] if call.metadata.get("kind") == kind else None


@hookimpl
def instructions(call):
    return "You are the changing one of the tests."


@hookimpl
def greeting(call):
    return "Good day, I am still the same."


@hookimpl
def stt(call):
    return answer(call, "stt")


@hookimpl
def llm(call):
    return answer(call, "llm")


@hookimpl
def tts(call):
    return answer(call, "tts")
