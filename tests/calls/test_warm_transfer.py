"""Calls that are handed to a colleague who was asked first."""

import pytest
from in_memory.sound import MUMBLED, speak
from in_memory.world import MemoryScene
from scene import a_scene, answer_of, end_of, kill_its_process
from transfers import (
    ACCEPTED,
    ANN,
    ANNOUNCED,
    BOB,
    CALLER,
    DECLINED,
    GOES_ON,
    INTERRUPTED,
    MUSIC_BEGINS,
    NOBODY,
    QUESTION,
    SALES,
    SWITCHBOARD,
    asks_for,
    colleague,
    comes_back_from,
    has_talked,
    music_share,
    nothing_left,
    presses_one,
    presses_one_at_once,
    says,
)

from host.local.exchange import Subscriber
from host.local.phone import Busy, Declines, Invalid, Line, NoAnswer, Telephone, voicemail
from host.local.sound import RATE
from host.records.outcome import Outcome
from host.telephony.transfer import bridge
from host.testing import Scene, heard, heard_once, not_heard

pytestmark = pytest.mark.heavy  # three telephones, two sessions and music


@pytest.mark.promise("A warm transfer connects the caller with a colleague who accepts")
async def test_a_colleague_who_presses_one_talks_with_the_caller(scene: Scene) -> None:
    async def hears_and_hangs_up(line: Line) -> None:
        await line.wait(1.5)
        await line.say(BOB)
        await line.keyed("5")
        await line.silence_for(2.0)
        await line.hang_up()

    async def talks(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the sales please.")
        await line.heard("connecting you to sales")
        await line.wait(1.0)
        await line.say("What nice music. Is anybody there?")
        await line.heard("bob at your service", limit=60)
        await line.say(ANN)
        await line.press("5")
        await line.stay()

    scene.world.agents.add(BOB)  # telephones know what personas say; this is said by a colleague
    scene.exchange.connect(SALES, colleague(presses_one, Telephone(script=hears_and_hangs_up)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, talks)
    record = await nothing_left(scene, call)
    asked = await scene.exchange.call_to(SALES, nth=1)
    connected = await scene.exchange.call_to(SALES, nth=2)

    announced = heard_once(call, ANNOUNCED.format("sales"))
    there = answer_of(connected) - answer_of(call)
    assert music_share(call, announced.end + MUSIC_BEGINS, there) > 0.9
    not_heard(call, QUESTION)
    not_heard(call, INTERRUPTED)
    assert heard_once(call, BOB).start > there
    assert music_share(call, call.recording.shape[0] / 8000 - 1.5, 1e6) == 0

    heard_once(asked, QUESTION)
    heard_once(asked, ACCEPTED)
    not_heard(connected, QUESTION)
    heard_once(connected, ANN)
    assert end_of(asked) < connected.started_at
    assert (asked.room, connected.room) == (f"{call.room}-consult", call.room)
    assert (asked.caller, connected.caller) == ("+15550001111", "+15550001111")

    assert [key.digit for key in connected.keys] == ["5"]
    assert (call.keys, record.keys) == ([], [])
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")
    assert record.reason == "the colleague hung up after the transfer to sales"
    assert (connected.ended_by, call.ended_by) == ("phone", "far end")
    assert end_of(call) - end_of(connected) < 2
    (transfer,) = record.transfers
    assert (transfer.to, transfer.warm, transfer.succeeded) == ("sales", True, True)
    assert (transfer.mode, transfer.number, transfer.answered_by) == ("warm", SALES, "human")
    assert transfer.connected_at
    assert answer_of(connected) <= transfer.connected_at.timestamp() < answer_of(connected) + 1
    assert record.transcript[-1].text == ANNOUNCED.format("sales")
    assert sorted({use.kind for use in record.usage}) == ["llm", "stt", "tts"]


@pytest.mark.memory
async def test_a_colleague_says_yes_and_the_caller_hangs_up_first(either_scene: Scene) -> None:
    scene = either_scene

    async def hangs_up(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the sales please.")
        await line.heard("bob at your service", limit=60)
        await line.hang_up()

    scene.world.agents.add(BOB)
    scene.exchange.connect(SALES, colleague(says("Yes, put them through.")))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, hangs_up)
    record = await nothing_left(scene, call)
    asked = await scene.exchange.call_to(SALES, nth=1)
    connected = await scene.exchange.call_to(SALES, nth=2)
    heard_once(asked, QUESTION)  # the "yes?" of the beginning was no answer
    heard_once(asked, ACCEPTED)
    assert (connected.ended_by, record.ended_by) == ("far end", "far end")
    assert end_of(connected) - end_of(call) < 2
    assert record.outcome is Outcome.TRANSFERRED


@pytest.mark.sample("right now")
@pytest.mark.parametrize("words", ["No, not right now.", "2"])
async def test_a_colleague_who_declines_sends_the_caller_back(scene: Scene, words: str) -> None:
    async def presses_two(line: Line) -> None:
        await line.heard("otherwise say no")
        await line.press("2")
        await line.stay()

    script = presses_two if words == "2" else says(words)
    scene.exchange.connect(SALES, colleague(script))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    asked = await scene.exchange.call_to(SALES)
    heard_once(asked, DECLINED)
    assert asked.ended_by == "far end"
    assert len(scene.exchange.ledger.of("INVITE", number=SALES)) >= 1
    heard_once(call, ANNOUNCED.format("sales"))
    told = heard_once(call, NOBODY.format("sales"))
    assert heard_once(call, GOES_ON).start > told.end
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.reason) == (False, "sales declined")
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


@pytest.mark.sample("now-declines")
@pytest.mark.parametrize(
    ("telephone", "status", "reason"),
    [
        (Busy(), 486, "the line was busy (SIP 486)"),
        (Declines(), 603, "the call was declined (SIP 603)"),
        (Invalid(), 404, "404"),
        (NoAnswer(), None, "the call was not answered"),
    ],
    ids=["busy", "declines", "invalid", "no answer"],
)
async def test_nobody_comes_and_the_persona_takes_the_caller_back(
    either_scene: Scene, telephone: Subscriber, status: int | None, reason: str
) -> None:
    scene = either_scene
    scene.exchange.connect(SALES, telephone)
    dialled = len(scene.exchange.ledger.of("INVITE", number=SALES))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    announced = heard_once(call, ANNOUNCED.format("sales"))
    told = heard_once(call, NOBODY.format("sales"))
    if status is None:
        assert music_share(call, announced.end + MUSIC_BEGINS, told.start - 1.0) > 0.9
    heard_once(call, GOES_ON)
    assert len(scene.exchange.ledger.of("INVITE", number=SALES)) == dialled + 1
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.sip_status) == (False, status)
    assert reason in transfer.reason
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.both_generations
async def test_a_voicemail_is_nobody(scene: Scene) -> None:
    mailbox = voicemail("Okay, you have reached Bob. Please leave a message after the tone.")
    scene.exchange.connect(SALES, colleague(mailbox))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("sales"))
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.reason) == (False, "sales did not say yes")
    assert (await scene.exchange.call_to(SALES)).ended_by == "far end"


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_colleague_who_hangs_up_on_the_question_is_nobody(scene: Scene) -> None:
    async def hangs_up(line: Line) -> None:
        await line.heard("I have a caller on the line")
        await line.hang_up()

    scene.exchange.connect(SALES, colleague(hangs_up))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("sales"))
    assert [each.reason for each in record.transfers] == ["sales hung up"]


