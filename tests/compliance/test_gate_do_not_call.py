"""The do-not-call list: whoever is on it is not dialled, from the moment that they are."""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import stat
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from carrier import Carrier, place
from programs import printed_by
from sample_calls import call_of

from host import HostError
from host.compliance import DoNotCall, Gate, Rule, do_not_call
from host.compliance.do_not_call import AT_REST, AT_REST_UNFINISHED, PATIENCE
from host.compliance.number import as_e164
from host.records.outcome import Outcome
from host.settings import Settings

ANN, BOB = "+12125550101", "+12125550102"
OURS: dict[str, Any] = {"countries": ["US"], "calling_hours": "", "trunk": "ST_1"}
NONE = {"caller_id": None}


@pytest.fixture(autouse=True)
def nobody_rewrites_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are read as soon as a test has written them."""
    for rest in ("AT_REST", "AT_REST_UNFINISHED"):
        monkeypatch.setattr(do_not_call, rest, 0.0)


def wait_for_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until a list is at rest, as hosts do."""
    monkeypatch.setattr(do_not_call, "AT_REST", AT_REST)
    monkeypatch.setattr(do_not_call, "AT_REST_UNFINISHED", AT_REST_UNFINISHED)


def rule_of(number: str, settings: Settings) -> Rule | None:
    """The rule that refuses a number; None where it may be dialled."""
    return Gate(settings, settings.persona("desk")).dial(number, attempt=False).rule


def test_who_is_on_the_list_is_not_called(deployment_folder: Path) -> None:
    list_of = deployment_folder / "do-not-call.txt"
    list_of.write_text(f"# who asked us\n\n{ANN}  # by letter\n+1 (212) 555-0199\n\r\n")
    assert rule_of(ANN, Settings(**OURS)) is Rule.DO_NOT_CALL
    assert rule_of("+12125550199", Settings(**OURS)) is Rule.DO_NOT_CALL
    assert rule_of(BOB, Settings(**OURS)) is None


def test_allow_numbers_does_not_open_the_list(deployment_folder: Path) -> None:
    (deployment_folder / "do-not-call.txt").write_text(f"{ANN}\n")
    assert rule_of(ANN, Settings(**OURS, allow_numbers=[ANN])) is Rule.DO_NOT_CALL


def test_the_list_is_read_again_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    kept = DoNotCall(file)
    assert not kept.has(ANN)
    file.write_text(f"{BOB}\n")
    assert (kept.has(ANN), kept.has(BOB)) == (False, True)
    with file.open("a") as more:
        more.write(f"{ANN}\n")
    assert (kept.has(ANN), kept.has(BOB)) == (True, True)
    (tmp_path / "new.txt").write_text(f"{ANN}\n")
    (tmp_path / "new.txt").rename(file)
    assert (kept.has(ANN), kept.has(BOB)) == (True, False)
    file.unlink()
    assert not kept.has(ANN)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("+4402079460958", "+442079460958"),
        ("+49 (0)30 123-456", "+4930123456"),
        ("+39 06 1234 5678", "+390612345678"),
        ("+1.212.555.0199", "+12125550199"),
        ("+52 1 55 1234 5678", "+525512345678"),
    ],
)
def test_a_number_is_on_the_list_however_people_write_it(
    deployment_folder: Path, written: str, number: str
) -> None:
    (deployment_folder / "do-not-call.txt").write_text(f"{written}\n")
    everywhere = {**OURS, "countries": ["GB", "DE", "IT", "US", "MX"]}
    assert rule_of(number, Settings(**everywhere)) is Rule.DO_NOT_CALL


def test_numbers_that_no_numbering_plan_has_may_be_on_the_list(deployment_folder: Path) -> None:
    (deployment_folder / "do-not-call.txt").write_text("+15552220001\n")
    opened = Settings(**OURS, allow_numbers=["+1555*"])
    assert rule_of("+15552220001", opened) is Rule.DO_NOT_CALL
    assert rule_of("+15552220002", opened) is None


@pytest.mark.parametrize(
    "content",
    [
        b"+12125550199\nAnn Baker\n",
        b"\xff\xfe",
        b"2125550199\n",
        b"+0123456789\n",
        b"+1 212 555 0199 5\n",
        b"+1 212 555 019\n",
        b"+999123456789\n",
        b"+12125550199 +12125550198\n",
    ],
)
def test_a_list_that_nobody_understands_lets_nobody_be_called(
    deployment_folder: Path, content: bytes
) -> None:
    (deployment_folder / "do-not-call.txt").write_bytes(content)
    assert rule_of(ANN, Settings(**OURS)) is Rule.DO_NOT_CALL


