"""The keypad: menus, numbers, what is typed ahead, what stays private, keys to be pressed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from enum import Enum
from typing import Any

import pytest
from sample_calls import call_of
from written import Said, a_session_that_writes

from host import HostError, Menu, NoKeys
from host import privacy as private
from host.call.keypad import MASK, Keypad, read_presses
from host.call.keypad.private import Secrets
from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner.ending import fail
from host.settings import PersonaSettings, Settings
from host.speech.apology import fail_gracefully

WRONG, NONE = "Sorry, that is not one of the choices.", "Sorry, I did not get that."
SOON = 0.2
"""Seconds that a test waits for a key that does not come."""


@pytest.fixture
async def said() -> Said:
    """What the host has said, in order."""
    return Said()


@pytest.fixture
async def call(said: Said) -> AsyncIterator[LiveCall]:
    """A call with a real session, whose words are written and not spoken."""
    call = call_of(Settings())
    async with a_session_that_writes(said) as call.session:
        yield call


@pytest.fixture
def keypad(call: LiveCall) -> Keypad:
    return call.keypad


def type_in(keypad: Keypad, keys: str) -> None:
    for key in keys:
        keypad.pressed(key)


async def answer(keypad: Keypad, said: Said, *typed: str) -> None:
    """Type a text after each prompt, once it was said."""
    for times, keys in enumerate(typed, 1):
        await said.until(times)
        type_in(keypad, keys)


def recorded(call: LiveCall) -> str:
    return "".join(key.digit for key in call.state.keys)


# Numbers


@pytest.mark.parametrize(
    ("keys", "how", "number"),
    [
        ("1234#", {}, "1234"),
        ("12*34#", {}, "34"),
        ("1234", {"length": 4}, "1234"),
        ("12345678", {"length": (2, 6)}, "123456"),
        ("12#", {"length": (2, 6)}, "12"),
        ("12", {"between_timeout": 0.01}, "12"),
        ("#", {"length": (0, 4)}, ""),
        ("1*2*", {"ends_with": "*", "clears_with": ""}, "1"),
        ("1#2*", {"length": 4, "ends_with": "", "clears_with": ""}, "1#2*"),
        ("2026#", {"valid": r"20\d\d"}, "2026"),
        ("2026#", {"valid": lambda typed: int(typed) > 2000}, "2026"),
    ],
)
async def test_a_number_is_complete(
    keypad: Keypad, keys: str, how: dict[str, Any], number: str
) -> None:
    type_in(keypad, keys)
    assert await keypad.collect(**how, tries=1) == number


@pytest.mark.parametrize(
    ("first", "how", "words"),
    [
        ("", {}, NONE),
        ("#", {}, NONE),
        ("12#", {"length": (3, 6)}, WRONG),
        ("1999#", {"valid": r"20\d\d"}, WRONG),
        ("1999#", {"valid": lambda typed: int(typed) > 2000}, WRONG),
    ],
)
async def test_what_is_wrong_or_missing_is_said_and_asked_for_again(
    keypad: Keypad, said: Said, first: str, how: dict[str, Any], words: str
) -> None:
    typing = asyncio.create_task(answer(keypad, said, first, "2026#"))
    assert await keypad.collect("Which year?", first_timeout=SOON, **how) == "2026"
    assert said == ["Which year?", f"{words} Which year?"]
    await typing


async def test_after_the_last_try_there_are_no_keys(keypad: Keypad, said: Said) -> None:
    with pytest.raises(NoKeys, match="no keys in 2 tries") as error:
        await keypad.collect("Which year?", first_timeout=0.01, tries=2)
    assert isinstance(error.value, HostError)
    assert said == ["Which year?", f"{NONE} Which year?"]


async def test_whoever_types_ahead_is_not_asked(keypad: Keypad, said: Said) -> None:
    type_in(keypad, "12#34#")
    assert await keypad.collect("The first number?") == "12"
    assert await keypad.collect("The second?") == "34"
    assert said == []


async def test_keys_from_before_the_question_may_be_left_out(keypad: Keypad, said: Said) -> None:
    type_in(keypad, "12#")
    typing = asyncio.create_task(answer(keypad, said, "34#"))
    assert await keypad.collect("Which number?", type_ahead=False) == "34"
    await typing


async def test_keys_of_long_ago_are_no_answer(
    keypad: Keypad, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    type_in(keypad, "9")
    monkeypatch.setattr("host.call.keypad.typed.TYPED_AHEAD", 0.0)
    with pytest.raises(NoKeys):
        await keypad.collect("Which number?", length=1, first_timeout=0.01, tries=1)
    assert said == ["Which number?"]


async def test_the_key_that_ends_a_number_may_come_late(keypad: Keypad) -> None:
    type_in(keypad, "1234")
    assert await keypad.collect(length=4) == "1234"
    type_in(keypad, "#")
    type_in(keypad, "5#")
    assert await keypad.collect() == "5"


async def test_what_follows_a_wrong_key_is_forgotten(keypad: Keypad, said: Said) -> None:
    type_in(keypad, "9999")
    typing = asyncio.create_task(answer(keypad, said, "1"))
    assert await keypad.choose(Menu("One or two?", {"1": "one", "2": "two"})) == "one"
    assert said == [f"{WRONG} One or two?"]
    await typing


@pytest.mark.parametrize("length", [0, (4, 2), (-1, 2)])
async def test_a_length_that_is_none_is_refused(
    keypad: Keypad, length: int | tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="not a valid length"):
        await keypad.collect(length=length)


async def test_questions_wait_for_each_other(keypad: Keypad, said: Said) -> None:
    both = asyncio.gather(
        keypad.collect("The first?", length=1), keypad.collect("The second?", length=1)
    )
    await answer(keypad, said, "1", "2")
    assert [*await both] == ["1", "2"]
    assert said == ["The first?", "The second?"]


# Menus


INNER = Menu("Red or blue?", {"1": "red", "2": "blue"}, default="grey", tries=1, timeout=0.01)
OUTER = Menu("Colours or shapes?", {"1": INNER, "2": "shapes"}, timeout=SOON)


@pytest.mark.parametrize(
    ("keys", "choice"),
    [("2", "shapes"), ("12", "blue"), ("1*2", "shapes"), ("1*11", "red"), ("1", "grey")],
)
async def test_keys_lead_through_menus(keypad: Keypad, keys: str, choice: str) -> None:
    type_in(keypad, keys)
    assert await keypad.choose(OUTER) == choice


async def test_a_choice_may_be_anything(keypad: Keypad) -> None:
    type_in(keypad, "*0")
    assert await keypad.choose(Menu("", {"*": print})) is print
    assert await keypad.choose(Menu("", {"0": None})) is None


async def test_a_menu_without_an_answer_gives_its_default(keypad: Keypad, said: Said) -> None:
    menu = Menu("One or two?", {"1": "one"}, default="nobody", tries=2, timeout=0.01)
    assert await keypad.choose(menu) == "nobody"
    assert said == ["One or two?", f"{NONE} One or two?"]


async def test_a_menu_without_a_default_raises(keypad: Keypad) -> None:
    with pytest.raises(NoKeys):
        await keypad.choose(Menu("One?", {"1": "one"}, tries=1, timeout=0.01))


async def test_star_goes_nowhere_from_the_first_menu(keypad: Keypad, said: Said) -> None:
    typing = asyncio.create_task(answer(keypad, said, "*", "2"))
    assert await keypad.choose(OUTER) == "shapes"
    assert said[1].startswith(WRONG)
    await typing


class Colour(Enum):
    RED = 7


COLOURS = Menu("Red or what?", {"1": Colour.RED, "2": print, "3": 3}, name="colours")


@pytest.mark.parametrize(
    ("menu", "keys", "noted"),
    [
        (OUTER, "2", [("Colours or shapes?", "2", "shapes")]),
        (OUTER, "12", [("Colours or shapes?", "1", "Red or blue?"), ("Red or blue?", "2", "blue")]),
        (OUTER, "1", [("Colours or shapes?", "1", "Red or blue?"), ("Red or blue?", None, "grey")]),
        (
            OUTER,
            "1*2",
            [("Colours or shapes?", "1", "Red or blue?"), ("Colours or shapes?", "2", "shapes")],
        ),
        (COLOURS, "1", [("colours", "1", "RED")]),
        (COLOURS, "2", [("colours", "2", None)]),
        (COLOURS, "3", [("colours", "3", "3")]),
        (replace(COLOURS, private=True), "3", [("colours", MASK, "••••")]),
    ],
)
async def test_choices_are_in_the_record_with_their_menus(
    call: LiveCall, menu: Menu, keys: str, noted: list[tuple[str, str | None, str | None]]
) -> None:
    type_in(call.keypad, keys)
    await call.call.choose(menu)
    record = call.state.record(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    assert [(each.menu, each.key, each.choice) for each in record.menus] == noted


async def test_a_private_menu_masks_its_keys_and_a_deployment_all(call: LiveCall) -> None:
    type_in(call.keypad, "3")
    await call.call.choose(replace(COLOURS, private=True))
    assert recorded(call) == MASK
    call.persona_settings = PersonaSettings(mask_digits=True)
    type_in(call.keypad, "3")
    await call.call.choose(COLOURS)
    assert [(each.key, each.choice) for each in call.state.menus] == 2 * [(MASK, "••••")]


async def test_a_choice_off_the_record_is_masked_with_the_prompt_that_was_spoken(
    call: LiveCall,
) -> None:
    type_in(call.keypad, "33")
    async with call.call.unrecorded():
        assert await call.call.choose(COLOURS) == 3
        assert await call.call.choose(replace(COLOURS, name="")) == 3
    choices = [(each.menu, each.key, each.choice) for each in call.state.menus]
    assert choices == [("colours", MASK, "••••"), ("••••", MASK, "••••")]
    assert [key.digit for key in call.state.keys] == 2 * [MASK]


async def test_a_menu_that_gets_no_key_is_no_choice(call: LiveCall) -> None:
    with pytest.raises(NoKeys):
        await call.call.choose(replace(COLOURS, tries=1, timeout=0.01))
    assert call.state.menus == []


@pytest.mark.parametrize("choices", [{}, {"12": "twelve"}, {"": 0}, {"x": 1}])
def test_a_menu_has_keys_of_a_telephone(choices: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="choices are keys"):
        Menu("What?", choices)


# The call meanwhile


async def test_nobody_else_has_the_word_while_something_is_asked(call: LiveCall) -> None:
    asking = asyncio.create_task(call.call.choose(Menu("One?", {"1": "one"})))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert call.replies_held
    call.keypad.pressed("1")
    await asking
    assert not call.replies_held


async def test_a_question_is_cancelled_when_the_call_is_over(call: LiveCall, said: Said) -> None:
    asking = asyncio.create_task(call.call.collect_digits("Which number?"))
    waiting = asyncio.create_task(call.call.collect_digits("Which other?"))
    await said.until(1)
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    await asyncio.wait({asking, waiting}, timeout=5)
    assert asking.cancelled()
    assert waiting.cancelled()
    assert not call.replies_held


async def test_whoever_gives_up_a_question_gets_the_keypad_back(call: LiveCall) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(call.call.collect_digits("Which number?"), SOON)
    call.keypad.pressed("5")
    assert await call.call.collect_digits(length=1) == "5"
    assert not call.replies_held


# What stays private


async def test_private_keys_are_masked_even_if_typed_ahead(call: LiveCall) -> None:
    type_in(call.keypad, "12")
    collecting = asyncio.create_task(call.call.collect_digits(length=4, private=True))
    async with asyncio.timeout(5):
        while not call.keypad.private:
            await asyncio.sleep(0)
    type_in(call.keypad, "345")
    assert await collecting == "1234"
    assert recorded(call) == MASK * 5


async def test_other_keys_are_not_masked(call: LiveCall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.call.keypad.keypad.OVERRUN", 0.0)
    type_in(call.keypad, "1234")
    await call.call.collect_digits(length=4, private=True)
    type_in(call.keypad, "5")
    assert recorded(call) == MASK * 4 + "5"


async def test_a_deployment_may_mask_every_key(call: LiveCall) -> None:
    call.persona_settings = PersonaSettings(mask_digits=True)
    type_in(call.keypad, "1234")
    assert await call.call.collect_digits(length=4) == "1234"
    assert recorded(call) == MASK * 4
    assert call.keypad.hide("It is 1234.") == f"It is {MASK * 4}."


async def test_keys_are_kept_out_of_what_the_process_of_the_call_tells(
    call: LiveCall, mask_of_a_process: None
) -> None:
    private.use(private.Mask())
    private.keep_out(tuple, call.keypad.in_a_row)
    type_in(call.keypad, "1482913#77*")
    assert await call.call.collect_digits(length=1) == "1"
    pin = await call.call.collect_digits(length=6, private=True)
    error = LookupError(f"no account {pin} in 9999")
    assert private.mask(repr(error)) == "LookupError('no account •••• in 9999')"


@pytest.mark.parametrize("provider", [False, True])
async def test_an_error_that_quotes_a_private_number_is_told_without_it(
    call: LiveCall, provider: bool
) -> None:
    type_in(call.keypad, "123")
    quoting = f"no card {await call.call.collect_digits(length=3, private=True)}"
    await (
        fail_gracefully(call, "It failed.", quoting)
        if provider
        else fail(call, LookupError(quoting))
    )
    error = call.ending.result().error
    assert error
    assert error.removeprefix("LookupError: ") == "no card •••"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("The number is 1234.", "The number is ••••."),
        ("Ring 12345.", "Ring 12345."),
        ('{"keys": "1234", "count": 2}', '{"keys": "••••", "count": 2}'),
        ('{"pin": 1234, "also": [1234, true]}', '{"pin": "••••", "also": ["••••", true]}'),
        ("1234", "••••"),
        ("1w2,,#", "••••••"),
        ('{"keys":  "5"}', '{"keys":  "5"}'),
        ("", ""),
    ],
)
def test_a_private_number_is_hidden_and_nothing_else(text: str, hidden: str) -> None:
    secrets = Secrets()
    secrets.add("1234")
    secrets.add("1w2,,#")
    secrets.add("")
    assert secrets.hide(text) == hidden
    if text.startswith("{"):
        assert json.loads(hidden)


@pytest.mark.parametrize("name", ["Smithson", "Robertson", "Williamson", "Peterson", "Johnson"])
def test_private_words_are_hidden_whole_though_others_begin_them(name: str) -> None:
    secrets = Secrets()
    said = f"It is my mother's maiden name {name}"
    secrets.add_words("It is my mother's")
    secrets.add_words(said)
    assert secrets.hide(f"{said}.") == f"{MASK * 4}."


# Keys to be pressed


def test_keys_and_pauses_are_read() -> None:
    assert read_presses("1w2,,#a") == ["1", 0.5, "2", 2.0, 2.0, "#", "A"]


@pytest.mark.parametrize(("written", "wrong"), [("12x", "'X'"), ("1 2", "' '"), ("", "no key")])
def test_what_is_no_key_is_named(written: str, wrong: str) -> None:
    with pytest.raises(HostError, match=wrong):
        read_presses(written)
