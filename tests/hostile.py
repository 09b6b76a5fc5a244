"""Metadata that somebody hostile sends: always the same for a seed, and none of it a call.

Its tests hold that it is refused and told of; `benchmarks/figures.py` measures what that costs.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from deployment import HERE, Deployment

from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.call.metadata import MAX_METADATA
from host.dispatch.details import parse_details
from host.registry import Registry

PERSONAS = ("reminder", "reminder-eu", "desk")
"""The personas that they try to reach."""
VICTIM = "+15552229999"
"""The number that each of them would have dialled."""
SECRET = "hunter2"
"""What is in each of them, and may be in no log."""

_GOOD = {
    "persona": "reminder",
    "phone_number": VICTIM,
    "patient": SECRET,
    "time": "3pm",
    "more": {"of": ["it", 1, 2.5, None, True]},
}
_ROOM = "x-1"


@dataclass(frozen=True)
class Attack:
    """One piece of metadata, and the room that it is sent to."""

    kind: str
    metadata: str
    room: str = _ROOM

    @property
    def can_be_sent(self) -> bool:
        """Whether LiveKit's API takes it: text of Unicode, and not megabytes."""
        try:
            return len(self.metadata.encode()) < 60_000
        except UnicodeEncodeError:
            return False


def attacks(count: int, seed: int = 1) -> Iterator[Attack]:
    """Make so many attacks, of each kind in turn."""
    dice = random.Random(seed)
    for at in range(count):
        make = KINDS[at % len(KINDS)]
        made = make(dice)
        yield made if isinstance(made, Attack) else Attack(make.__name__, made)


def malformed(count: int) -> list[Attack]:
    """Metadata that LiveKit takes, and that is no call: of each kind in turn, so many."""
    no_calls = {"other_persona", "other_number", "details_that_do_not_fit", "room_that_resembles"}
    every = (each for each in attacks(3 * count) if each.can_be_sent)
    return list(islice((each for each in every if each.kind not in no_calls), count))


LONGEST = (
    "[" * MAX_METADATA,
    '{"a":' * 3000,
    '"\\"' * 5000,
    '"' * 16_000,
    '{"a":"' + '\\"' * 8000,
    "[{" * 8000,
    "]" * MAX_METADATA,
    '{"a":"' + "\\u0041" * 2000,
    "[" + "1," * 8000,
    "\\" * 16_000,
)
"""As long as metadata may be, and made to be slow to read."""


def with_personas(deployment: Deployment) -> Registry:
    """Have the personas that they try to reach; the bundled reminder stands for each."""
    for name in PERSONAS:
        source = HERE.parent / "personas" / "reminder.py"
        deployment.write(f"personas/{name}.py", source.read_text())
    return deployment.load()


def refusal(loaded: Registry, attack: Attack) -> str | None:
    """Read, choose and parse as a call does; return why it was refused, None where it was not."""
    try:
        dispatch = read_dispatch(attack.metadata, attack.room)
        choice = loaded.choose(dispatch)
        if choice.persona is None:
            return choice.reason
        parse_details(loaded.view(choice.persona), dispatch.metadata)
    except MetadataError as error:
        return str(error)
    return None


def _with(**changed: object) -> str:
    return json.dumps({**_GOOD, **changed})


def _raw(key: str, value: str) -> str:
    """Good metadata with one more key, whose value is written as it is."""
    return f'{json.dumps(_GOOD)[:-1]}, "{key}": {value}}}'


def truncated(dice: random.Random) -> str:
    text = json.dumps(_GOOD)
    return text[: dice.randrange(1, len(text))]


def without_a_mark(dice: random.Random) -> str:
    text = json.dumps(_GOOD)
    at = dice.choice([at for at, letter in enumerate(text) if letter in "{}[]:"])
    return text[:at] + text[at + 1 :]


