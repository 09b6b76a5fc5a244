"""The corpus of `benchmarks/voicemail.py`: everybody and everything that answers a call."""

import pytest
from callee import Callee, Caller, Result, mumbling, wrong_rules
from in_memory.sound import MUMBLED, SECONDS_A_CHARACTER
from in_memory.sound import speak as speak_in_memory
from in_memory.world import MemoryScene
from machines import GREETING, MESSAGE
from openings import CORPUS, Opening

from host.local.phone import Telephone
from host.local.sound import RATE, Samples
from host.testing import Scene

CALLER = Caller(GREETING, MESSAGE)
CHOSEN = {
    ("human", "noisy company"),
    ("human", "german question"),
    ("machine-vm", "sounds alive"),
    ("machine-vm", "carrier"),
    ("screening", "asks more"),
    ("announcement", "subscriber"),
}
"""What whole calls play, too, in `make test-all`."""


def _openings(*, chosen: bool) -> list[object]:
    return [
        pytest.param(opening, id=f"{opening.truth}, {opening.name}")
        for opening in CORPUS
        if ((opening.truth, opening.name) in CHOSEN) is chosen
        and (opening.noise is None or opening.truth == "human")  # noise deletes memory's words
    ]


@pytest.mark.sample("noisy company", "german question", "carrier", "sounds alive", "subscriber")
@pytest.mark.parametrize("opening", _openings(chosen=True))
@pytest.mark.table(quick=3)
async def test_everybody_who_picks_up_gets_what_is_theirs(scene: Scene, opening: Opening) -> None:
    await _plays(scene, opening)


@pytest.mark.corpus(one_of=6)
@pytest.mark.memory("benchmarks/voicemail.py plays all of them as whole calls")
@pytest.mark.parametrize("opening", _openings(chosen=False))
async def test_everybody_else_gets_what_is_theirs(scene: Scene, opening: Opening) -> None:
    await _plays(scene, opening)


@pytest.mark.every
@pytest.mark.memory("benchmarks/voicemail.py plays them with a wrong model as whole calls")
@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(opening, id=f"{opening.truth}, {opening.name}")
        for opening in CORPUS
        if opening.truth in ("human", "announcement", "queue")
    ],
)
async def test_a_model_that_is_wrong_about_everybody_harms_nobody(
    scene: Scene, opening: Opening
) -> None:
    scene.world.llm.rules = (*wrong_rules([opening]), *scene.world.llm.rules)
    await _plays(scene, opening)


@pytest.mark.corpus(one_of=6)
@pytest.mark.memory("the local STT can't be told to be late")
@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(opening, id=f"{opening.truth}, {opening.name}")
        for opening in CORPUS
        if opening.noise is None or opening.truth == "human"
    ],
)
async def test_an_stt_that_is_late_changes_nothing_of_it(scene: Scene, opening: Opening) -> None:
    scene.world.deepgram.delay = 0.8  # seconds, after LiveKit's AMD has judged by the pause
    await _plays(scene, opening)


BRIEF = [opening for opening in CORPUS if opening.name in ("hello", "yes", "name")]


@pytest.mark.memory("the local STT can't be told to be late")
@pytest.mark.parametrize("opening", [pytest.param(opening, id=opening.name) for opening in BRIEF])
async def test_a_brief_answer_is_greeted_though_its_words_are_late(
    scene: Scene, opening: Opening
) -> None:
    prompt = (await _plays(scene, opening)).first_word
    scene.world.deepgram.delay = 1.8
    late = (await _plays(scene, opening)).first_word
    assert prompt is not None
    assert late is not None
    assert late <= prompt


async def _mumbling_in_memory(seconds: float) -> Samples:
    return speak_in_memory(MUMBLED * round(seconds / SECONDS_A_CHARACTER), RATE)


async def _plays(scene: Scene, opening: Opening) -> Result:
    in_memory = isinstance(scene, MemoryScene)
    callee = Callee(opening, CALLER, _mumbling_in_memory if in_memory else mumbling)
    _, call, record = await scene.place_to(Telephone(script=callee), "leaves", name="Ann")
    result = callee.judge(call, record)
    assert result.right, f"{result.fault} ({result.verdict}: {result.reason})"
    if opening.truth == "queue":  # of a person, or of a machine
        assert result.verdict in ("human", "machine-ivr")
    elif opening.truth not in ("human", "machine-unavailable"):  # a mailbox may turn out to be full
        assert result.verdict == opening.truth
    return result


def test_the_corpus_has_openings_of_all_kinds() -> None:
    truths = [opening.truth for opening in CORPUS]
    assert len(CORPUS) >= 150
    assert len({(opening.truth, opening.name) for opening in CORPUS}) == len(CORPUS)
    assert {truth: truths.count(truth) >= 4 for truth in set(truths)} == dict.fromkeys(
        ("human", "machine-vm", "machine-unavailable", "screening", "announcement", "queue"), True
    )
    played = {(opening.truth, opening.name) for opening in CORPUS}
    assert played >= CHOSEN
