"""Operator: a realtime model whose first menu puts everybody through to sales."""

import os

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the operator of the tests."


@hookimpl
def llm(call):
    from livekit.plugins import openai

    return openai.realtime.RealtimeModel(base_url=os.environ["TEST_REALTIME_URL"], api_key="local")


@hookimpl
def greeting(call):
    return "This is the operator."


@hookimpl
async def call_greeted(call):
    await call.transfer("sales", summary="Ann from Boston wants to buy a house.")