def depth_bomb(dice: random.Random) -> str:
    opens, closes = dice.choice([("[", "]"), ('{"a":', "}"), ('[{"a":', "}]"), ('"x",[', "]")])
    depth = dice.choice([9, 20, 1000, 2000, 16 * 1024 // len(opens)])
    bomb = opens * depth + (f'"{SECRET}"' + closes * depth if dice.random() < 0.5 else "")
    return bomb if dice.random() < 0.5 else _raw("bomb", bomb)


def many_of_it(dice: random.Random) -> str:
    """As much for a parser to do as 16 KiB may hold, before it meets what is wrong."""
    of = dice.choice(["{}", '{"a":{}}', '{"a":1}', "[]", '""', "0"])
    room = 16 * 1024 - len(_raw("many", "[]")) - 1
    many = f"[{','.join([of] * (room // (len(of) + 1)))}]"
    return many if dice.random() < 0.5 else _raw("many", many)[:-1]


def same_key_twice(dice: random.Random) -> str:
    key = dice.choice(["persona", "phone_number", "patient"])
    twice = f'"{key}": "{SECRET}", "{key}": "desk"'
    nested = dice.choice(["{%s}", '{"a": {%s}}', '[{"a": [{%s}]}]']) % twice
    return dice.choice([_raw("persona", '"desk"'), _raw("nested", nested), f"{{{twice}}}"])


def number_bomb(dice: random.Random) -> str:
    digits = str(dice.randrange(1, 9)) * dice.choice([41, 400, 4000, 16_000])
    return _raw("n", dice.choice([digits, f"-{digits}", f"0.{digits}", f"{digits}e1", "1e999"]))


def no_number(dice: random.Random) -> str:
    return _raw(
        "n", dice.choice(["NaN", "Infinity", "-Infinity", "nan", "0x10", "01", "1_0", "+1"])
    )


def half_a_character(dice: random.Random) -> str:
    half = dice.choice(["\\ud800", "\\udfff", "\\udc00\\ud800", "\\uD83D"])
    if dice.random() < 0.3:
        return _raw("patient2", f'"{SECRET}\ud800"')
    return _raw(*dice.choice([("t", f'"{half}"'), (half, "1"), ("l", f'[["{half}"]]')]))


def control_character(dice: random.Random) -> str:
    control = chr(dice.choice([*range(32), 0x7F, 0x85, 0x202E, 0x200B, 0x2028, 0xFEFF]))
    escaped = f"\\u{ord(control):04x}"
    raw = chr(dice.randrange(32))
    return dice.choice([_raw(f"a{escaped}b", "1"), _raw("t", f'"{raw}"'), "\ufeff" + _with()])


def too_long(dice: random.Random) -> str:
    letter = dice.choice(["x", "é", "😀", " ", "\\u0041"])
    return _with(patient=SECRET) + letter * dice.choice([16_384, 100_000, 2_000_000])


def no_object(dice: random.Random) -> str:
    forms = ["[{}]", "[[{}, {}]]", "null", "true", "7", '"{}"', "{} {}", "{},", "({})", "{}\\x00"]
    return dice.choice(forms).replace("{}", dice.choice([_with(), "{}"]))


def of_other_languages(dice: random.Random) -> str:
    return dice.choice(
        [
            f"persona: reminder\nphone_number: {VICTIM}\npatient: {SECRET}\n",
            "!!python/object/apply:os.system ['id']",
            "{!!python/name:os.system : 1}",
            f"persona=reminder&phone_number={VICTIM}&patient={SECRET}",
            f"<persona>{SECRET}</persona>",
            "{'persona': 'reminder'}",
            "{persona: 'reminder'}",
            '{"persona": "reminder",}',
            '{"persona": "reminder"} // ok',
            '\x80\x04\x95\x10cposix\nsystem\n(S"id"\ntR.',
            "%00",
            "${jndi:ldap://x/a}",
            "{{7*7}}",
            "__import__('os').system('id')",
        ]
    )


def other_persona(dice: random.Random) -> str:
    names: list[object] = [
        "__class__", "__init__", "../desk", "personas/desk.py", "desk.py", "/etc/passwd", "desk\0",
        "desk/", "desk ", " desk", "desk\n", "DESK", "Desk", "d\u0435sk", "d\u200besk", "ｄｅｓｋ",
        "desk-1", "reminder-", "reminder_eu", "remind", "", ".", "..", "host.base.errors", "nobody",
        "x\r\nlevel=info", "\x1b[2J", "\u202edesk", "+15550001111", 0, 1, True, False, 1e9,
        [], ["desk"], {}, {"desk": 1}, {"__class__": "desk"}, [[["desk"]]], "x" * 9000,
    ]  # fmt: skip
    return _with(persona=dice.choice(names))


def other_number(dice: random.Random) -> str:
    numbers: list[object] = [
        "911", "+0155500011", f"*67{VICTIM}", "+1 555 222 9999", "+1555222999\u0669", "tel:+1555",
        "sip:x@evil.example", f"{VICTIM};ext=1", f"{VICTIM}w1", "00155522299", f"{VICTIM}\n",
        "\uff0b15552229999", "", " ", 15552229999, True, False, [VICTIM], {"a": VICTIM},
        "+" + "1" * 99,
    ]  # fmt: skip
    return _with(phone_number=dice.choice(numbers))


def details_that_do_not_fit(dice: random.Random) -> str:
    values: list[object] = [7, None, ["x"], {"__class__": "str"}, True, [[1] * 500]]
    return _with(patient=dice.choice(values))


def room_that_resembles(dice: random.Random) -> Attack:
    rooms = [
        "", "desk", "Desk-1", "DESK_1", " desk-1", "-desk-1", "_desk_1", "d\u0435sk-1", "reminder",
        "desk\u20101", "desk\u200b-1", "xdesk-1", "desks-1", "reminder.eu", "../desk-1", "x-desk-1",
        "call-desk-1", "desk\0-1", "ｄｅｓｋ-1", "room-" + "-" * 250,
    ]  # fmt: skip
    more = {name: value for name, value in _GOOD.items() if name != "persona"}
    return Attack("room_that_resembles", json.dumps(more), dice.choice(rooms))


KINDS: tuple[Callable[[random.Random], str | Attack], ...] = (
    truncated,
    without_a_mark,
    depth_bomb,
    many_of_it,
    same_key_twice,
    number_bomb,
    no_number,
    half_a_character,
    control_character,
    too_long,
    no_object,
    of_other_languages,
    other_persona,
    other_number,
    details_that_do_not_fit,
    room_that_resembles,
)
