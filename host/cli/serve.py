"""`dev` and `start`: serve calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from host.base.errors import HostError
from host.cli import servable
from host.cli.app import Local, Strict, Verbose, cli
from host.cli.running import end_line, of_the_local_extra, run, until_stopped, world_of
from host.registry import read_settings

if TYPE_CHECKING:
    from host.local.sip import Lines


@cli.command()
def dev(
    local: Local = False,
    sip: Annotated[
        bool,
        typer.Option("--sip", help="With --local: use LiveKit SIP, for softphones."),
    ] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            help="With --sip: address of this machine for softphones on the network; needs "
            "HOST_SIP_INBOUND_PASSWORD. Default: 127.0.0.1.",
        ),
    ] = None,
    softphone: Annotated[
        str | None,
        typer.Option(
            help="With --sip: ADDRESS:PORT of the softphone that `call --local` rings. "
            "Default: 127.0.0.1:5060.",
        ),
    ] = None,
    strict: Strict = False,
    verbose: Verbose = False,
) -> None:
    """Serve calls during development.

    Logs are readable, and Ctrl-C ends live calls. Saved personas, plugins and settings are those of
    the next call.
    """
    from host.privacy.logs import log_to_terminal

    log_to_terminal(verbose=verbose)
    lines = _lines(local, sip, listen, softphone)
    run(until_stopped(_serve(dev=True, local=local, strict=strict, lines=lines)))


@cli.command()
def start(local: Local = False, strict: Strict = False) -> None:
    """Serve calls in production.

    Logs are JSON, the health check has a fixed port, and SIGTERM lets live calls finish. SIGHUP or
    `reload` serves further calls with what was saved.
    """
    from host.privacy.logs import log_as_json

    log_as_json()
    run(until_stopped(_serve(dev=False, local=local, strict=strict)))


def _lines(local: bool, sip: bool, listen: str | None, softphone: str | None) -> Lines | None:
    """Return where LiveKit SIP listens and rings; None without it. Raises HostError."""
    for option, given, needs, there in (
        ("--sip", sip, "--local", local),
        ("--listen", listen, "--sip", sip),
        ("--softphone", softphone, "--sip", sip),
    ):
        if given and not there:
            raise HostError(f"{option} needs {needs}: python -m host dev --local --sip")
    if not sip:
        return None
    with of_the_local_extra():
        from host.local.sip.lines import NO_PASSWORD, Lines

    settings = read_settings()
    password = settings.sip_inbound_password.get_secret_value() if listen else ""
    if listen and not password:
        raise HostError(NO_PASSWORD)
    return Lines(
        listen or Lines.listen,
        settings.sip.inbound_username or Lines.username,
        password,
        softphone or Lines.softphone,
    )


async def _serve(*, dev: bool, local: bool, strict: bool, lines: Lines | None = None) -> None:
    servable.require_servable(read_settings(), dev=dev, strict=strict)
    from host.server.serve import serve  # takes a second

    async with world_of(local, lines) as (settings, use):
        await serve(settings, dev=dev, strict=strict, use=use)
    end_line()  # only a signal ends it
