"""Requests: one call for one key, for a day, across processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from host.dispatch.idempotency import KEPT, GivenUp, NotClaimed, Requests

CLAIMS = """
import sys
from pathlib import Path
from host.dispatch.idempotency import GivenUp, NotClaimed, Requests
won = 0
for key in range(20):
    try:
        Requests(Path(sys.argv[1])).claim(f"key {key}", sys.argv[2], sys.argv[2], sys.argv[2])
        won += 1
    except NotClaimed as error:
        assert "already has a call" in str(error), error
print(won)
"""


@pytest.fixture
def requests(tmp_path: Path) -> Requests:
    """The requests of a host that has had none."""
    return Requests(tmp_path / "state")


def test_a_second_call_for_a_request_is_refused_and_the_first_is_named(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    with pytest.raises(NotClaimed, match=r"AJ_1 in room room-1: it is still live"):
        requests.claim("order 7", "AJ_2", "room-2", "RM_2")
    requests.claim("order 8", "AJ_2", "room-2", "RM_2")


def test_it_is_told_how_the_first_went(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    requests.settle("AJ_1", "busy", "the line was busy (SIP 486)", begun=True)
    with pytest.raises(NotClaimed, match=r"room-1: busy: the line was busy \(SIP 486\)"):
        requests.claim("order 7", "AJ_2", "room-1", "RM_2")


def test_another_call_has_a_request_while_it_lives_and_once_it_has_ended(
    requests: Requests,
) -> None:
    assert requests.other_call("order 7", "AJ_2") is None
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    assert requests.other_call("order 7", "AJ_2") == "AJ_1"
    assert requests.other_call("order 7", "AJ_1") is None
    requests.settle("AJ_1", "busy", "the line was busy (SIP 486)", begun=True)
    assert requests.other_call("order 7", "AJ_2") == "AJ_1"


def test_nobody_has_a_request_that_was_given_up_or_is_free_again(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    requests.settle("AJ_1", "refused", "All lines are busy.", begun=False)
    assert requests.other_call("order 7", "AJ_2") is None
    assert give_up(requests) is GivenUp.NOW
    assert requests.other_call("order 7", "AJ_2") is None


def test_a_request_is_free_again_whose_call_reached_nobody(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    requests.settle("AJ_1", "refused", "All lines are busy.", begun=False)
    requests.claim("order 7", "AJ_2", "room-2", "RM_2")


def test_a_refused_second_call_does_not_free_the_request(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    requests.settle("AJ_2", "refused", "it already has a call", begun=False)
    with pytest.raises(NotClaimed):
        requests.claim("order 7", "AJ_3", "room-3", "RM_3")


def test_another_job_in_the_room_of_the_call_may_have_its_request(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    requests.claim("order 7", "AJ_2", "room-1", "RM_1")
    requests.settle("AJ_2", "completed", "the callee hung up", begun=True)
    with pytest.raises(NotClaimed, match="AJ_2"):
        requests.claim("order 7", "AJ_3", "room-1", "RM_3")


def test_a_request_is_forgotten_after_a_day(
    requests: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = [1_000_000.0]
    monkeypatch.setattr("host.dispatch.idempotency.time.time", lambda: at[0])
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    at[0] += KEPT - 1
    with pytest.raises(NotClaimed):
        requests.claim("order 7", "AJ_2", "room-2", "RM_2")
    at[0] += 2
    requests.claim("order 7", "AJ_2", "room-2", "RM_2")


def test_of_many_at_the_same_moment_one_has_the_request(requests: Requests) -> None:
    def claimed(call: int) -> bool:
        try:
            requests.claim("order 7", f"AJ_{call}", f"room-{call}", f"RM_{call}")
        except NotClaimed:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(claimed, range(50))) == 1


def give_up(requests: Requests, key: str = "order 7") -> GivenUp:
    return requests.give_up(key, "room-1", "refused", "no host took the call")


def test_a_job_that_ends_without_a_claim_is_the_end_of_a_request_that_is_given_up(
    requests: Requests,
) -> None:
    assert requests.note_end("order 7", "room-1", "cancelled", "the room was closed")
    assert give_up(requests) is GivenUp.RECORDED
    request = requests.find("order 7")
    assert request
    assert request[1:] == ("cancelled", "the room was closed")
    assert requests.note_end("order 7", "room-1", "cancelled", "the room was closed")


def test_a_job_that_ends_after_its_request_was_given_up_is_recorded_already(
    requests: Requests,
) -> None:
    assert give_up(requests) is GivenUp.NOW
    assert not requests.note_end("order 7", "room-1", "cancelled", "the room was closed")


def test_a_job_that_ends_without_a_claim_leaves_the_key_to_the_next_request(
    requests: Requests,
) -> None:
    assert requests.note_end("order 7", "room-1", "cancelled", "the room was closed")
    requests.claim("order 7", "AJ_2", "room-1", "RM_2")


def test_a_request_that_was_given_up_gets_no_call_any_more(requests: Requests) -> None:
    assert give_up(requests) is GivenUp.NOW
    with pytest.raises(NotClaimed, match="given up: no host took the call"):
        requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    request = requests.find("order 7")
    assert request
    assert request[1:] == ("refused", "no host took the call")


def test_a_request_that_has_a_call_is_not_given_up(requests: Requests) -> None:
    requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    assert give_up(requests) is GivenUp.NO
    request = requests.find("order 7")
    assert request is None or request.outcome is None
    requests.settle("AJ_1", "busy", "the line was busy (SIP 486)", begun=True)
    assert give_up(requests) is GivenUp.NO
    request = requests.find("order 7")
    assert request
    assert request[1:] == ("busy", "the line was busy (SIP 486)")


def test_a_call_and_who_gives_it_up_never_both_have_the_request(requests: Requests) -> None:
    def claimed(key: str) -> bool:
        try:
            requests.claim(key, "AJ_1", "room-1", "RM_1")
        except NotClaimed:
            return False
        return True

    def given_up(key: str) -> bool:
        return give_up(requests, key) is GivenUp.NOW

    with ThreadPoolExecutor(8) as pool:
        for at in range(200):
            both = [pool.submit(each, f"order {at}") for each in (claimed, given_up)]
            assert sum(each.result() for each in both) == 1


@pytest.mark.processes
def test_of_many_processes_one_has_each_request(tmp_path: Path) -> None:
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMS, tmp_path / "state", f"AJ_{process}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for process in range(6)
    ]
    won = [int(process.communicate(timeout=60)[0]) for process in begun]
    assert [process.returncode for process in begun] == [0] * 6
    assert sum(won) == 20


def test_a_request_that_nobody_can_look_up_has_no_call(requests: Requests, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.db").write_text("this is no database, but a letter to you")
    with pytest.raises(NotClaimed, match="can't look up whether"):
        requests.claim("order 7", "AJ_1", "room-1", "RM_1")


def test_a_locked_file_holds_no_call_up_for_long(tmp_path: Path) -> None:
    requests = Requests(tmp_path / "state", patience=0.2)
    requests.claim("order 6", "AJ_0", "room-0", "RM_0")
    holds = sqlite3.connect(tmp_path / "state" / "state.db", isolation_level=None)
    holds.execute("BEGIN EXCLUSIVE")
    with pytest.raises(NotClaimed, match="locked"):
        requests.claim("order 7", "AJ_1", "room-1", "RM_1")
    holds.close()
