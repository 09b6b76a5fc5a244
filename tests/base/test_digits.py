"""Digits that people say, in figures and in words."""

from __future__ import annotations

import pytest

from host.base.digits import digits_in


@pytest.mark.parametrize(
    ("text", "language", "runs"),
    [
        ("It is 47, one one.", "en", ["4711"]),
        ("Forty-two fifteen", "en-GB", ["4215"]),
        ("double four, triple five, oh one", "en", ["4455501"]),
        ("My card is 4929 1186 0375 4429, I think.", "en", ["4929118603754429"]),
        ("I have two questions: what is 4-7-1-1?", "en", ["2", "4711"]),
        ("double trouble", "en", []),
        ("vierundzwanzig fünf zwo null dreißig einundzwanzig", "de", ["245203021"]),
        ("fuenf zwölf doppel sieben", "de-DE", ["51277"]),
        ("cuarenta y dos, veintiún, tres, uno", "es", ["422131"]),
        ("quatre-vingt-douze soixante-dix quatre-vingts", "fr", ["927080"]),
        ("vingt et un, soixante et onze, dix-sept, deux", "fr", ["2171172"]),
        ("soixante-dix-sept quatre-vingt-dix-neuf", "fr", ["7799"]),
        ("quatre vingt deux zéro", "fr", ["820"]),
        ("four fünf", "de", ["5"]),
        ("four fünf seis huit", None, ["4568"]),
        ("two 2", "tr", ["2"]),
        ("١٢٣", "ar", ["123"]),
        ("", "en", []),
    ],
)
def test_the_digits_of_an_utterance(text: str, language: str | None, runs: list[str]) -> None:
    assert digits_in(text, language) == runs


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "seventy {}|zero one two three four five six seven eight nine"),
        ("es", "setenta y {}|- uno dos tres cuatro cinco seis siete ocho nueve"),
        ("de", "{}undsiebzig|- ein zwei drei vier fünf sechs sieben acht neun"),
    ],
)
def test_each_number_of_a_ten_is_one(language: str, words: str) -> None:
    form, _, units = words.partition("|")
    for digit, unit in enumerate(units.split()):
        if digit:
            assert digits_in(form.format(unit), language) == [f"7{digit}"]


def test_french_counts_on_from_sixty_and_from_eighty() -> None:
    teens = (
        *("dix", "onze", "douze", "treize", "quatorze", "quinze", "seize"),
        *("dix-sept", "dix-huit", "dix-neuf"),
    )
    for digit, teen in enumerate(teens):
        and_ = "et " if teen == "onze" else ""
        assert digits_in(f"soixante {and_}{teen}", "fr") == [f"7{digit}"]
        assert digits_in(f"quatre-vingt-{teen}", "fr") == [f"9{digit}"]