def test_a_list_that_cannot_be_read_lets_nobody_be_called_and_says_why(
    deployment_folder: Path,
) -> None:
    folder = deployment_folder / "list"
    folder.mkdir()
    gate = Gate(settings := Settings(**OURS, do_not_call=folder), settings.persona("desk"))
    verdict = gate.dial(ANN, attempt=False)
    assert verdict.rule is Rule.DO_NOT_CALL
    assert "can't be read" in verdict.reason


def test_a_line_that_is_no_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{BOB}\nAnn Baker\n")
    with pytest.raises(HostError, match=r"list\.txt:2 is not an E\.164 number"):
        DoNotCall(tmp_path / "list.txt").has(ANN)


def test_nobody_waits_for_a_list_that_is_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(HostError, match="can't be read"):
        DoNotCall(tmp_path / "pipe").has(ANN)


class Clock:
    """A clock that moves where somebody waits, and not by itself."""

    def __init__(self, while_waiting: Callable[[], object] = lambda: None) -> None:
        self.now, self._began = 0.0, time.time()
        self._while_waiting = while_waiting

    def time(self) -> float:
        return self._began + self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self._while_waiting()
        self.now += seconds


def test_who_keeps_the_list_locked_makes_nobody_wait_longer_than_they_have_patience(
    deployment_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(do_not_call, "time", clock := Clock())
    file = deployment_folder / "do-not-call.txt"
    with file.open("w") as editor:
        fcntl.flock(editor, fcntl.LOCK_EX)
        settings = Settings(**OURS)
        verdict = Gate(settings, settings.persona("desk")).dial(ANN, attempt=False)
        assert clock.now == pytest.approx(PATIENCE, abs=0.1)
        with pytest.raises(HostError, match=r"can't be put on .* another process holds its lock"):
            DoNotCall(file).add(ANN)
        assert clock.now == pytest.approx(2 * PATIENCE, abs=0.2)
    assert verdict.rule is Rule.DO_NOT_CALL
    assert "another process holds its lock" in verdict.reason
    assert rule_of(ANN, Settings(**OURS)) is None


def test_a_lock_that_is_soon_gone_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.txt"
    with file.open("w") as editor:
        fcntl.flock(editor, fcntl.LOCK_EX)
        clock = Clock(while_waiting=lambda: fcntl.flock(editor, fcntl.LOCK_UN))
        monkeypatch.setattr(do_not_call, "time", clock)
        DoNotCall(file).add(ANN)
    assert 0 < clock.now < PATIENCE
    assert DoNotCall(file).has(ANN)


LISTED = [f"+1212555{at:04}" for at in range(200)]
"""Numbers of a list; Ann's and Bob's are among them."""


@pytest.mark.parametrize("written", range(0, len(LISTED) * 13, 13))
@pytest.mark.table(quick=10)
def test_a_list_that_is_rewritten_in_place_is_not_read_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """Other programs take no lock: `cp` and editors empty a file and write it anew."""
    wait_for_rest(monkeypatch)
    content = "".join(f"{number}\n" for number in LISTED)
    file = tmp_path / "list.txt"

    def write(text: str) -> None:
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
            os.utime(file, (clock.time(), clock.time()))  # a busy machine's time goes on faster

    clock = Clock(while_waiting=lambda: write(content))
    write(content[:written])
    monkeypatch.setattr(do_not_call, "time", clock)
    assert DoNotCall(file).has(LISTED[-1])
    assert clock.now >= AT_REST


def test_a_list_that_is_never_at_rest_lets_nobody_be_called(
    deployment_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_rest(monkeypatch)
    file = deployment_folder / "do-not-call.txt"
    file.write_text("")
    clock = Clock(while_waiting=lambda: os.utime(file, (clock.time(), clock.time())))
    monkeypatch.setattr(do_not_call, "time", clock)
    settings = Settings(**OURS)
    verdict = Gate(settings, settings.persona("desk")).dial(ANN, attempt=False)
    assert verdict.rule is Rule.DO_NOT_CALL
    assert "another program is rewriting it" in verdict.reason
    assert clock.now == pytest.approx(PATIENCE, abs=0.2)


@pytest.mark.processes
def test_of_a_list_that_is_copied_again_and_again_no_number_is_ever_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_rest(monkeypatch)
    new = tmp_path / "new.txt"
    new.write_text("".join(f"+1212555{at:04}\n" for at in range(10_000)) + f"{BOB}\n")
    file = tmp_path / "list.txt"
    file.write_bytes(new.read_bytes())
    copies = f"for i in $(seq 5); do cp {new} {file}; sleep 1.5; done"
    with subprocess.Popen(["sh", "-c", copies]) as copying:
        while copying.poll() is None:
            with contextlib.suppress(HostError):  # in doubt, nobody is called
                assert DoNotCall(file).has("+12125559999")
    assert DoNotCall(file).has("+12125559999")


def test_nobody_waits_for_a_list_after_an_opt_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_for_rest(monkeypatch)
    monkeypatch.setattr(do_not_call, "time", clock := Clock())
    listed = DoNotCall(tmp_path / "list.txt")
    for number in (ANN, BOB):
        listed.add(number)
        assert listed.has(number)
    assert clock.now < AT_REST / 2, "but for the time that this test takes itself"


def replace(file: Path) -> None:
    """Give a list's name to a new file, as tools do that write it atomically."""
    new = file.with_suffix(".new")
    new.write_text("+12125550177\n")
    new.rename(file)


@pytest.mark.parametrize("goes", [replace, Path.unlink], ids=["replaced", "removed"])
def test_an_opt_out_is_on_the_list_that_has_the_name_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes: Callable[[Path], None]
) -> None:
    file = tmp_path / "list.txt"
    with file.open("w") as editor:
        fcntl.flock(editor, fcntl.LOCK_EX)

        def lets_go() -> None:
            if not editor.closed:
                goes(file)
                editor.close()

        monkeypatch.setattr(do_not_call, "time", Clock(while_waiting=lets_go))
        DoNotCall(file).add(ANN)
    assert DoNotCall(file).has(ANN)
    assert DoNotCall(file).has("+12125550177") is (goes is replace)


RACES = 100


@pytest.mark.corpus
@pytest.mark.parametrize("goes", [replace, Path.unlink], ids=["replaced", "removed"])
def test_none_of_a_hundred_is_lost_to_a_list_that_goes_at_any_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, goes: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(do_not_call, "TRY_EVERY", 0.0005)
    monkeypatch.setattr(do_not_call, "PATIENCE", 30.0)  # on a busy machine
    dice, lost = random.Random(200), []
    for at in range(RACES):
        file = tmp_path / f"{at}.txt"
        with file.open("w") as editor, ThreadPoolExecutor(1) as others:
            fcntl.flock(editor, fcntl.LOCK_EX)
            adding = others.submit(DoNotCall(file).add, ANN)
            time.sleep(dice.uniform(0, 0.002))  # at some moment of what the other thread does
            goes(file)
            time.sleep(dice.uniform(0, 0.001))
            fcntl.flock(editor, fcntl.LOCK_UN)
            adding.result()
        if not DoNotCall(file).has(ANN):
            lost.append(at)
    assert lost == []


def test_nor_is_one_lost_to_a_list_that_is_replaced_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, syncs = tmp_path / "list.txt", os.fsync

    def replaced_meanwhile(opened: int) -> None:
        syncs(opened)
        if not file.with_suffix(".old").exists():
            file.rename(file.with_suffix(".old"))
            replace(file)

    file.write_text(f"{BOB}\n")
    monkeypatch.setattr(os, "fsync", replaced_meanwhile)
    DoNotCall(file).add(ANN)
    assert DoNotCall(file).has(ANN)


@pytest.mark.parametrize(("named", "mode"), [(False, 0o600), (True, 0o644)])
def test_a_list_of_our_own_is_closed_to_others_and_one_that_is_named_is_theirs_too(
    tmp_path: Path, named: bool, mode: int
) -> None:
    file = tmp_path / "do-not-call.txt"
    file.write_text(f"{BOB}\n")
    file.chmod(0o644)
    DoNotCall(file, must_exist=named).add(ANN)
    assert stat.S_IMODE(file.stat().st_mode) == mode
    assert DoNotCall(file).has(ANN)


def test_a_list_that_the_settings_name_must_be_there(deployment_folder: Path) -> None:
    settings = Settings(**OURS, do_not_call=deployment_folder / "mount" / "list.txt")
    verdict = Gate(settings, settings.persona("desk")).dial(ANN, attempt=False)
    assert verdict.rule is Rule.DO_NOT_CALL
    assert "does not exist" in verdict.reason
    assert rule_of(ANN, Settings(**OURS)) is None


@pytest.mark.processes
async def test_who_opts_out_is_not_called_again_by_any_process(
    deployment_folder: Path, carrier: Carrier
) -> None:
    settings = Settings(**OURS)
    async with carrier.livekit() as livekit:
        assert await place(livekit, call_of(settings, ANN)) is None
        await call_of(settings, ANN).opt_out()
        ending = await place(livekit, call_of(settings, ANN))
        assert ending is not None
        assert ending.outcome is Outcome.BLOCKED
        assert "(rule: do_not_call)" in ending.reason
        assert await place(livekit, call_of(settings, BOB)) is None
    assert carrier.dialled == [ANN, BOB]
    program = """
        from host.compliance import Gate
        from host.settings import load_settings
        settings = load_settings()
        print(Gate(settings, settings.persona("desk")).dial("+12125550101", attempt=False).rule)
    """
    environment = {**os.environ, "HOST_COUNTRIES": "US"}
    assert printed_by(program, cwd=deployment_folder, env=environment) == "do_not_call\n"


def test_who_opts_out_twice_stands_there_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    for _ in range(3):
        DoNotCall(file).add(ANN)
    assert file.read_text().count(ANN) == 1
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_last_line_without_an_end_stays_whole(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text(BOB)
    DoNotCall(file).add(ANN)
    assert all(DoNotCall(file).has(each) for each in (ANN, BOB))


def test_many_who_opt_out_at_once_are_all_on_the_list(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    numbers = [f"+1212555{each:04}" for each in range(200)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: DoNotCall(file).add(number), numbers))
    kept = DoNotCall(file)
    assert all(kept.has(number) for number in numbers)
    assert len(file.read_text().splitlines()) == len(numbers)


async def test_an_opt_out_that_cannot_be_written_is_said(deployment_folder: Path) -> None:
    gone = deployment_folder / "mount" / "list.txt"
    call = call_of(Settings(**OURS, do_not_call=gone), ANN)
    with pytest.raises(HostError, match="can't be put on the do-not-call list"):
        await call.opt_out()
    assert not gone.exists()


@pytest.mark.parametrize("number", [None, "", "anonymous", "sip:+12125550101@evil", "123"])
async def test_a_caller_without_a_number_cannot_opt_out(number: str | None) -> None:
    with pytest.raises(HostError, match="other party is unknown"):
        await call_of(Settings(**OURS), number).opt_out()


# Whoever opts out, however the trunk writes their number


def listed(shown: str, ours: str | None, **settings: Any) -> set[str]:
    """What stands on the list after somebody has opted out who shows a number to one of ours."""
    deployment = Settings(**settings)
    Gate(deployment, deployment.persona("desk")).opt_out(shown, ours)
    lines = deployment.do_not_call.read_text().splitlines()
    return {line.split()[0] for line in lines}


@pytest.mark.parametrize(
    ("shown", "ours", "numbers"),
    [
        ("+12125550123", None, {"+12125550123"}),
        ("+1 (212) 555-0123", None, {"+12125550123"}),
        ("+15557770001", "+15550001111", {"+15557770001"}),
        ("+5215512345678", "+12125550100", {"+525512345678"}),
        ("12125550123", "+12125550100", {"+12125550123"}),
        ("2125550123", "+12125550100", {"+12125550123"}),
        ("011442079460958", "+12125550100", {"+442079460958"}),
        ("030 123456", "+4930654321", {"+4930123456"}),
        ("00442079460958", "+4930654321", {"+442079460958"}),
        # A number abroad, and one of our country: both are meant, for all that anybody knows
        ("4722345678", "+12125550100", {"+4722345678", "+14722345678"}),
    ],
)
def test_a_callers_number_is_listed_as_our_number_would_dial_it(
    shown: str, ours: str | None, numbers: set[str]
) -> None:
    assert listed(shown, ours) == numbers


@pytest.mark.parametrize(
    "settings",
    [
        {"caller_id": "+12125550100"},
        {"caller_id": "+4930654321", "personas": {"desk": {"numbers": ["+12125550100"], **NONE}}},
        {"personas": {"other": {"numbers": ["+12125550100"]}}},
        {"countries": ["US"]},
    ],
)
@pytest.mark.parametrize("shown", ["12125550123", "2125550123"])
def test_where_a_trunk_writes_no_plus_the_settings_name_the_country(
    shown: str, settings: dict[str, Any]
) -> None:
    assert listed(shown, "12125550100", **settings) == {"+12125550123"}


@pytest.mark.parametrize("shown", ["2125550123", "911", "1 212 555 019", "anonymous"])
def test_what_may_be_anybodys_number_is_not_listed(shown: str) -> None:
    with pytest.raises(HostError, match="other party is unknown"):
        listed(shown, None)


def test_a_north_american_number_is_read_at_once_and_as_any_other() -> None:
    dice = random.Random(7)
    for _ in range(500):
        area, office = dice.randint(200, 999), dice.randint(200, 999)
        written = f"+1{area}{office}{dice.randint(0, 9999):04}"
        assert as_e164(written) == as_e164(f"+1 ({area}) {written[5:]}") == written
