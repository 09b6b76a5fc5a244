"""VIP: chooses the persona of the rooms of important people, and has a command."""

from host import hookimpl


@hookimpl
def choose_persona(dispatch, personas):
    answers = {"vip-1": "ann", "vip-2": "nobody", "vip-3": 3, "vip-4": personas[0]}
    if dispatch.room == "vip-5":
        raise LookupError("who is\nthis?")
    return answers.get(dispatch.room)


@hookimpl
def register_commands(cli):
    cli.append("vip")
