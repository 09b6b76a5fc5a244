"""The demo: four calls with the bundled personas on the local world, recorded and checked.

One module in spite of its length, so that it reads like a script.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from host.base.errors import HostError
from host.base.paths import EXAMPLE_PERSONAS
from host.dispatch.place import metadata_of, place
from host.local.exchange import PhoneCall, Subscriber
from host.local.phone import Busy, Line, Telephone, voicemail
from host.local.process import HostProcess
from host.local.records import records_of
from host.local.stage import Stage
from host.local.world import CALLER, OUR_NUMBER, World
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.settings import Settings

CALLS = Path("demo-calls")
ANN, MACHINE, ENGAGED, BILLING = "+15552220001", "+15552220004", "+15552220002", "+15550003001"
RECORD_LIMIT = 15.0
"""Seconds after a call within which its record must exist."""

HOST_TOML = f"""\
[personas.receptionist]
numbers = ["{OUR_NUMBER}"]

[transfers]
billing = "{BILLING}"
dentist = "+15550003002"
"""


@dataclass(frozen=True)
class Scene:
    """One call: its script, and the expected result."""

    file: str
    title: str
    play: Callable[[Stage], Awaitable[PhoneCall]]
    outcome: Outcome
    heard: tuple[str, ...] = ()
    """Texts that the telephone must have heard, each once and completely, in this order."""
    dialled: str | None = None
    """The number that must have been dialled or referred to last."""


async def a_caller_asks_and_is_transferred(stage: Stage) -> PhoneCall:
    async def caller(line: Line) -> None:
        await line.heard("how can I help you")
        await _say(stage, line, "What are your opening hours?")
        await line.heard("nine to five")
        await _say(stage, line, "Can you put me through to billing?")
        await line.stay()

    stage.world.exchange.connect(BILLING, Telephone())
    call = await stage.world.exchange.ring(CALLER, OUR_NUMBER, caller)
    await stage.watch(call)
    return call


async def a_person_answers(stage: Stage) -> PhoneCall:
    async def ann(line: Line) -> None:
        await _say(stage, line, "Hello?")
        await line.heard("calling for Ann")
        await _say(stage, line, "Yes, speaking.")
        await line.heard("can you come")
        await _say(stage, line, "Yes, I can.")
        await line.stay()

    return await _placed(stage, ANN, Telephone(answer_after=1.5, script=ann))


async def a_voicemail_answers(stage: Stage) -> PhoneCall:
    greeting = "You have reached the voicemail of Ann. Please leave a message after the tone."
    machine = voicemail(greeting, answer_after=1.0, pause=1.0)
    stage.show("voicemail", f"will say: {greeting} (beep)", "yellow")
    return await _placed(stage, MACHINE, machine)


async def the_line_is_busy(stage: Stage) -> PhoneCall:
    return await _placed(stage, ENGAGED, Busy())


SCENES = (
    Scene(
        "1-receptionist",
        "A caller asks something and is transferred",
        a_caller_asks_and_is_transferred,
        Outcome.TRANSFERRED,
        (
            "Molar Dental, good morning. How can I help you?",
            "We are open from nine to five, Monday to Friday.",
            "One moment please, I am connecting you to billing.",
        ),
        BILLING,
    ),
    Scene(
        "2-reminder-answered",
        "The reminder phones Ann, who answers",
        a_person_answers,
        Outcome.COMPLETED,
        (
            "Hello, this is Molar Dental calling for Ann.",
            "You have an appointment tomorrow. Can you come?",
            "Thank you, see you tomorrow. Goodbye.",
        ),
        ANN,
    ),
    Scene(
        "3-reminder-voicemail",
        "The reminder meets a voicemail and leaves its message after the beep",
        a_voicemail_answers,
        Outcome.VOICEMAIL_LEFT,
        ("Your appointment is at three o'clock. Goodbye.",),
        MACHINE,
    ),
    Scene(
        "4-reminder-busy",
        "The reminder phones a line that is busy",
        the_line_is_busy,
        Outcome.BUSY,
        (),
        ENGAGED,
    ),
)


async def play(folder: Path = CALLS) -> int:
    """Run the scenes; return 0 only if all ended as expected."""
    console = Console(soft_wrap=True)
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # the SDK logs a room's end as error
    begun = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "host.toml").write_text(HOST_TOML)
    console.print("[bold]Bringing up LiveKit, the exchange, speech and a host[/] ...")
    async with World() as world:
        environment = {
            **world.settings,
            "HOST_CONFIG": "host.toml",
            "HOST_PERSONAS_DIR": str(EXAMPLE_PERSONAS),
            "HOST_CALL_LOG": "calls.jsonl",
        }
        async with HostProcess(environment, folder / "host.log", cwd=folder):
            settings = _settings(world)
            faults = 0
            for scene in SCENES:
                faults += not await perform(scene, Stage(world, settings, console), folder)
    took = time.monotonic() - begun
    if faults:
        console.print(
            f"\n[red]{faults} of {len(SCENES)} scenes went wrong[/]: see {folder}/host.log"
        )
        return 1
    console.print(
        f"\n[green]All {len(SCENES)} scenes ended as they should[/], in {took:.0f} s. "
        f"Listen: recordings of the answered calls (left the telephone, right the persona), and "
        f"transcripts and records of all, are in {folder}/"
    )
    return 0


async def perform(scene: Scene, stage: Stage, folder: Path) -> bool:
    """Run one scene, store its files in a host's folder, and return whether it ended as expected.

    A call that was not answered has no recording.
    """
    stage.console.print(f"\n[bold]{scene.title}[/]")
    faults: list[str] = []
    kept: list[Path] = []
    try:
        call = await scene.play(stage)
        record, *_ = await records_of(folder / "calls.jsonl", call.room, RECORD_LIMIT)
    except (TimeoutError, HostError) as error:
        faults = [str(error) or "it took too long"]
    else:
        faults = _faults(scene, stage, call, record)
        kept = _keep(call, record, folder / scene.file)
        stage.show("record", f"{record.outcome}: {record.reason}", "magenta")
    for fault in faults:
        stage.show("wrong", fault, "red")
    if not faults:
        stage.show("right", f"see {', '.join(map(str, kept))}", "dim")
    return not faults


def _faults(scene: Scene, stage: Stage, call: PhoneCall, record: CallRecord) -> list[str]:
    faults = []
    if record.outcome is not scene.outcome:
        faults.append(f"the outcome is {record.outcome}, not {scene.outcome}")
    last = 0.0
    for text in scene.heard:
        found = call.find(text)
        if len(found) != 1 or not found[0].whole:
            faults.append(f"{text!r} was heard {len(found)} times, or not to its end")
        elif found[0].start < last:
            faults.append(f"{text!r} came too early")
        else:
            last = found[0].end
    numbers = [
        entry.number
        for entry in stage.world.exchange.ledger.of("INVITE", "REFER")
        if entry.call == call.id
    ]
    if scene.dialled and numbers[-1] != scene.dialled:
        faults.append(f"{numbers[-1]} was dialled, not {scene.dialled}")
    return faults


def _keep(call: PhoneCall, record: CallRecord, file: Path) -> list[Path]:
    """Write the call's files, and return them, the first to listen to or read first."""
    lines = [f"{line.at:%H:%M:%S}  {line.who:<8} {line.text}" for line in record.transcript]
    text = "\n".join([*lines, f"{record.outcome}: {record.reason}", ""])
    recording, transcript = file.with_suffix(".wav"), file.with_suffix(".txt")
    transcript.write_text(text)
    file.with_suffix(".json").write_text(record.model_dump_json(indent=2) + "\n")
    if not call.answered_at:
        return [transcript, file.with_suffix(".json")]
    call.save_wav(recording)
    return [recording, transcript, file.with_suffix(".json")]


async def _placed(stage: Stage, number: str, telephone: Subscriber) -> PhoneCall:
    """Let the reminder call Ann at a number, as `python -m host call` does."""
    stage.world.exchange.connect(number, telephone)
    details = {"patient": "Ann", "time": "three o'clock"}
    stage.show("command", f'host call reminder {number} patient=Ann time="three o\'clock"')
    metadata = metadata_of(stage.settings, "reminder", number, details)
    placing = asyncio.create_task(place(stage.settings, metadata))
    try:
        call = await stage.world.exchange.call_to(number)
        await stage.watch(call)
        placed = await asyncio.wait_for(placing, 30)
    finally:
        placing.cancel()
    stage.show("command", f"{placed.outcome}, exit code {placed.outcome.exit_code}")
    return call


async def _say(stage: Stage, line: Line, text: str) -> None:
    stage.show("telephone", text, "yellow")
    await line.say(text)


def _settings(world: World) -> Settings:
    """Return the settings of a client that places calls in this world."""
    return Settings(
        livekit_url=world.exchange.url,
        livekit_api_key=world.livekit.api_key,
        livekit_api_secret=world.livekit.api_secret,
        trunk=world.trunk,
        personas_dir=EXAMPLE_PERSONAS,
    )
