"""A part of the corpus of `benchmarks/voicemail.py`, in whole calls."""

import pytest
from callee import Caller, callee, judge
from machines import GREETING, MESSAGE
from openings import CORPUS, Opening

from host.local.phone import Telephone
from host.testing import Scene

CALLER = Caller(GREETING, MESSAGE)
CHOSEN = {
    ("human", "reached the family"),
    ("human", "out of the office"),
    ("human", "noisy company"),
    ("human", "german question"),
    ("machine-vm", "sounds alive"),
    ("machine-vm", "carrier"),
    ("machine-vm", "not in"),
    ("machine-unavailable", "not in service"),
    ("screening", "with a tone"),
    ("screening", "german"),
}


@pytest.mark.parametrize(
    "opening",
    [
        pytest.param(opening, id=f"{opening.truth}, {opening.name}")
        for opening in CORPUS
        if (opening.truth, opening.name) in CHOSEN
    ],
)
async def test_everybody_who_picks_up_gets_what_is_theirs(scene: Scene, opening: Opening) -> None:
    telephone = Telephone(script=callee(opening, CALLER))
    _, call, record = await scene.place_to(telephone, "leaves", name="Ann")
    result = judge(opening, CALLER, call, record)
    assert result.right, f"{result.fault} ({result.verdict}: {result.reason})"
    assert (result.verdict == opening.truth) or opening.truth == "human"


def test_the_corpus_has_openings_of_all_kinds() -> None:
    truths = [opening.truth for opening in CORPUS]
    assert len(CORPUS) >= 40
    assert len({(opening.truth, opening.name) for opening in CORPUS}) == len(CORPUS)
    assert {truth: truths.count(truth) >= 4 for truth in set(truths)} == dict.fromkeys(
        ("human", "machine-vm", "machine-unavailable", "screening"), True
    )
