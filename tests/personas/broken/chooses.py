"""Would like to choose who takes other people's calls, and to add commands."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be bold."


@hookimpl
def choose_persona(dispatch, personas):
    return "chooses"


@hookimpl
def register_commands(cli):
    return None