@pytest.mark.memory
async def test_a_colleague_who_says_nothing_is_asked_again(scene: Scene) -> None:
    async def hesitates(line: Line) -> None:
        await line.heard("otherwise say no")
        await line.heard("otherwise say no", 30)
        await line.press("1")
        await line.stay()

    scene.exchange.connect(SALES, colleague(hesitates))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await has_talked(connected)
    await connected.hang_up()
    record = await nothing_left(scene, call)
    assert len(heard(await scene.exchange.call_to(SALES, nth=1), QUESTION)) == 2
    assert record.outcome is Outcome.TRANSFERRED


@pytest.mark.memory
async def test_a_colleague_is_read_no_more_than_the_beginning_of_a_long_summary(
    scene: Scene,
) -> None:
    async def hears_it_out(line: Line) -> None:
        await line.heard("otherwise say no", 60)
        await line.press("1")
        await line.stay()

    scene.exchange.connect(SALES, colleague(hears_it_out))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales and their history"))
    connected = await scene.exchange.call_to(SALES, timeout=90, nth=2)
    await has_talked(connected)
    await connected.hang_up()
    await nothing_left(scene, call)
    asked = await scene.exchange.call_to(SALES, nth=1)
    words = " ".join(hearing.text for hearing in asked.heard)
    assert "house number 1 " in words
    assert "house number 60 " not in words
    heard_once(asked, ACCEPTED)


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_colleague_who_is_busy_the_second_time_is_nobody(scene: Scene) -> None:
    scene.exchange.connect(SALES, colleague(presses_one_at_once, Busy()))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("sales"))
    assert [each.sip_status for each in record.transfers] == [486]
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
@pytest.mark.parametrize(
    ("greeting", "seconds"),
    [
        ("Hello, you have reached Bob. Please leave a message after the tone.", 8.0),
        ("Bob here.", 6.0),  # what follows is a beep
    ],
    ids=["words", "beep"],
)
async def test_a_voicemail_that_takes_the_second_call_gives_the_caller_back(
    scene: Scene, greeting: str, seconds: float
) -> None:
    mailbox = Telephone(script=voicemail(greeting))
    scene.exchange.connect(SALES, colleague(presses_one_at_once, mailbox))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    taped = await scene.exchange.call_to(SALES, nth=2)
    assert taped.ended_by == "far end"
    assert end_of(taped) - answer_of(taped) < seconds
    told = heard_once(call, NOBODY.format("sales"))
    assert heard_once(call, GOES_ON).start > told.end
    not_heard(call, INTERRUPTED)
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.answered_by) == (False, "machine-vm")
    assert transfer.reason == "voicemail answered when sales was called again"
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


