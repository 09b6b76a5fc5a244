"""Backchannels by their words: which utterances leave the floor to the persona."""

from __future__ import annotations

import pytest

from host.speech.backchannel import Backchannels

SAID = {
    "en": (
        "Okay.",
        "I see.",
        "Yeah.",
        "Mm-hmm.",
        "Uh-huh.",
        "Right.",
        "Got it.",
        "Oh, okay.",
        "Yeah, sure.",
        "All right, I see.",
        "Of course.",
        "Yes, yes.",
        "That makes sense.",
        "I understand.",
    ),
    "de": (
        "Okay.",
        "Ja.",
        "Ja, ja.",
        "Genau.",
        "Alles klar.",
        "Mhm.",
        "Verstehe.",
        "Ich verstehe.",
        "Ach so.",
        "In Ordnung.",
        "Ja, natürlich.",
        "Aha, okay.",
        "Sehr gut.",
    ),
    "es": (
        "Sí.",
        "Vale.",
        "Claro.",
        "De acuerdo.",
        "Entiendo.",
        "Ya veo.",
        "Ajá.",
        "Muy bien.",
        "Sí, sí.",
        "Por supuesto.",
        "Vale, perfecto.",
        "Okay.",
    ),
    "fr": (
        "Oui.",
        "D'accord.",
        "D\u2019accord.",
        "Je vois.",
        "Très bien.",
        "Ah oui.",
        "Ah bon.",
        "Bien sûr.",
        "Mm-hmm.",
        "Oui, oui.",
        "Ok, parfait.",
        "C'est ça.",
        "Je comprends.",
    ),
}
"""Said by people who listen, as an STT writes it."""
INTERRUPTS = {
    "en": (
        "No.",
        "No, wait.",
        "Stop.",
        "Wait.",
        "Okay, but",
        "Okay, stop.",
        "Yes, I know, stop.",
        "Right, but how much is it?",
        "Hold on.",
        "What?",
        "Hello?",
        "I see a problem.",
        "Yes, yes, yes, yes, yes, yes.",
    ),
    "de": (
        "Nein.",
        "Stopp.",
        "Moment.",
        "Warten Sie.",
        "Ja, aber",
        "Okay, und was kostet das?",
        "Ja, ich weiß, hören Sie auf.",
        "Wie bitte?",
        "Gut, dann Dienstag.",
        "Halt.",
        "Ich verstehe nicht.",
        "Alles klar, tschüss.",
    ),
    "es": (
        "No.",
        "Espere.",
        "Un momento.",
        "Pare.",
        "Sí, pero",
        "Vale, pero no.",
        "¿Cómo?",
        "¿Qué?",
        "Ya lo sé, pare.",
        "No entiendo.",
        "Bueno, ¿cuánto cuesta?",
        "Basta.",
    ),
    "fr": (
        "Non.",
        "Attendez.",
        "Stop.",
        "Un instant.",
        "Oui, mais",
        "D'accord, mais combien ?",
        "Oui, je sais, arrêtez.",
        "Pardon ?",
        "Quoi ?",
        "Je ne comprends pas.",
        "Ça suffit.",
        "Bien, alors mardi.",
    ),
}
"""Said by people who want the floor."""


def each(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(language, text) for language, texts in table.items() for text in texts]


@pytest.mark.parametrize(("language", "text"), each(SAID))
def test_who_only_listens_is_no_interruption(language: str, text: str) -> None:
    assert Backchannels(language).match(text)


@pytest.mark.parametrize(("language", "text"), each(SAID))
def test_nor_is_the_beginning_of_it(language: str, text: str) -> None:
    words = text.split()
    for end in range(len(words) + 1):
        assert Backchannels(language).may_become(" ".join(words[:end]))


@pytest.mark.parametrize(("language", "text"), each(INTERRUPTS))
def test_who_wants_the_floor_gets_it(language: str, text: str) -> None:
    assert not Backchannels(language).match(text)


@pytest.mark.parametrize(("language", "text"), each(INTERRUPTS))
def test_and_gets_it_at_the_word_that_says_so(language: str, text: str) -> None:
    assert not Backchannels(language).may_become(text)


@pytest.mark.parametrize("language", ["en-GB", "EN", "en"])
def test_a_region_has_the_phrases_of_its_language(language: str) -> None:
    assert Backchannels(language).match("I see.")


def test_a_language_without_a_list_has_the_sounds() -> None:
    phrases = Backchannels("fi")
    assert phrases.match("Mm-hmm, okay.")
    assert not phrases.match("I see.")


def test_a_deployment_adds_phrases() -> None:
    phrases = Backchannels("fi", ["joo", "ihan totta"])
    assert phrases.match("Joo, joo.")
    assert phrases.match("Ihan totta!")
    assert phrases.may_become("ihan")


def test_nothing_is_no_backchannel_and_may_become_one() -> None:
    assert not Backchannels("en").match("...")
    assert Backchannels("en").may_become("")
