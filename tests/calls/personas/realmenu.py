"""Realmenu: a realtime model's call that begins with a menu."""

import os

from host import Menu, hookimpl


@hookimpl
def instructions(call):
    return "You are the realtime menu of the tests."


@hookimpl
def llm(call):
    from livekit.plugins import openai

    return openai.realtime.RealtimeModel(base_url=os.environ["TEST_REALTIME_URL"], api_key="local")


@hookimpl
def greeting(call):
    return "Welcome to the menu."


@hookimpl
async def call_greeted(call):
    city = await call.choose(Menu("For London press one.", {"1": "London"}))
    await call.say(f"You have chosen {city}.")
