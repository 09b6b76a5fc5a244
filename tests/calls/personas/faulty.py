"""Faulty: its instructions can't be asked for."""

from host import hookimpl


@hookimpl
def instructions(call):
    return f"You are the faulty one of the tests, for {call.details['nobody']}."
