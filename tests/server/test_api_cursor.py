"""The cursor of a page of calls."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from host.server.api.cursor import read_cursor, write_cursor

AT = datetime(2026, 11, 30, 9, 15, 2, 123456, tzinfo=UTC)


@pytest.mark.parametrize("id", ["AJ_kWGDDnrvBsuP", "1sPtBeILxCVAV6R7y6sQDLoX", "-_", "a.b", ""])
@pytest.mark.parametrize("more", [timedelta(0), timedelta(microseconds=1), timedelta(days=-40000)])
def test_a_cursor_says_where_a_page_has_ended(id: str, more: timedelta) -> None:
    cursor = write_cursor((AT + more, id))
    assert read_cursor(cursor) == (AT + more, id)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "none", "====", "é", "MTI", "MTIz", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTkuQQ", "LjE", " "],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(ValueError, match="it is not one that this API has returned"):
        read_cursor(cursor)
