"""What is said before the greeting, and the recording that begins after it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from canaries import found_below
from people import pays
from scene import checkpoints_of, kill_its_process, length_of, logged
from studio import Samples, both_sides

from host.call.unrecorded import MARK
from host.local.exchange import Subscriber
from host.local.phone import Line, Telephone, voicemail
from host.local.speech import locate
from host.local.speech.locate import Found
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.settings import Words
from host.speech.recording import RATE
from host.testing import Scene, heard, heard_once, not_heard

NOTICE = "You are talking to a machine. This call is recorded."
GREETING = "Good morning, this is the desk of the museum."
BILLING, SHOP = "+15550003001", "+15550003111"


@dataclass
class Recorded:
    """A recorded call: each side by itself."""

    left: Samples
    right: Samples

    @property
    def seconds(self) -> float:
        return len(self.left) / RATE

    def far_end(self, text: str) -> list[Found]:
        """Say where the far end is heard to say it: on the left alone."""
        assert not locate(self.right, RATE, text)
        return locate(self.left, RATE, text)

    def persona(self, text: str) -> list[Found]:
        """Say where the persona is heard to say it: on the right alone."""
        assert not locate(self.left, RATE, text)
        return locate(self.right, RATE, text)


def recording_of(scene: Scene, record: CallRecord) -> Recorded:
    """Read the recording that a record names."""
    assert record.recording is not None
    return Recorded(*both_sides(scene.folder / record.recording))


def files_of(scene: Scene, record: CallRecord) -> list[Path]:
    """List whatever was written of a call, complete or not."""
    return list((scene.folder / "recordings").rglob(f"{record.id}*"))


async def listens(line: Line) -> None:
    await line.silence_for(2.5)  # a model takes a while to open a call
    await line.hang_up()


@pytest.mark.promise("Recording starts after the notice")
@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_call_is_recorded_from_the_end_of_its_notice_to_its_own(scene: Scene) -> None:
    async def talks_into_the_notice(line: Line) -> None:
        await line.sound()
        await line.say("What day is it?")
        await line.heard("desk of the museum")
        await line.heard("today is monday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.ring("recorded", talks_into_the_notice)
    record = await scene.over(call)
    notice, greeting = heard_once(call, NOTICE), heard_once(call, GREETING)
    answer = heard_once(call, "Today is Monday.")
    assert notice.end < greeting.start < greeting.end < answer.start
    assert [line.text for line in record.transcript if line.who == "persona"][:3] == [
        NOTICE,
        GREETING,
        "Today is Monday.",
    ]

    recorded = recording_of(scene, record)
    assert not recorded.persona(NOTICE)
    assert not recorded.far_end("What day is it?")
    (greeted,) = recorded.persona(GREETING)
    (answered,) = recorded.persona("Today is Monday.")
    (thanks,) = recorded.far_end("Thank you and goodbye.")
    (goodbye,) = recorded.persona("Thank you very much for your call. Goodbye.")
    assert greeted.whole
    assert goodbye.whole
    assert greeted.end < answered.start < answered.end < thanks.start < thanks.end < goodbye.start
    (said,) = locate(call.recording[:, 0], 8000, "Thank you and goodbye.")
    on_the_telephone, in_the_file = said.start - answer.end, thanks.start - answered.end
    assert abs(on_the_telephone - in_the_file) < 1.0
    talked = length_of(call) - notice.end
    assert talked - 2 < recorded.seconds < talked + 4


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_who_talks_over_the_end_of_the_notice_hears_the_greeting_and_then_the_answer(
    scene: Scene,
) -> None:
    async def talks_over_its_end(line: Line) -> None:
        await line.sound()
        await line.wait(2.6)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("recorded", talks_over_its_end)
    await scene.over(call)
    notice, greeting = heard_once(call, NOTICE), heard_once(call, GREETING)
    answer = heard(call, "Today is Monday.")[0]
    assert notice.end < greeting.start < greeting.end < answer.start


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_recording_is_its_owners_alone_and_has_its_name_when_it_is_complete(
    scene: Scene,
) -> None:
    call = await scene.ring("recorded", listens)
    record = await scene.over(call)
    (file,) = files_of(scene, record)
    assert record.recording is not None
    assert scene.folder / record.recording == file
    assert file.parts[-3:] == ("recordings", f"{record.answered_at:%Y-%m-%d}", f"{record.id}.ogg")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_model_that_opens_its_recorded_call_speaks_after_the_notice(scene: Scene) -> None:
    call = await scene.ring("starter", listens)
    record = await scene.over(call)
    notice = heard_once(call, "This call is recorded.")
    opening = heard_once(call, "I am the one who starts the talk.")
    assert notice.end < opening.start
    recorded = recording_of(scene, record)
    assert len(recorded.persona("I am the one who starts the talk.")) == 1
    assert not recorded.persona("This call is recorded.")


async def test_a_disclosure_is_heard_before_an_agent_that_speaks_on_entering(scene: Scene) -> None:
    call = await scene.ring("machine", listens)
    record = await scene.over(call)
    disclosure = heard_once(call, "I am only a machine.")
    entering = heard_once(call, "Now I have come in as well.")
    assert disclosure.end < entering.start
    not_heard(call, "This call is recorded.")
    assert record.recording is None
    assert not files_of(scene, record)


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_recording_holds_what_was_said_until_the_caller_hung_up(scene: Scene) -> None:
    async def leaves(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("Tell me a long story.")
        await line.sound()
        await line.wait(2)
        await line.begin("And another thing is that I really have to")
        await line.wait(0.7)
        await line.hang_up()

    call = await scene.ring("recorded", leaves)
    record = await scene.over(call)
    assert record.ended_by == "far end"
    recorded = recording_of(scene, record)
    (asked,) = recorded.far_end("Tell me a long story.")
    assert asked.whole
    assert recorded.seconds > asked.end + 2
    last = recorded.left[round((asked.end + 2) * RATE) :]
    assert np.abs(last).max() > 1000  # half a sentence, too little of it to be found as one


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_recording_ends_where_the_caller_is_transferred(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("Give me the cash desk.")
        await line.stay()

    scene.exchange.connect(BILLING, Telephone())
    call = await scene.ring("recorded", asks)
    record = await scene.over(call)
    assert record.outcome is Outcome.TRANSFERRED
    recorded = recording_of(scene, record)
    (asked,) = recorded.far_end("Give me the cash desk.")
    (announced,) = recorded.persona("One moment please, I am connecting you to billing.")
    assert announced.whole
    assert asked.end < announced.start


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_recording_ends_where_a_colleague_has_the_call(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("Give me the shop.")
        await line.heard("this is the museum shop", limit=60)
        await line.say("How much is the red house?")
        await line.wait(1)
        await line.hang_up()

    async def takes_it(line: Line) -> None:
        await line.heard("otherwise say no")
        await line.press("1")
        await line.stay()

    async def talks(line: Line) -> None:
        await line.wait(1)
        await line.say("Hello, this is the museum shop.")
        await line.stay()

    scene.world.agents.add("Hello, this is the museum shop.")
    scene.exchange.connect(
        SHOP, Subscriber(200, 0.5, script=takes_it, then=Telephone(script=talks))
    )
    call = await scene.ring("recorded", asks)
    record = await scene.over(call, 120)
    connected = await scene.exchange.call_to(SHOP, nth=2)
    heard_once(connected, "How much is the red house?")
    recorded = recording_of(scene, record)
    (asked,) = recorded.far_end("Give me the shop.")
    assert asked.whole
    assert not recorded.far_end("How much is the red house?")
    assert not recorded.persona("Hello, this is the museum shop.")


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_recording_holds_the_goodbye_of_a_call_that_lasts_too_long(scene: Scene) -> None:
    call = await scene.ring("brief")
    record = await scene.over(call)
    goodbye = heard_once(call, "I am sorry, our time is up. Goodbye.")
    recorded = recording_of(scene, record)
    (found,) = recorded.persona("I am sorry, our time is up. Goodbye.")
    assert found.whole
    assert found.start < goodbye.start  # the notice before it is not there


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_callee_is_told_that_the_call_is_recorded_and_a_machine_is_not(
    scene: Scene,
) -> None:
    async def says_hello(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("desk of the museum")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    person = Telephone(script=says_hello)
    _, call, record = await scene.place_to(person, "recorded")
    heard_once(call, NOTICE)
    assert len(recording_of(scene, record).far_end("What day is it?")) == 1

    machine = Telephone(
        script=voicemail(
            "You have reached the voicemail of John. Please leave a message after the tone."
        )
    )
    _, call, record = await scene.place_to(machine, "recorded")
    not_heard(call, NOTICE)
    assert record.recording is None
    assert not files_of(scene, record)


@pytest.mark.promise("A paused part of a recording is silence, and its words are kept nowhere")
@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_what_is_said_off_the_record_is_silence_in_the_recording(scene: Scene) -> None:
    call = await scene.ring("cashier", pays)
    record = await scene.over(call)
    recorded = recording_of(scene, record)
    (asked,) = recorded.far_end("I would like to pay.")
    (paid,) = recorded.persona("Thank you very much, it is paid.")
    (later,) = recorded.far_end("What day is it?")
    assert asked.end < paid.start < paid.end < later.start
    # The model takes a moment to begin the pause; it speaks again once that is over.
    begin, end = round((asked.end + 2) * RATE), round((paid.start - 0.3) * RATE)
    assert end - begin > 3 * RATE
    for side in (recorded.left, recorded.right):
        assert np.abs(side[begin:end]).max() < 300
    assert not recorded.persona("Please tell me the number of your card.")
    (said,) = locate(call.recording[:, 0], 8000, "I would like to pay.")
    thanks = heard_once(call, "Thank you very much, it is paid.")
    on_the_telephone, in_the_file = thanks.start - said.end, paid.start - asked.end
    assert abs(on_the_telephone - in_the_file) < 1.0
    assert [line.text for line in record.transcript if line.who == "caller"] == [
        "I would like to pay.",
        MARK,
        "What day is it?",
    ]
    assert [(tool.name, tool.arguments) for tool in record.tools] == [
        ("take_card", ""),
        ("charge", ""),
    ]
    assert not [where for where in found_below(scene.folder) if where.endswith(": CARD")]


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_caller_who_refuses_the_recording_ends_it_and_not_the_call(scene: Scene) -> None:
    async def refuses(line: Line) -> None:
        await line.heard("this is the payer")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.say("Please do not record me.")
        await line.heard("ended the recording")
        await line.say("Who is it?")
        await line.heard("only a test")
        await line.hang_up()

    call = await scene.ring("cashier", refuses)
    record = await scene.over(call)
    heard_once(call, "It is only a test.")
    assert record.outcome is Outcome.COMPLETED
    assert record.recording_stopped_at is not None
    recorded = recording_of(scene, record)
    assert len(recorded.far_end("What day is it?")) == 1
    assert not recorded.far_end("Who is it?")
    assert not recorded.persona("It is only a test.")
    assert record.transcript[-1].text == MARK
    assert [file.suffix for file in files_of(scene, record)] == [".ogg"]


async def test_a_folder_that_cannot_be_written_costs_the_recording_and_not_the_call(
    scene: Scene,
) -> None:
    async def asks(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    with in_the_way(scene.folder / "recordings"):
        call = await scene.ring("recorded", asks)
        record = await scene.over(call)
    heard_once(call, "Today is Monday.")
    assert (record.outcome, record.recording) == (Outcome.COMPLETED, None)
    await logged(scene, "the call is not recorded")
    assert scene.log().count("the call is not recorded") == 1


@contextmanager
def in_the_way(folder: Path) -> Iterator[None]:
    """Put a file where the folder should be, and the folder back afterwards."""
    aside = folder.with_name("aside")
    if folder.exists():
        folder.rename(aside)
    folder.touch()
    try:
        yield
    finally:
        folder.unlink()
        if aside.exists():
            aside.rename(folder)


@pytest.mark.whole("a recording is Opus, in which no written samples survive")
async def test_a_call_that_is_taken_over_is_recorded_on(scene: Scene) -> None:
    async def goes_on(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("Who is it?")
        await line.heard("only a test")
        await line.heard("cut off for a moment", 30)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("recorded", goes_on)
    await call.pulse.until(
        lambda: any(found.whole for found in heard(call, "It is only a test.")), 40, "an answer"
    )
    await call.pulse.until(
        lambda: any(each["state"]["recordings"] for each in checkpoints_of(scene, call.room)),
        10,
        "a checkpoint that knows of the recording",
    )
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert record.taken_over == 1
    # A call as short as this one had nothing written before: FFmpeg keeps 256 KiB back.
    assert [file.name for file in files_of(scene, record)] == [f"{record.id}.2.ogg"]
    recorded = recording_of(scene, record)
    assert not recorded.persona(NOTICE)
    (back,) = recorded.persona(Words().taken_over)
    (asked,) = recorded.far_end("What day is it?")
    (answered,) = recorded.persona("Today is Monday.")
    assert back.end < asked.start < answered.start
