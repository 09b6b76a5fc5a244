"""`dev` and `start`: serve calls."""

from __future__ import annotations

from host.cli import servable
from host.cli.app import Local, Strict, Verbose, cli
from host.cli.running import end_line, run, until_stopped, world_of
from host.registry import read_settings


@cli.command()
def dev(local: Local = False, strict: Strict = False, verbose: Verbose = False) -> None:
    """Serve calls during development.

    Logs are readable, and Ctrl-C ends live calls. Saved personas, plugins and settings are those of
    the next call.
    """
    from host.privacy.logs import log_to_terminal

    log_to_terminal(verbose=verbose)
    run(until_stopped(_serve(dev=True, local=local, strict=strict)))


@cli.command()
def start(local: Local = False, strict: Strict = False) -> None:
    """Serve calls in production.

    Logs are JSON, the health check has a fixed port, and SIGTERM lets live calls finish. SIGHUP or
    `reload` serves further calls with what was saved.
    """
    from host.privacy.logs import log_as_json

    log_as_json()
    run(until_stopped(_serve(dev=False, local=local, strict=strict)))


async def _serve(*, dev: bool, local: bool, strict: bool) -> None:
    servable.require_servable(read_settings(), dev=dev, strict=strict)
    from host.privacy.descriptors import masked_descriptors
    from host.privacy.mask import mask
    from host.server.serve import serve  # takes a second

    async with world_of(local) as (settings, use):
        with masked_descriptors(mask):
            await serve(settings, dev=dev, strict=strict, use=use)
    end_line()  # only a signal ends it
