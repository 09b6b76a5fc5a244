"""Live calls, as the host's parent, its API and the command line see them in its files."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from deployment import Deployment
from typer.testing import CliRunner

from host.base.errors import HostError
from host.base.processes import this_process
from host.call.state import CallState, CallStatus
from host.cli import cli
from host.cli.calls.live import HEAD
from host.cli.hangup import find
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import PersonaShare, Utterance
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.live_calls import LiveCalls
from host.settings import Settings, load_settings

NUMBER, OURS = "+15552220001", "+15550001111"
BEGAN = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


@pytest.fixture
def settings(deployment: Deployment) -> Settings:
    """Those of a deployment whose persona bob has numbers in his records."""
    deployment.write("host.toml", "[personas.bob]\nrecord_numbers = true\n")
    for name in ("ann", "bob"):
        deployment.persona(name)
    return load_settings()


def put(
    settings: Settings, id: str, *, ended: bool = False, alive: bool = True, **facts: Any
) -> None:
    """Have a call's checkpoint, as its process writes it."""
    known = {
        "persona": "ann",
        "room": f"call-_{NUMBER}_{id[-6:]}",
        "number": NUMBER,
        "our_number": OURS,
        "status": CallStatus.ACTIVE,
        "dispatched_at": BEGAN,
        "answered_at": BEGAN + timedelta(seconds=2),
    }
    state = CallState(id=id, **{**known, **facts})
    here = this_process()
    checkpoint = Checkpoint(
        machine=here.machine,
        number=here.number if alive else 2**22 + 1,
        began=here.began,
        state=state,
        record=state.record(Ending(Outcome.COMPLETED, "far end", "over")) if ended else None,
    )
    CheckpointStore(settings.state_dir).put(checkpoint)


def test_a_hundred_live_calls_are_listed_newest_first(settings: Settings) -> None:
    said = [Utterance(at=BEGAN, who="caller", text="hello " * 20)] * 50
    for at in range(100):
        begun = BEGAN + timedelta(seconds=at % 50)
        put(settings, f"AJ_{at:03}", dispatched_at=begun, transcript=said)
    calls = LiveCalls(settings)
    live = calls.read().live
    assert [call.id for call in live] == [
        f"AJ_{at:03}" for second in reversed(range(50)) for at in (second + 50, second)
    ]
    assert calls.read().live == live
    assert {call.status for call in live} == {"active"}


def test_what_a_call_has_changed_is_seen_at_once(settings: Settings) -> None:
    put(settings, "AJ_1", outbound=True, answered_at=None, status=CallStatus.RINGING)
    calls = LiveCalls(settings)
    assert [call.status for call in calls.read().live] == ["queued"]
    dialled: dict[str, Any] = {"outbound": True, "answered_at": None, "dialled_at": BEGAN}
    for status, shown in [("dialing", "dialing"), ("ringing", "ringing")]:
        put(settings, "AJ_1", **dialled, status=CallStatus(status))
        assert [call.status for call in calls.read().live] == [shown]
    put(settings, "AJ_1", outbound=True, dialled_at=BEGAN, status=CallStatus.HANGUP)
    assert [call.status for call in calls.read().live] == ["active"]
    put(settings, "AJ_1", ended=True)
    assert calls.read().live == []
    (record,) = calls.read().ended
    assert (record.id, record.outcome) == ("AJ_1", Outcome.COMPLETED)
    CheckpointStore(settings.state_dir).close("AJ_1")
    assert calls.read() == ([], [])


def test_numbers_are_masked_as_records_mask_them(settings: Settings) -> None:
    put(settings, "AJ_1")
    put(settings, "AJ_2", persona="bob")
    put(settings, "AJ_3", ended=True)
    live, ended = LiveCalls(settings).read()
    bob, ann = live
    assert (bob.number, bob.our_number, bob.room) == (NUMBER, OURS, f"call-_{NUMBER}_AJ_2")
    assert ann.number
    assert ann.number.startswith("+1…01~")
    assert (ann.number, ann.our_number) == (ended[0].number, ended[0].our_number)
    text = ann.model_dump_json() + repr(ann) + ended[0].model_dump_json()
    assert NUMBER not in text
    assert OURS not in text
    assert ann.livekit_room == f"call-_{NUMBER}_AJ_1"


def test_the_reference_of_a_live_call_is_masked_as_its_record_masks_it(settings: Settings) -> None:
    given = {"reference": f"crm-{NUMBER}", "name": "Ada"}
    put(settings, "AJ_1", metadata=given)
    put(settings, "AJ_2", metadata=given, persona="bob")
    put(settings, "AJ_3", metadata=given, ended=True)
    put(settings, "AJ_4", metadata={"reference": 7})  # refused, and not of the record either
    live, ended = LiveCalls(settings).read()
    four, bob, ann = live
    assert (four.reference, bob.reference) == (None, f"crm-{NUMBER}")
    assert ann.reference
    assert ann.reference.startswith("crm-+1…01~")
    assert ann.reference == ended[0].reference
    assert not any("Ada" in each.model_dump_json() for each in live)


