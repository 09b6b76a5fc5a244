"""From metadata, room and number to a persona: the four rules."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from deployment import Deployment

from host.base.errors import MetadataError, SettingsError
from host.call.dispatch import Dispatch, read_dispatch
from host.registry.routes import Choice, Routes, make_routes

NUMBER = "+15550001111"


@pytest.fixture
def routes() -> Routes:
    """Four personas and one that was set aside; host.toml has prefixes and numbers."""
    return make_routes(
        ["sales", "sales-eu", "sales_night", "support"],
        absent=["ghost"],
        prefixes={"support": ["call-", "c"], "ghost": ["boo"]},
        numbers={"sales": [NUMBER], "ghost": ["+15550002222"]},
    )


def choose(routes: Routes, metadata: object = None, room: str = "", number: str = "") -> Choice:
    """Choose from metadata that is any object."""
    text = "" if metadata is None else json.dumps(metadata)
    return routes.choose(read_dispatch(text, room, number or None))


# Reading


@pytest.mark.parametrize("metadata", ["", "  \n", "{}"])
def test_no_metadata_asks_for_nothing(metadata: str) -> None:
    dispatch = read_dispatch(metadata, "room-1", NUMBER)
    assert dispatch == Dispatch("room-1", {}, NUMBER)
    assert dispatch.persona is None
    assert not dispatch.outbound


def test_metadata_is_kept_as_it_arrived() -> None:
    dispatch = read_dispatch('{"persona": "sales", "phone_number": "+15550001111", "time": "3pm"}')
    assert dispatch.persona == "sales"
    assert dispatch.phone_number == NUMBER
    assert dispatch.outbound
    assert dispatch.metadata["time"] == "3pm"


def test_a_null_number_is_no_number() -> None:
    assert not read_dispatch('{"phone_number": null}').outbound


@pytest.mark.parametrize("id", ["a", "order 7/2026-11-23", "Bestellung für Ann", "x" * 200])
def test_a_request_has_a_key_and_a_reference(id: str) -> None:
    assert read_dispatch(json.dumps({"idempotency_key": id})).idempotency_key == id
    assert read_dispatch(json.dumps({"reference": id})).reference == id


@pytest.mark.parametrize("metadata", ["", "{}", '{"idempotency_key": null, "reference": null}'])
def test_a_request_need_not_be_named(metadata: str) -> None:
    dispatch = read_dispatch(metadata)
    assert (dispatch.idempotency_key, dispatch.reference) == (None, None)


@pytest.mark.parametrize("field", ["idempotency_key", "reference"])
@pytest.mark.parametrize(
    "id", ["", "x" * 201, "two\nlines", "tab\t", "\0", 7, True, ["a"], {"a": 1}]
)
def test_an_id_that_is_no_short_printable_text_refuses_the_call(id: object, field: str) -> None:
    with pytest.raises(MetadataError, match=f"{field} .* must be 1 to 200 printable characters"):
        read_dispatch(json.dumps({field: id}))


@pytest.mark.parametrize(
    "number",
    [
        "",
        "15550001111",
        "+0155500011",
        "+1555000111122223",
        "+1555",
        "+1 555 000 1111",
        "+15550001111\n",
        "+1555000111١",
        "tel:+15550001111",
        "sip:eve@example.com",
        "*67+15550001111",
        15550001111,
        True,
        ["+15550001111"],
        {},
    ],
)
def test_a_number_that_is_not_e164_refuses_the_call(number: object) -> None:
    with pytest.raises(
        MetadataError, match=r"phone_number in the metadata is not an E\.164 number"
    ):
        read_dispatch(json.dumps({"phone_number": number}))


# Rule 1: metadata


def test_the_metadata_decides_before_the_room_and_the_number(routes: Routes) -> None:
    assert choose(routes, {"persona": "support"}, "sales-1", NUMBER) == Choice(
        "support", "metadata", "the metadata asks for support"
    )


def test_a_null_persona_counts_as_absent(routes: Routes) -> None:
    assert choose(routes, {"persona": None}, "sales-1").by == "room"


@pytest.mark.parametrize(
    "name", ["nobody", "ghost", "Sales", " sales", "ѕales", "", 0, False, [], {"a": 1}, "x" * 9000]
)
def test_nobody_answers_for_a_persona_that_is_not_loaded(routes: Routes, name: object) -> None:
    choice = choose(routes, {"persona": name}, "sales-1", NUMBER)
    assert (choice.persona, choice.by) == (None, None)
    assert choice.reason.endswith("which is not loaded")
    assert len(choice.reason) < 200
    assert choice.reason.isascii(), "a name that only looks like another is told from it"


# Rule 2: the room


@pytest.mark.parametrize(
    ("room", "persona"),
    [
        ("sales-1", "sales"),
        ("sales_+15551112222_abc", "sales"),
        ("sales-eu-1", "sales-eu"),
        ("sales-eu_1", "sales-eu"),
        ("sales_eu_1", "sales"),
        ("sales_night-1", "sales_night"),
        ("sales-", "sales"),
        ("call-1", "support"),
        ("cx", "support"),
        ("support_1", "support"),
    ],
)
def test_the_longest_match_of_the_rooms_name_decides(
    routes: Routes, room: str, persona: str
) -> None:
    choice = choose(routes, room=room, number=NUMBER)
    assert (choice.persona, choice.by) == (persona, "room")


@pytest.mark.parametrize("room", ["", "sales", "salesman-1", "Sales-1", "x-sales-1", "-sales-1"])
def test_a_room_that_only_resembles_a_name_decides_nothing(routes: Routes, room: str) -> None:
    assert choose(routes, room=room).persona is None
    assert choose(routes, room=room, number=NUMBER).by == "number"


@pytest.mark.parametrize("room", ["ghost-1", "ghost_1", "boo"])
def test_a_room_of_a_persona_that_was_set_aside_is_refused(routes: Routes, room: str) -> None:
    choice = choose(routes, room=room, number=NUMBER)
    assert choice.persona is None
    assert choice.reason.endswith("and ghost is not loaded")


def test_a_prefix_of_host_toml_may_be_longer_than_a_name() -> None:
    routes = make_routes(["sales", "vip"], prefixes={"vip": ["sales-vip-"]})
    assert choose(routes, room="sales-vip-1").persona == "vip"
    assert choose(routes, room="sales-1").persona == "sales"


def test_the_reason_names_what_matched(routes: Routes) -> None:
    assert choose(routes, room="call-1").reason == "room 'call-1' begins with 'call-'"


# Rule 3: the number


def test_the_dialled_number_decides_where_metadata_and_room_do_not(routes: Routes) -> None:
    assert choose(routes, {"time": "3pm"}, "x", NUMBER) == Choice(
        "sales", "number", "+15550001111 is a number of sales"
    )


def test_a_number_of_a_persona_that_was_set_aside_is_refused(routes: Routes) -> None:
    choice = choose(routes, number="+15550002222")
    assert choice.persona is None
    assert choice.reason == "+15550002222 is a number of ghost, and ghost is not loaded"


# Rule 4: the default


def test_the_default_takes_what_nothing_else_decides() -> None:
    routes = make_routes(["sales", "support"], default="support")
    assert choose(routes, room="x", number=NUMBER) == Choice(
        "support", "default", "support is the default persona"
    )


def test_a_default_that_is_not_loaded_refuses_the_call() -> None:
    assert choose(make_routes(["sales"], default="support")).persona is None


def test_the_only_persona_takes_every_call() -> None:
    assert choose(make_routes(["sales"]), room="x") == Choice(
        "sales", "default", "sales is the only persona"
    )


def test_a_persona_that_is_alone_because_another_broke_stands_in_for_nobody() -> None:
    assert choose(make_routes(["sales"], absent=["support"]), room="x").persona is None


def test_otherwise_the_call_is_refused(routes: Routes) -> None:
    choice = choose(routes, room="x")
    assert (choice.persona, choice.by) == (None, None)
    assert choice.reason == (
        "nothing names a persona: no `persona` in the metadata, no prefix of room 'x', no dialled "
        "number, and no default persona is set"
    )


def test_a_refused_number_is_named_with_those_that_are_configured(routes: Routes) -> None:
    assert (
        "the dialled number +15550009999 is not among the `numbers` in host.toml: "
        "+15550001111 (sales), +15550002222 (ghost), and no default persona"
    ) in choose(routes, room="x", number="+15550009999").reason


def test_a_refusal_names_a_few_of_many_numbers() -> None:
    many = {"sales": [f"+1555000{at:04}" for at in range(30)], "support": []}
    reason = choose(make_routes([*many], numbers=many), number="+15559990000").reason
    assert "+15550000004 (sales) and 25 more, and no default" in reason


def test_without_configured_numbers_the_refusal_says_so() -> None:
    reason = choose(make_routes(["sales", "support"]), number="+15550009999").reason
    assert "no `numbers` in host.toml to compare the dialled number +15550009999 with" in reason


def test_without_personas_every_call_is_refused() -> None:
    assert choose(make_routes([]), {"persona": "sales"}).persona is None
    assert choose(make_routes([])).persona is None


# Making


def test_a_persona_that_only_host_toml_knows_counts_as_set_aside() -> None:
    routes = make_routes(["sales"], prefixes={"bob": []})
    assert choose(routes, room="bob-1").persona is None
    assert choose(routes, room="x").persona == "sales"


@pytest.mark.parametrize(("what", "word"), [("prefixes", "prefix"), ("numbers", "number")])
def test_two_personas_cannot_claim_one_number_or_prefix(what: str, word: str) -> None:
    claims: dict[str, Any] = {what: {"sales": ["a"], "support": ["a"]}}
    with pytest.raises(SettingsError, match=f"{word} a is given to both sales and support"):
        make_routes(["sales", "support"], **claims)


def test_a_prefix_cannot_take_another_personas_rooms() -> None:
    with pytest.raises(SettingsError, match="'sales-' of support is what persona sales has"):
        make_routes(["sales", "support"], prefixes={"support": ["sales-"]})
    make_routes(["sales", "support"], prefixes={"sales": ["sales-"]})


@pytest.mark.parametrize("what", ["prefixes", "numbers"])
def test_an_empty_prefix_or_number_is_a_mistake(what: str) -> None:
    claims: dict[str, Any] = {what: {"sales": [""]}}
    with pytest.raises(SettingsError, match="an empty .* is given to sales"):
        make_routes(["sales"], **claims)


# Hostile input


def test_no_input_raises_anything_but_a_metadata_error(routes: Routes) -> None:
    dice = random.Random(1)
    pieces = ["{", "}", '"persona"', ":", '"sales"', "null", "[", "]", ",", "1e999", "\x00", "é"]
    for _ in range(5000):
        metadata = "".join(dice.choices(pieces, k=dice.randrange(8)))
        room = "".join(dice.choices("sale-_u\x00é", k=dice.randrange(12)))
        try:
            choice = routes.choose(read_dispatch(metadata, room, dice.choice([None, NUMBER, ""])))
        except MetadataError:
            continue
        assert (choice.persona is None) == (choice.by is None)
        assert choice.persona is None or choice.persona in routes.personas
        assert choice.reason


# Numbers as people and trunks write them


@pytest.mark.parametrize(
    "dialled",
    ["+15550001101", "15550001101", "0015550001101", "+1 (555) 000-1101", "+1.555.000.1101"],
)
@pytest.mark.parametrize("written", ["+15550001101", "15550001101", "+1 (555) 000-1101"])
def test_a_number_is_found_however_both_sides_write_it(
    deployment: Deployment, written: str, dialled: str
) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", f'[personas.ann]\nnumbers = ["{written}"]\n')
    choice = deployment.load().choose(read_dispatch("", "call-1", dialled))
    assert choice.persona == "ann"


@pytest.mark.parametrize(
    ("settings", "written", "dialled"),
    [
        ('countries = ["DE"]', "030 1234567", "+49301234567"),
        ('countries = ["DE"]', "+49301234567", "0301234567"),
        ('countries = ["DE"]', "+49301234567", "49301234567"),
        ('countries = ["GB"]', "020 7946 0000", "442079460000"),
        ('countries = ["GB"]', "+44 (0)20 7946 0000", "+442079460000"),
        ('countries = ["US"]', "(212) 555-0123", "12125550123"),
        ('caller_id = "+4930123456"', "030 1234567", "+49301234567"),
        ("", "1001", "1001"),
    ],
)
def test_a_number_may_be_written_as_in_the_countries_of_our_own(
    deployment: Deployment, settings: str, written: str, dialled: str
) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", f'{settings}\n[personas.ann]\nnumbers = ["{written}"]\n')
    assert deployment.load().choose(read_dispatch("", "call-1", dialled)).persona == "ann"


def test_an_extension_is_no_part_of_a_number(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", '[personas.ann]\nnumbers = ["1101"]\n')
    registry = deployment.load()
    assert registry.choose(read_dispatch("", "call-1", "+15550001101")).persona is None
    assert registry.choose(read_dispatch("", "call-1", "1101")).persona == "ann"


def test_two_spellings_of_one_number_are_given_to_one_persona_alone(
    deployment: Deployment,
) -> None:
    deployment.write(
        "host.toml",
        """\
        [personas.ann]
        numbers = ["+15550001101"]
        [personas.bob]
        numbers = ["1 555 000 1101"]
        """,
    )
    with pytest.raises(SettingsError, match=r"\+15550001101 is given to both ann and bob"):
        deployment.load()


@pytest.mark.parametrize("written", ["hello", "", "+", "7", "sip:ann@example.com", "+1555x"])
def test_what_is_no_number_is_told_at_the_start(deployment: Deployment, written: str) -> None:
    deployment.write("host.toml", f'[personas.ann]\nnumbers = ["{written}"]\n')
    with pytest.raises(SettingsError) as told:
        deployment.load()
    assert str(told.value) == (
        "host.toml: [personas.ann] numbers must be a number such as +15550001111, or an extension "
        "such as 1001"
    )


def test_a_national_number_of_no_country_is_told_at_the_start(deployment: Deployment) -> None:
    deployment.write("host.toml", '[personas.ann]\nnumbers = ["030 123456"]\n')
    with pytest.raises(SettingsError, match=r"numbers: 030 123456 is of no known country"):
        deployment.load()
