"""`reload`: have a running host serve what is on disk now."""

from __future__ import annotations

import asyncio
import json

import typer

from host.cli.app import AsJson, cli
from host.registry import read_settings


@cli.command()
def reload(as_json: AsJson = False) -> None:
    """Serve further calls with the personas, plugins and host.toml that are on disk now.

    Asks each running host of this deployment. Live calls keep the code that they have. With a
    fault, the last good code stays, and the exit code is 1.
    """
    from host.server.reload.control import reload_running

    results = asyncio.run(reload_running(read_settings().state_dir))
    if as_json:
        told = [{"process": number, **each.model_dump()} for number, each in results.items()]
        typer.echo(json.dumps(told))
    else:
        for number, result in results.items():
            where = f"process {number}: " if len(results) > 1 else ""
            for line in result.lines:
                typer.echo(f"{where}{line}", err=result.refused)
    if any(result.refused for result in results.values()):
        raise typer.Exit(1)
