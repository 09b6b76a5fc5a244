"""Deli: a package that keeps its menu in a module of its own."""

from host import hookimpl

from .menu import SPECIAL


@hookimpl
def instructions(call):
    return f"Sell {SPECIAL}."
