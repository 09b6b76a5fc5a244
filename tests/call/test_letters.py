"""Names that are typed by the letters on the keys."""

from __future__ import annotations

import asyncio

import pytest
from sample_calls import call_of
from written import Said, a_session_that_writes

from host import NoKeys
from host.call.keypad.letters import keys_of, matching
from host.settings import Settings

NAMES = ["Ann Smith", "Ben Smith", "Zoë Groß", "Carla Jones-Lopez"]
WRONG = "Sorry, that is not one of the choices."


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("Ann Smith", "26676484"),
        ("pqrs wxyz", "77779999"),
        ("Zoë Groß", "96347677"),
        ("O'Neill", "663455"),
        ("Søren 7", "767367"),
        ("李", ""),
    ],
)
def test_each_letter_has_its_key(name: str, keys: str) -> None:
    assert keys_of(name) == keys


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("266", ["Ann Smith"]),
        ("764", ["Ann Smith", "Ben Smith"]),
        ("47677", ["Zoë Groß"]),
        ("56", ["Carla Jones-Lopez"]),
        ("2667648", ["Ann Smith"]),
        ("999", []),
    ],
)
def test_a_name_is_found_by_the_beginning_of_any_of_its_words(typed: str, found: list[str]) -> None:
    assert matching(typed, NAMES) == found


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ("266", ["Ann Smith"]),
        ("764#", ["Ann Smith", "Ben Smith"]),
        ("5*266", ["Ann Smith"]),
    ],
)
async def test_a_caller_types_a_name(keys: str, found: list[str]) -> None:
    call = call_of(Settings())
    for key in keys:
        call.keypad.pressed(key)
    assert await call.call.collect_letters(None, NAMES) == found


async def test_a_name_that_nobody_has_is_asked_for_again() -> None:
    call, said = call_of(Settings()), Said()
    async with a_session_that_writes(said) as call.session:
        asking = asyncio.create_task(call.call.collect_letters("Whom?", NAMES, first_timeout=5))
        for times, keys in enumerate(("999", "2*9634"), 1):
            await said.until(times)
            for key in keys:
                call.keypad.pressed(key)
        assert await asking == ["Zoë Groß"]
    assert said == ["Whom?", f"{WRONG} Whom?"]


async def test_after_the_last_try_there_is_no_name() -> None:
    call, said = call_of(Settings()), Said()
    async with a_session_that_writes(said) as call.session:
        with pytest.raises(NoKeys):
            await call.call.collect_letters("Whom?", NAMES, first_timeout=0.01, tries=2)
    assert said == ["Whom?", "Sorry, I did not get that. Whom?"]


@pytest.mark.parametrize("names", [[], ["Ann", "!"]])
async def test_names_that_can_not_be_typed_are_told(names: list[str]) -> None:
    with pytest.raises(ValueError, match="name"):
        await call_of(Settings()).call.collect_letters(None, names)
