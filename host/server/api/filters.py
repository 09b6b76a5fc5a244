"""The query parameters of the API."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from host.call.dispatch import MAX_ID
from host.dispatch.hangup import LONGEST_GOODBYE
from host.records.outcome import Outcome
from host.records.recent import Key
from host.server.api.cursor import LONGEST, read_cursor

MOST = 200
"""Maximum number of calls on a page."""


def _written_as(pattern: str, form: str) -> BeforeValidator:
    """Refuse what pydantic would read as well, such as a number of seconds for a time."""
    wanted = re.compile(pattern, re.ASCII)

    def check(given: Any) -> Any:
        if isinstance(given, str) and not wanted.fullmatch(given):
            raise ValueError(f"must be {form}")
        return given

    return BeforeValidator(check)


_Moment = Annotated[
    AwareDatetime,
    _written_as(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)",
        "a time with its zone, as 2026-11-30T09:00:00Z",
    ),
]
_Count = Annotated[int, _written_as(r"[0-9]{1,3}", f"a number from 1 to {MOST}")]


class PageWanted(BaseModel):
    """Which calls to list."""

    model_config = ConfigDict(extra="forbid")

    persona: str | None = Field(None, max_length=100, description="only calls of this persona")
    outcome: Outcome | None = Field(None, description="only calls with this outcome")
    reference: str | None = Field(
        None, min_length=1, max_length=MAX_ID, description="only calls with this reference"
    )
    live: Literal["true", "false"] | None = Field(
        None, description="true: only calls that go on now; false: only calls that are over"
    )
    since: _Moment | None = Field(
        None, description="only calls asked for or dispatched since then; at most seven days ago"
    )
    limit: _Count = Field(50, ge=1, le=MOST, description="maximum number of calls on the page")
    cursor: str | None = Field(
        None,
        max_length=LONGEST,
        description="`next_cursor` of the page before, with the same other parameters",
    )

    @field_validator("cursor")
    @classmethod
    def _readable(cls, cursor: str | None) -> str | None:
        if cursor is not None:
            read_cursor(cursor)
        return cursor

    @property
    def before(self) -> Key | None:
        """The place where the page before has ended; None for the first page."""
        return None if self.cursor is None else read_cursor(self.cursor)


class HangUpWanted(BaseModel):
    """How to hang up."""

    model_config = ConfigDict(extra="forbid")

    goodbye: str = Field(
        "",
        max_length=LONGEST_GOODBYE,
        description="words to say first; empty: hang up at once",
    )