def test_a_call_that_was_handed_over_is_shown_with_its_personas_and_the_strictest_mask(
    settings: Settings,
) -> None:
    shares = [PersonaShare(name=name, since=BEGAN) for name in ("bob", "ann")]
    put(settings, "AJ_1", persona="ann", personas=shares)
    put(settings, "AJ_2", persona="ann", personas=shares, ended=True)
    live, ended = LiveCalls(settings).read()
    assert (live[0].persona, live[0].personas) == ("bob", ["bob", "ann"])
    assert (live[0].number, live[0].room) == (ended[0].number, "call-_+1…01_AJ_1")
    assert NUMBER not in live[0].model_dump_json() + ended[0].model_dump_json()
    _, text = host("calls", "--live")
    assert " bob -> ann " in text
    for persona in ("ann", "bob"):
        _, text = host("calls", "--live", "--json", "--persona", persona)
        assert [call["personas"] for call in json.loads(text)["calls"]] == [["bob", "ann"]]


def test_a_call_whose_process_is_gone_is_live_while_its_parent_looks_after_it(
    settings: Settings,
) -> None:
    put(settings, "AJ_1", alive=False)
    assert LiveCalls(settings).read().live == []
    assert [call.id for call in LiveCalls(settings, lambda id: id == "AJ_1").read().live] == [
        "AJ_1"
    ]


def test_files_that_are_no_checkpoints_hide_no_call(settings: Settings) -> None:
    put(settings, "AJ_1")
    folder = CheckpointStore(settings.state_dir).folder
    (folder / "AJ_2.json").write_text("{")
    (folder / "AJ_3.json").mkdir()
    os.mkfifo(folder / "AJ_4.json")
    (folder / "AJ_5.broken").write_text("{}")
    assert [call.id for call in LiveCalls(settings).read().live] == ["AJ_1"]


# The command line


def host(*words: str) -> tuple[int, str]:
    """Run `host` with some words; give its exit code and what it printed, or its error."""
    result = CliRunner().invoke(cli, words)
    error = result.exception
    return result.exit_code, str(error) if isinstance(error, HostError) else result.stdout


def test_calls_live_lists_them_with_filters(settings: Settings) -> None:
    assert host("calls", "--live") == (0, "no live calls\n")
    put(settings, "AJ_one", dispatched_at=datetime.now(UTC) - timedelta(hours=2),
        metadata={"reference": f"crm {NUMBER}"})  # fmt: skip
    put(settings, "AJ_two", persona="bob", outbound=True, dialled_at=BEGAN, answered_at=None,
        status=CallStatus.RINGING, dispatched_at=datetime.now(UTC))  # fmt: skip
    code, text = host("calls", "--live")
    head, two, one = text.splitlines()
    assert (code, head.split()) == (0, [*HEAD])
    assert two.split()[0] == "AJ_two"
    assert two.split()[-5:] == ["bob", "out", NUMBER, "-", "ringing"]
    assert one.split()[-1] == "active"
    assert NUMBER not in one
    _, text = host("calls", "list", "--live", "--json", "--persona", "bob")
    (call,) = json.loads(text)["calls"]
    assert (call["id"], call["status"], call["number"]) == ("AJ_two", "ringing", NUMBER)
    assert "livekit_room" not in call
    for words, ids in [
        (["--since", "1h"], ["AJ_two"]),
        (["--number", NUMBER], ["AJ_two", "AJ_one"]),
        (["--limit", "1"], ["AJ_two"]),
        (["--persona", "ann"], ["AJ_one"]),
        (["--reference", f"crm {NUMBER}"], ["AJ_one"]),
        (["--reference", "crm"], []),
    ]:
        _, text = host("calls", "--live", "--json", *words)
        assert [call["id"] for call in json.loads(text)["calls"]] == ids


def test_calls_live_says_what_does_not_fit(settings: Settings) -> None:
    code, text = host("calls", "--live", "--outcome", "busy")
    assert (code, text) == (1, "a live call has no outcome yet: leave out --outcome or --live")
    code, text = host("calls", "--live", "--persona", "anne")
    assert code == 1
    assert "did you mean ann?" in text


def test_a_call_to_hang_up_is_named_by_its_id_or_its_beginning_or_its_room(
    settings: Settings,
) -> None:
    put(settings, "AJ_kWGDD")
    put(settings, "AJ_kWXYZ", persona="bob")
    bob, ann = LiveCalls(settings).read().live
    assert NUMBER in ann.livekit_room
    assert NUMBER not in ann.room
    for named in ("AJ_kWGDD", "AJ_kWG", ann.livekit_room, ann.room):
        assert find(settings, named) == (ann.livekit_room, "AJ_kWGDD")
    assert find(settings, "AJ_kWX") == (bob.livekit_room, "AJ_kWXYZ")
    with pytest.raises(HostError, match="'AJ_k' may be 2 calls: AJ_kWXYZ, AJ_kWGDD"):
        find(settings, "AJ_k")
    assert find(settings, "AJ_nobody") is None
    assert find(settings, "") is None


def test_a_goodbye_that_is_too_long_is_told_before_anything_is_done(settings: Settings) -> None:
    assert host("hangup", "AJ_1", "--goodbye", "x" * 501) == (
        1,
        "--goodbye has more than 500 characters",
    )


def test_a_live_call_is_found_while_its_file_is_being_replaced(settings: Settings) -> None:
    until = time.monotonic() + 0.2
    calls = LiveCalls(settings)
    put(settings, "AJ_1")
    while time.monotonic() < until:
        put(settings, "AJ_1")
        assert [call.id for call in calls.read().live] == ["AJ_1"]