@pytest.mark.memory
async def test_an_announcement_that_takes_the_second_call_gives_the_caller_back(
    scene: Scene,
) -> None:
    async def network(line: Line) -> None:
        await line.say("The subscriber you have called is not available.")
        await line.stay()

    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=network)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("sales"))
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.answered_by) == (False, "announcement")
    assert transfer.reason == "a network announcement answered when sales was called again"


@pytest.mark.memory
async def test_a_colleague_who_talks_of_voicemail_later_is_a_person(scene: Scene) -> None:
    async def talks(line: Line) -> None:
        await line.wait(0.5)
        await line.say("Bob speaking.")
        await line.silence_for(4.0)
        await line.say("I am not available tomorrow, please leave a message then.")
        await line.silence_for(1.0)
        await line.hang_up()

    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=talks)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    record = await nothing_left(scene, call)
    heard_once(call, "please leave a message then")
    not_heard(call, NOBODY.format("sales"))
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.answered_by) == (True, "human")
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_caller_who_hangs_up_on_a_colleague_at_once_was_transferred(scene: Scene) -> None:
    async def hangs_up(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the sales please.")
        await line.heard("hello, sales", limit=60)
        await line.hang_up()

    async def hello(line: Line) -> None:
        await line.say("Hello, sales.")
        await line.stay()

    scene.world.agents.add("Hello, sales.")
    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=hello)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, hangs_up)
    record = await nothing_left(scene, call)
    connected = await scene.exchange.call_to(SALES, nth=2)
    assert end_of(connected) - end_of(call) < 2
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.reason) == (True, "")
    assert record.outcome is Outcome.TRANSFERRED
    assert record.reason == "the caller hung up after the transfer to sales"


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_colleague_who_hangs_up_without_a_word_sends_the_caller_back(scene: Scene) -> None:
    async def hangs_up(line: Line) -> None:
        await line.wait(2.0)
        await line.hang_up()

    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=hangs_up)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, comes_back_from("sales", scene))
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("sales"))
    assert [each.reason for each in record.transfers] == ["sales answered and hung up at once"]
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory("with real sound, speech is seldom not understood")
async def test_a_colleague_who_was_not_understood_has_talked_with_the_caller(scene: Scene) -> None:
    async def mumbles(line: Line) -> None:
        await line.play(speak(MUMBLED * 40, RATE))
        await line.hang_up()

    scene.exchange.connect(SALES, colleague(presses_one_at_once, Telephone(script=mumbles)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    record = await nothing_left(scene, call)
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.answered_by) == (True, "uncertain")
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")


@pytest.mark.sample("now")
async def test_a_caller_who_hangs_up_while_it_rings_stops_the_ringing(either_scene: Scene) -> None:
    scene = either_scene
    scene.exchange.connect(SALES, NoAnswer())
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    ringing = await scene.exchange.call_to(SALES, timeout=40)
    await ringing.rings()
    await call.hang_up()
    record = await nothing_left(scene, call)
    assert end_of(ringing) - end_of(call) < 2
    assert [entry.call for entry in scene.exchange.ledger.of("CANCEL", number=SALES)][-1:] == [
        ringing.id
    ]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert [each.reason for each in record.transfers] == ["the caller hung up"]


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_caller_who_hangs_up_during_the_question_hangs_up_the_colleague(
    scene: Scene,
) -> None:
    async def listens(line: Line) -> None:
        await line.stay()

    scene.exchange.connect(SALES, colleague(listens))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    asked = await scene.exchange.call_to(SALES, timeout=40)
    await asked.answered()
    await asked.pulse.until(lambda: asked.heard, 20, "the question")
    await call.hang_up()
    record = await nothing_left(scene, call)
    assert asked.ended_by == "far end"
    assert end_of(asked) - end_of(call) < 2
    assert (record.outcome, len(record.transfers)) == (Outcome.COMPLETED, 1)


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_caller_who_hangs_up_before_the_second_ringing_is_over_stops_it(
    scene: Scene,
) -> None:
    scene.exchange.connect(SALES, colleague(presses_one_at_once, NoAnswer()))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    ringing = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await ringing.rings()
    await call.hang_up()
    record = await nothing_left(scene, call)
    assert ringing.answered_at is None
    assert end_of(ringing) - end_of(call) < 2
    assert record.transfers[0].succeeded is False


@pytest.mark.both_generations
async def test_a_process_that_dies_leaves_neither_telephone_ringing(scene: Scene) -> None:
    scene.exchange.connect(SALES, NoAnswer())
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    ringing = await scene.exchange.call_to(SALES, timeout=40)
    await ringing.rings()
    killed = kill_its_process(scene, call.room)
    await ringing.ended()
    assert end_of(ringing) - killed < 6
    back = "I am sorry, we were cut off for a moment. I am here again, please go on."
    await call.pulse.until(lambda: heard(call, back), 20, "another process")
    await call.hang_up()
    record = await nothing_left(scene, call)
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)


