"""Realtime: one model that hears, thinks and speaks."""

import os

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the realtime model of the tests."


@hookimpl
def llm(call):
    from livekit.plugins import openai

    return openai.realtime.RealtimeModel(base_url=os.environ["TEST_REALTIME_URL"], api_key="local")


@hookimpl
def greeting(call):
    return "I hear and speak by myself."
