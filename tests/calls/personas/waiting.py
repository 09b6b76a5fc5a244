"""Waiting: each of its events waits for something that never comes."""

import asyncio

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the waiting one of the tests."


@hookimpl
def greeting(call):
    return "I wait for what never comes."


@hookimpl
async def call_greeted(call):
    await asyncio.Event().wait()


@hookimpl
async def call_ended(call, record):
    await asyncio.Event().wait()
