"""Whether calls can be recorded, asked by many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host.server.disk import why_not_recorded


def test_many_threads_may_ask_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(32) as threads:
        told = list(threads.map(why_not_recorded, [tmp_path] * 2000))
    assert set(told) == {None}
    assert [*(tmp_path / "unfinished").iterdir()] == []


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "unfinished").touch()
    told = why_not_recorded(tmp_path)
    assert told == f"calls can't be recorded in {tmp_path / 'unfinished'}: Not a directory"
