"""Uploads recordings: to S3, Google Cloud Storage or wherever fsspec has a driver for.

A call's process only notes what is to be uploaded, and the host does it after the call: neither a
large recording nor an unavailable store delays a call, or is cut off with its process.
"""

from __future__ import annotations

import asyncio
import logging
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, field_validator

from host import Call, hookimpl

from .jobs import Jobs

if TYPE_CHECKING:
    from host.settings import Settings

log = logging.getLogger("host")

PLACEHOLDERS = {"persona", "id", "date"}


class Recordings(BaseModel):
    """The settings of this plugin."""

    url: str | None = Field(
        None, description="URL to upload recordings to, such as s3://bucket/{persona}/{id}.ogg"
    )
    keep_local: bool = Field(True, description="keep the files of recordings that are uploaded")

    @field_validator("url")
    @classmethod
    def _a_template(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            named = {name for _, name, *_ in string.Formatter().parse(url) if name is not None}
        except ValueError:
            raise ValueError("a placeholder is not closed") from None
        if not re.match(r"[a-z][a-z0-9+.-]*://[^/@]*/", url):
            raise ValueError("it is like s3://bucket/{persona}/{id}.ogg, without a password")
        if "id" not in named or named - PLACEHOLDERS:
            raise ValueError("it needs {id}, and may have {persona} and {date}")
        return url


@hookimpl
def plugin_settings() -> type[Recordings]:
    """Read `[plugins.recordings]`."""
    return Recordings


@hookimpl
def recording_url(call: Call, recording: str) -> str | None:
    """Return where the recording will be."""
    persona = _persona(call)
    template = call.settings.persona(persona).plugin(Recordings).url
    return url_of(template, persona, Path(recording)) if template else None


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Note the call's recording, and its part before a takeover, for the host to upload."""
    persona = _persona(call)
    settings = call.settings.persona(persona).plugin(Recordings)
    if not (settings.url and record.recording) or record.recording_discarded:
        return
    jobs = Jobs(call.settings.state_dir)
    for file in parts_of(Path(record.recording)):
        url = url_of(settings.url, persona, file)
        try:
            await asyncio.to_thread(jobs.put, file.absolute(), url, keep=settings.keep_local)
        except OSError as error:
            log.error("recordings: %s can't be queued in %s: %s", file, jobs.folder, error)


@hookimpl
async def while_serving(settings: Settings) -> None:
    """Upload recordings, those of earlier runs included."""
    if not (urls := {url for url in _urls(settings) if url}):
        return
    from .uploads import Uploads, fault_of

    jobs = Jobs(settings.state_dir)
    for url in sorted(urls):
        if fault := fault_of(url):
            log.error("recordings: %s; until then they stay in %s", fault, settings.recordings_dir)
            return
    await Uploads(jobs).run()


def _persona(call: Call) -> str:
    """Return the persona that took the call first, with which the recording began."""
    return call.personas[0] if call.personas else ""


def url_of(template: str, persona: str, file: Path) -> str:
    """Return the URL of a recording, `recordings/<UTC date>/<call id>.ogg`."""
    return template.format(
        persona=persona, id=file.name.removesuffix(".ogg"), date=file.parent.name
    )


def parts_of(recording: Path) -> Iterator[Path]:
    """Yield the files of a call's recording: there is another one after a takeover."""
    call = recording.name.partition(".")[0]
    pattern = re.compile(rf"{re.escape(call)}(\.\d+)?\.ogg")
    found = {recording, *(each for each in recording.parent.glob(f"{call}*.ogg"))}
    yield from sorted(file for file in found if pattern.fullmatch(file.name))


def _urls(settings: Settings) -> Iterator[str | None]:
    yield settings.plugin(Recordings).url
    for name in settings.personas:
        yield settings.persona(name).plugin(Recordings).url
