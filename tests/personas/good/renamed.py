"""Renamed: its hooks have other names than their functions, and one is of a later host."""

from host import hookimpl


@hookimpl(specname="instructions")
def who_i_am(call):
    return "You are renamed."


@hookimpl(optionalhook=True)
def hook_of_next_year(call, mood):
    return mood


@hookimpl
def greeting(call, punctuation="!"):
    return f"Hello{punctuation}"