@pytest.mark.memory
async def test_the_limit_of_a_call_ends_where_two_people_talk(scene: Scene) -> None:
    scene.exchange.connect(SALES, colleague(presses_one_at_once))
    call = await scene.ring("brisk", asks_for("sales"))
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await connected.answered()
    limit = scene.settings.persona("brisk").max_duration
    assert call.since_answer() < limit
    await connected.pulse.until(lambda: call.since_answer() > limit + 5, 40, "the limit")
    assert not call.over.done()
    await connected.hang_up()
    record = await nothing_left(scene, call)
    not_heard(call, "I am sorry, our time is up. Goodbye.")
    assert record.duration > limit + 4
    assert record.ended_by == "colleague"


@pytest.mark.memory
async def test_a_colleague_may_see_the_callers_number(scene: Scene) -> None:
    scene.exchange.connect("+15550003103", Busy())
    call = await scene.ring("brisk", comes_back_from("boss", scene))
    await nothing_left(scene, call)
    assert (await scene.exchange.call_to("+15550003103")).caller == CALLER


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_callee_is_transferred_and_host_call_tells_it_at_once(scene: Scene) -> None:
    number = "+15552226001"
    scene.exchange.connect(SALES, colleague(presses_one_at_once))
    scene.exchange.connect(number, Telephone(script=asks_for("sales")))
    placed = await scene.place("brisk", number)
    callee = await scene.exchange.call_to(number)
    assert (placed.outcome, callee.over.done()) == (Outcome.TRANSFERRED, False)
    connected = await scene.exchange.call_to(SALES, nth=2)
    await connected.hang_up()
    record = await nothing_left(scene, callee)
    assert (record.outcome, record.direction) == (Outcome.TRANSFERRED, "outbound")


