"""The commands. Thin: each reads its words, checks them, calls one function, prints, exits.

LiveKit takes seconds to import, so whatever needs it is imported inside its command.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import NoReturn

import typer

from host import registry
from host.base.errors import HostError

from host.cli import serve, reload, inspect, call, hangup, talk  # isort: skip  # in the order of the help
from host.cli.provision import command as provision  # isort: skip
from host.cli.app import cli
from host.cli.calls.commands import calls
from host.cli.campaign.commands import campaign
from host.cli.doctor import command as doctor_command
from host.cli.new.commands import new
from host.cli.running import masked_output, stop_on_sigterm
from host.cli.simulate.command import simulate
from host.cli.usage import NAME, wrong_usage
from host.privacy import without_secrets
from host.privacy.logs import keep_private
from host.settings import load_settings, misspelt_settings

__all__ = [
    "call",
    "campaign",
    "cli",
    "doctor_command",
    "hangup",
    "inspect",
    "main",
    "provision",
    "reload",
    "serve",
    "simulate",
    "talk",
]

cli.add_typer(calls, name="calls")
cli.add_typer(campaign, name="campaign")
cli.add_typer(new, name="new")


def main() -> None:
    """Run a command. What its reader can mend is one line and exit code 1; 2 for a wrong usage.

    A server that a signal stops exits with 0, also while it starts. All that it writes is masked,
    and in every command what is printed while personas and plugins are imported.
    """
    serves = bool({"dev", "start"} & {*sys.argv[1:2]})
    if serves:
        stop_on_sigterm()
    # PyJWT warns of LiveKit's own `devkey: secret` each time that a token is made. livekit-server
    # judges its keys itself, and the key of `livekit-server --dev` is fixed.
    warnings.filterwarnings("ignore", r"The HMAC key is \d+ bytes long")
    _exit(_run(serves))


def _run(serves: bool) -> str | int | None:
    """Run the command that the command line names; return its exit code."""
    try:
        with masked_output() if serves else contextlib.nullcontext():
            with contextlib.suppress(HostError):  # a command that needs settings will say it itself
                keep_private(load_settings())
                settings = registry.read_settings()
                faults = [*map(str, registry.load(settings).commands(cli))]
                if not (serves or "doctor" in sys.argv[1:2]):  # which say it themselves
                    faults += misspelt_settings(settings)
                for fault in faults:
                    typer.echo(f"host: {fault}", err=True)
            # None, or the code of a command that exits: see `cli`.
            code: int | None = cli(prog_name=NAME, standalone_mode=False)
            return code or 0
    except (typer.Abort, KeyboardInterrupt):
        if serves:
            return 0
        typer.echo("Aborted!", err=True)
        return 1
    except typer.TyperException as error:
        typer.echo(wrong_usage(error), err=True)
        return error.exit_code
    except HostError as error:
        typer.echo(f"host: {without_secrets(str(error))}", err=True)
        return 1
    except SystemExit as end:
        return end.code


def _exit(code: str | int | None) -> NoReturn:
    """End the process with this exit code, and no other.

    LiveKit's SDK has threads that may still call into an interpreter that is taken down, and abort
    the process then: 1 exit of 36 with SDK 1.1.21. Nothing of ours is left to be done.
    """
    if "livekit.rtc" not in sys.modules or not isinstance(code, int):
        raise SystemExit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
