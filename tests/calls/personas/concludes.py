"""Concludes: wants to know after the call what was said in it."""

from typing import Literal

from pydantic import BaseModel, Field

from host import hookimpl


class Visit(BaseModel):
    """Note what the caller wants."""

    day: Literal["Monday", "Tuesday"]
    topic: str = Field(max_length=40)
    urgent: bool = False


@hookimpl
def instructions(call):
    return "You are the concluding one of the tests."


@hookimpl
def greeting(call):
    return "What is it about?"


@hookimpl
def conclusions(call):
    return Visit