@pytest.mark.memory
async def test_a_browser_is_handed_over_too(scene: Scene) -> None:
    scene.exchange.connect(SALES, colleague(presses_one_at_once))
    call = await scene.exchange.browse("switchboard-from-the-web", asks_for("sales"))
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await has_talked(connected)
    await connected.hang_up()
    record = await nothing_left(scene, call)
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")


@pytest.mark.memory("only LiveKit Cloud moves participants")
@pytest.mark.parametrize("moves", [True, False])
async def test_on_livekit_cloud_a_colleague_is_called_once(
    scene: MemoryScene, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    async def takes_it(line: Line) -> None:
        await line.heard("otherwise say no")
        await line.press("1")
        await line.wait(2.0)
        await line.say(BOB)
        await line.heard("how much is the house")
        await line.hang_up()

    async def talks(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the sales please.")
        await line.heard("bob at your service", limit=60)
        await line.say(ANN)
        await line.stay()

    scene.world.agents.add(BOB)
    scene.world.agents.add(ANN)
    monkeypatch.setattr(bridge, "is_cloud", lambda url: True)
    monkeypatch.setattr(scene.server, "cloud", moves)
    scene.exchange.connect(SALES, colleague(takes_it))
    dialled = len(scene.exchange.ledger.of("INVITE", number=SALES))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, talks)
    asked = await scene.exchange.call_to(SALES, timeout=60)
    if not moves:
        connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
        await has_talked(connected)
        await connected.hang_up()
    record = await nothing_left(scene, call)
    calls = len(scene.exchange.ledger.of("INVITE", number=SALES)) - dialled
    assert calls == (1 if moves else 2)
    heard_once(call, BOB)
    if moves:
        heard_once(asked, QUESTION)
        heard_once(asked, ANN)
        not_heard(asked, ACCEPTED)
        assert asked.ended_by == "phone"
    (transfer,) = record.transfers
    assert (transfer.succeeded, transfer.answered_by) == (True, "human")
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")


@pytest.mark.whole("a realtime model speaks over a websocket")
async def test_a_model_that_speaks_itself_asks_the_colleague_itself(scene: Scene) -> None:
    async def presses_in_the_silence(line: Line) -> None:
        await line.sound()
        await line.silence_for(1.5)
        await line.press("1")
        await line.stay()

    scene.exchange.connect(SALES, colleague(presses_in_the_silence))
    before = len(scene.world.cartesia.spoken)
    call = await scene.ring("operator")
    connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
    await has_talked(connected)
    await connected.hang_up()
    record = await nothing_left(scene, call)
    assert len(heard(await scene.exchange.call_to(SALES, nth=1), QUESTION)) == 1
    assert QUESTION not in " ".join(scene.world.cartesia.spoken[before:])
    assert record.outcome is Outcome.TRANSFERRED


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_second_transfer_meanwhile_is_refused(scene: Scene) -> None:
    scene.exchange.connect(SALES, Busy(after=2.0))
    call = await scene.ring("impatient")
    record = await nothing_left(scene, call)
    heard_once(call, "One of them was refused at once.")
    assert [each.to for each in record.transfers] == ["sales"]
    heard_once(call, NOBODY.format("sales"))


@pytest.mark.whole("a host without a name is one of its own")
async def test_a_host_without_a_name_answers_nobody_in_the_consultation_room(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async with a_scene(tmp_path_factory.mktemp("nameless"), "now", agent_name="") as scene:
        scene.exchange.connect(SALES, colleague(presses_one))
        call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
        connected = await scene.exchange.call_to(SALES, timeout=60, nth=2)
        await has_talked(connected)
        await connected.hang_up()
        await nothing_left(scene, call)
        asked = await scene.exchange.call_to(SALES, nth=1)
        heard_once(asked, QUESTION)
        not_heard(asked, "This is the switchboard. Whom do you want?")
        assert len((scene.folder / "calls.jsonl").read_text().splitlines()) == 1
