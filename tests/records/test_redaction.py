"""What is told of a call's record, by default and where the settings open it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from canaries import NUMBER, SECRETS
from deployment import Deployment
from stored import a_record

from host import privacy as private
from host.call.live import LiveCall
from host.call.state import CallState
from host.privacy import Mask, Pseudonyms
from host.records.record import CallRecord, KeyPress, MenuChoice, ToolUse, Transfer, Utterance
from host.records.redaction import redacted
from host.settings import Shared, load_settings

AT = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
SAID = "My number is 555 014 2857 and my pin is 4321."
PRIVATE = a_record(
    number=NUMBER,
    room=f"call-_{NUMBER}_aB3xYzQ1wErT",
    personas=[],
    reason=f"{NUMBER} is not called before 8:00.",
    error=f"ValueError: {SAID}",
    reference=f"lead of {NUMBER}",
    idempotency_key=f"order-20261130-{NUMBER[1:]}",
    results={
        "booking": {"day": "2026-11-23", "phone": NUMBER, "pin": [4321], "said": SAID, "ok": True}
    },
    transcript=[Utterance(at=AT, who="caller", text=SAID)],
    tools=[
        ToolUse(
            at=AT,
            name="book",
            arguments=json.dumps({"phone": NUMBER, "pin": 4321, "day": "2026-11-23", "ok": True}),
            result=f"Booked for {NUMBER}.",
            failed=False,
        )
    ],
    keys=[KeyPress(at=AT, who="caller", digit=digit) for digit in "4321#"],
    menus=[
        MenuChoice(at=AT, menu="language", key="1", choice="English"),
        MenuChoice(at=AT, menu=SAID, key=None, choice=NUMBER),
    ],
    transfers=[
        Transfer(at=AT, to="desk", number=number, succeeded=False, reason=f"{NUMBER} is busy.")
        for number in (NUMBER, f"tel:{NUMBER}", f"sip:{NUMBER}@pbx.example", "sip:desk@pbx", None)
    ],
)


def told(folder: Path, **opened: Any) -> CallRecord:
    return redacted(PRIVATE, Shared(**opened), folder)


def test_by_default_a_record_has_words_and_no_number_and_no_digit(tmp_path: Path) -> None:
    record = told(tmp_path)
    assert record.number == Pseudonyms(tmp_path).of(NUMBER)
    assert record.room == "call-_+1…57_aB3xYzQ1wErT"
    assert record.transcript[0].text == "My number is …57 and my pin is ••••."
    assert json.loads(record.tools[0].arguments) == {
        "phone": "+1…57",
        "pin": "••••",
        "day": "2026-11-23",
        "ok": True,
    }
    assert record.tools[0].result == "Booked for +1…57."
    assert [key.digit for key in record.keys] == ["•"] * 5
    name = Pseudonyms(tmp_path).of(NUMBER)
    assert [(each.menu, each.key, each.choice) for each in record.menus] == [
        ("language", "•", "English"),
        ("My number is …57 and my pin is ••••.", None, "+1…57"),
    ]
    ids = (record.reference, record.idempotency_key)
    assert ids == (f"lead of {name}", f"order-20261130-{name}")
    assert record.results["booking"] == {
        "day": "2026-11-23",
        "phone": "+1…57",
        "pin": ["••••"],
        "said": "My number is …57 and my pin is ••••.",
        "ok": True,
    }
    targets = [name, name, "sip:+1…57@pbx.example", "sip:desk@pbx", None]
    assert [transfer.number for transfer in record.transfers] == targets
    written = record.model_dump_json()
    assert "4321" not in written
    assert NUMBER[2:] not in written.replace(" ", "")


def test_what_a_record_says_besides_stays(tmp_path: Path) -> None:
    record = told(tmp_path)
    masked = {"number", "our_number", "room", "reason", "error", "keys", "tools", "transcript"}
    masked |= {"menus", "transfers", "reference", "idempotency_key", "results"}
    same = set(CallRecord.model_fields) - masked
    assert record.model_dump(include=same) == PRIVATE.model_dump(include=same)
    assert [(line.at, line.who) for line in record.transcript] == [(AT, "caller")]


def test_our_own_number_is_named_as_well(tmp_path: Path) -> None:
    ours = PRIVATE.our_number
    assert ours
    assert told(tmp_path).our_number == Pseudonyms(tmp_path).of(ours)


def test_numbers_alone_are_opened_by_name(tmp_path: Path) -> None:
    record = told(tmp_path, record_numbers=True)
    assert (record.number, record.room) == (PRIVATE.number, PRIVATE.room)
    assert record.transcript[0].text == "My number is 555 014 2857 and my pin is ••••."
    assert [key.digit for key in record.keys] == ["•"] * 5


def test_digits_alone_are_opened_by_name(tmp_path: Path) -> None:
    record = told(tmp_path, record_digits=True)
    assert "".join(key.digit for key in record.keys) == "4321#"
    assert record.menus[0].key == "1"
    assert record.transcript[0].text == "My number is …57 and my pin is 4321."
    assert json.loads(record.tools[0].arguments)["pin"] == 4321


def test_choices_are_masked_if_another_persona_of_the_call_masks_keys(tmp_path: Path) -> None:
    record = told(tmp_path, mask_digits=True, record_transcripts=True)
    assert [(each.key, each.choice) for each in record.menus] == [("•", "••••"), (None, "••••")]
    assert record.menus[0].menu == "language"


def test_words_are_closed_by_name(tmp_path: Path) -> None:
    record = told(tmp_path, record_transcripts=False)
    assert record.transcript == []
    assert [menu.menu for menu in record.menus] == ["language", "••••"]
    assert record.results["booking"]["said"] == "••••"
    assert record.results["booking"]["day"] == "2026-11-23"
    assert [(tool.name, tool.arguments, tool.result) for tool in record.tools] == [("book", "", "")]


def test_words_that_are_closed_stand_in_no_error_either(tmp_path: Path) -> None:
    closed = told(tmp_path, record_transcripts=False, record_digits=True, record_numbers=True)
    assert closed.error == "ValueError: ••••"
    silent = "APIError: no audio frames were pushed for text: "
    unsaid = PRIVATE.model_copy(update={"error": f"{silent}You have the flu."})
    assert redacted(unsaid, Shared(record_transcripts=False), tmp_path).error == f"{silent}••••"
    assert redacted(unsaid, Shared(), tmp_path).error == unsaid.error


KEY = SECRETS["CANARY_CRM_TOKEN"]


def test_secrets_stand_in_no_record_however_open_it_is(
    tmp_path: Path, mask_of_a_process: None
) -> None:
    private.use(Mask(frozenset([KEY])))
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJob3N0In0.c2lnbmF0dXJl"
    arguments = {"url": f"https://crm.example/{KEY}", "auth_token": {"a": "hunter22x"}, "ok": True}
    found = {"url": f"https://crm.example/{KEY}", "api_key": "hunter22x"}
    use = PRIVATE.tools[0].model_copy(
        update={"arguments": json.dumps(arguments), "result": 'password: "hunter22x"'}
    )
    whole = PRIVATE.model_copy(
        update={
            "error": f"HTTPStatusError: 401 for url 'https://crm.example/p?api_key={KEY}'",
            "reason": f'{token} auth_password: "hunter22x"',
            "voicemail_reason": f"sent {KEY}",
            "transfers": [PRIVATE.transfers[0].model_copy(update={"reason": f"{KEY} is wrong"})],
            "tools": [use],
            "reference": f"lead of {KEY}",
            "results": {"found": found},
        }
    )
    record = redacted(whole, Shared(record_numbers=True, record_digits=True), tmp_path)
    assert record.error == "HTTPStatusError: 401 for url 'https://crm.example/p?api_key=••••'"
    assert record.reason == '•••• auth_password: "••••"'
    assert record.transfers[0].reason == "•••• is wrong"
    assert record.tools[0].result == 'password: "••••"'
    assert json.loads(record.tools[0].arguments) == {
        "url": "https://crm.example/••••",
        "auth_token": "••••",
        "ok": True,
    }
    assert record.reference == "lead of ••••"
    assert record.results == {"found": {"url": "https://crm.example/••••", "api_key": "••••"}}
    assert not [each for each in (KEY, token, "hunter22x") if each in record.model_dump_json()]


def test_a_record_that_is_open_is_the_whole_one(tmp_path: Path) -> None:
    assert told(tmp_path, record_numbers=True, record_digits=True) == PRIVATE


def test_a_record_that_was_masked_is_not_masked_again(tmp_path: Path) -> None:
    record = told(tmp_path)
    assert redacted(record, Shared(), tmp_path) == record


@pytest.mark.parametrize("persona", ["open", "closed"])
async def test_everybody_is_told_the_same_as_the_persona_of_the_call_is_set(
    deployment: Deployment, persona: str
) -> None:
    deployment.write("host.toml", "[personas.open]\nrecord_numbers = true\nrecord_digits = true\n")
    for name in ("open", "closed"):
        deployment.persona(name)
    deployment.write(
        "plugins/witness.py",
        '''\
        """Keeps what it is told."""

        from host import hookimpl

        told = []


        @hookimpl
        async def call_ended(call, record):
            told.append((call.number, record))
        ''',
    )
    os.environ["HOST_DISABLE_PLUGINS"] = "call_log"  # its file would have the number, as is asked
    loaded = deployment.load()
    settings = load_settings()
    call = LiveCall(
        settings, CallState(id="AJ_1", number=NUMBER), persona=persona, hooks=loaded.view(persona)
    )
    whole = PRIVATE.model_copy(update={"persona": persona})
    await call.events.emit_call_ended(whole)
    (plugin,) = [each for each in loaded.plugins if each.name == "witness"]
    ((number, record),) = plugin.module.told
    assert number == NUMBER  # who has the call has the number, too
    assert record == redacted(whole, settings.persona(persona), settings.state_dir)
    assert (record == whole) == (persona == "open")
