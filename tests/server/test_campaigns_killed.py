"""Campaigns outlive `kill -9` at any moment: no row is lost, no attempt dials twice.

The hosts are real processes on a real queue; see tests/campaign_host.py for what they dial.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from campaign_host import LASTS, outcome_of
from deployment import HERE

from host.base.clock import now
from host.base.errors import SettingsError
from host.dispatch.campaigns import Campaign, Directory, Row, open_campaigns
from host.records.outcome import Outcome
from host.settings import Settings, load_settings

pytestmark = [pytest.mark.processes, pytest.mark.timeout(900)]

ROWS, TRIES, KILLS = 200, 2, 20
FEW = 80
"""Rows where a host is killed once, after the first 20."""
PATIENCE = 15.0
"""Seconds to wait for further calls: at the end there are none."""
ALL_WITHIN = 300.0
"""Seconds within which a campaign is done."""


class Hosts:
    """Hosts with files of their own, on one queue."""

    def __init__(self, folder: Path, names: tuple[str, ...], queue: str = "") -> None:
        self._folder, self._queue = folder, queue
        self.ledger = folder / "ledger.txt"
        self._running: dict[str, subprocess.Popen[str]] = {}
        for name in names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a host, and wait until it works."""
        given = {
            "HOST_STATE_DIR": str(self._folder / name),
            "HOST_CAMPAIGN_QUEUE": self._queue,
            "HOST_CALLING_HOURS": "00:00-24:00",
            "HOST_ALLOW_NUMBERS": "+1555*",
            "HOST_MAX_ATTEMPTS_A_DAY": "0",
            "TEST_GONE_AFTER": "5",
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), str(HERE), *sys.path]),
        }
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HOST_")}
        program = [sys.executable, str(HERE / "campaign_host.py"), str(self.ledger)]
        process = subprocess.Popen(
            program, env={**clean, **given}, cwd=self._folder, stdout=subprocess.PIPE, text=True
        )
        self._running[name] = process
        assert process.stdout
        assert process.stdout.readline() == "ready\n"

    def kill(self, name: str) -> None:
        """End a host as `kill -9` does."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.communicate()

    def kill_at_moments(self, seed: int) -> None:
        """Kill one of the hosts KILLS times, each time while they dial, and start it again."""
        dice, names = random.Random(seed), list(self._running)
        for _ in range(KILLS):
            self.dials(dice.randrange(0, 10))
            time.sleep(dice.uniform(0, LASTS * 2))  # the moment is the test
            killed = dice.choice(names)
            self.kill(killed)
            self.start(killed)

    def dials(self, more: int) -> None:
        """Wait until the hosts have dialled some numbers more, or are done."""
        wanted, until = len(self.lines()) + more, time.monotonic() + PATIENCE
        while len(self.lines()) < wanted and time.monotonic() < until:
            time.sleep(0.002)  # other processes work

    def lines(self) -> list[str]:
        """What was dialled."""
        return self.ledger.read_text().splitlines() if self.ledger.exists() else []

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)

    def dialled(self) -> Counter[str]:
        """How often each attempt was dialled, by its idempotency key."""
        return Counter(line.split()[0] for line in self.lines())

    def numbers(self) -> Counter[str]:
        """How often each number was dialled."""
        return Counter(line.split()[1] for line in self.lines())


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def a_campaign(directory: Directory, rows: int = ROWS) -> Campaign:
    """A campaign of many rows, which are to be called quickly, and twice where that may help."""
    campaign = Campaign(
        id="c0ffee", name="rows.csv", persona="ann", made_at=now(), calls_at_once=10,
        per_minute=6000, tries=TRIES, spacing=0.2,
    )  # fmt: skip
    numbers = {line: f"+1555222{line:04}" for line in range(2, rows + 2)}
    directory.add(campaign, [Row(line=line, number=number) for line, number in numbers.items()])
    return campaign


def until_done(directory: Directory) -> list[Row]:
    """Wait until a campaign is done, and return its rows."""
    until = time.monotonic() + ALL_WITHIN
    while (campaign := directory.all()[0]).status != "done":
        assert campaign.status == "running", campaign.reason
        assert time.monotonic() < until, [r for r in directory.rows(campaign) if r.step != "done"]
        time.sleep(0.1)  # another process works
    return directory.rows(campaign)


def require_exactly_once(hosts: Hosts, rows: list[Row], many: int = ROWS) -> None:
    """Require that no row was lost, and that no attempt was dialled twice."""
    assert [row.line for row in rows] == list(range(2, many + 2))
    again = {key: times for key, times in hosts.dialled().items() if times > 1}
    assert again == {}
    assert max(hosts.numbers().values()) <= TRIES
    for row in rows:
        ended = [attempt.outcome for attempt in row.attempts]
        assert 1 <= len(ended) <= TRIES
        assert None not in ended
        wanted = outcome_of(row.number)
        assert ended[-1] in (wanted, Outcome.FAILED), row
        if ended[0] is not Outcome.FAILED and not wanted.retryable():
            assert ended == [wanted]


def settings_of(folder: Path, queue: str) -> Settings:
    given = {"state_dir": folder, "campaign_queue": queue}
    return Settings(**{**load_settings().model_dump(exclude_unset=True), **given})


@pytest.mark.every  # a minute; the last one kills a host as well
def test_a_host_is_killed_at_twenty_moments(
    tmp_path: Path, stack: ExitStack, clean_environment: None
) -> None:
    directory = open_campaigns(settings_of(tmp_path / "one", ""))
    hosts = Hosts(tmp_path, ("one",))
    stack.callback(hosts.close)
    a_campaign(directory)
    hosts.kill_at_moments(seed=7)
    require_exactly_once(hosts, until_done(directory))


@pytest.mark.every  # a minute
def test_two_hosts_share_a_redis_and_are_killed_at_twenty_moments(
    tmp_path: Path, stack: ExitStack, clean_environment: None
) -> None:
    two_hosts_are_killed(tmp_path, stack, a_redis(tmp_path, stack), seed=11)


@pytest.mark.every  # a minute
def test_two_hosts_share_a_postgres_and_are_killed_at_twenty_moments(
    tmp_path: Path, stack: ExitStack, clean_environment: None
) -> None:
    two_hosts_are_killed(tmp_path, stack, a_postgres(stack), seed=13)


def two_hosts_are_killed(folder: Path, stack: ExitStack, queue: str, *, seed: int) -> None:
    """Have two hosts work on one queue, killed at twenty moments; both have made attempts."""
    directory = open_campaigns(settings_of(folder / "outside", queue))
    stack.callback(directory.close)
    hosts = Hosts(folder, ("one", "two"), queue)
    stack.callback(hosts.close)
    a_campaign(directory)
    hosts.kill_at_moments(seed=seed)
    rows = until_done(directory)
    require_exactly_once(hosts, rows)
    assert len({attempt.host for row in rows for attempt in row.attempts}) == 2


def test_a_campaign_on_a_postgres_is_stored_called_and_purged(
    tmp_path: Path, stack: ExitStack, clean_environment: None
) -> None:
    url = a_postgres(stack)
    directory = open_campaigns(settings_of(tmp_path / "outside", url))
    stack.callback(directory.close)
    hosts = Hosts(tmp_path, ("one",), url)
    stack.callback(hosts.close)
    a_campaign(directory)
    require_exactly_once(hosts, until_done(directory))
    assert directory.purge(now()) == 1
    assert directory.all() == []


def test_another_host_ends_the_calls_of_one_that_does_not_come_back(
    tmp_path: Path, stack: ExitStack, clean_environment: None
) -> None:
    url = a_redis(tmp_path, stack)
    directory = open_campaigns(settings_of(tmp_path / "outside", url))
    hosts = Hosts(tmp_path, ("one", "two"), url)
    stack.callback(hosts.close)
    a_campaign(directory, FEW)
    hosts.dials(20)
    hosts.kill("one")
    require_exactly_once(hosts, until_done(directory), FEW)


def a_redis(folder: Path, stack: ExitStack) -> str:
    """Start a Redis on a port of loopback."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen([program, *words], stdout=subprocess.DEVNULL)
    stack.callback(process.wait)
    stack.callback(process.kill)
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.05)
        else:
            return f"redis://127.0.0.1:{port}/0"


def a_postgres(stack: ExitStack) -> str:
    """Start a Postgres that listens on a Unix socket alone."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'host[postgres]'")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    programs = shutil.which("initdb") or (found and str(found[-1] / "initdb"))
    if not programs:
        pytest.skip("Postgres is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a path of a socket is short
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    who: dict[str, Any] = {}
    if os.geteuid() == 0:  # Postgres does not run as root
        who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    make = [programs, "--auth=trust", "--username=host", "--no-sync", "--pgdata", str(data)]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **who)
    words = ["-D", str(data), "-k", str(folder), "-c", "listen_addresses=", "-F"]
    program = str(Path(programs).with_name("postgres"))
    process = subprocess.Popen([program, *words], stderr=subprocess.DEVNULL, cwd=folder, **who)
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGINT)
    url, until = f"postgresql://host@/postgres?host={folder}", time.monotonic() + 30
    while True:
        try:
            open_campaigns(settings_of(folder, url)).close()
        except SettingsError:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return url
