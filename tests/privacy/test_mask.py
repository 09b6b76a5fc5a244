"""The mask: which numbers, keys and secrets it finds, and what it leaves as it is."""

from __future__ import annotations

import io
import json
import os
import random
import re
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, quote_plus

import phonenumbers
import pytest
from canaries import NUMBER, SECRETS
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from slow_to_mask import SLOW

from host import mask
from host.privacy import (
    Mask,
    MaskedStream,
    Pseudonyms,
    mask_number,
    mask_room,
    mask_words,
    secrets_of,
)
from host.privacy.numbers import BULLETS
from host.privacy.words import mask_said, mask_unrecorded
from host.registry import read_settings
from host.settings import Settings

MASKED = Mask(frozenset(SECRETS.values()))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+15557770001 rang", "+1…01 rang"),
        ("sip_+15557770001", "sip_+1…01"),
        ("call-_+15557770001_aB3xYzQ1wErT", "call-_+1…01_aB3xYzQ1wErT"),
        ("call-_15557770001_aB3xYzQ1wErT", "call-_…01_aB3xYzQ1wErT"),
        ("+49 (0)30 1234567", "+49…67"),
        ("+44 20 7946 0018", "+44…18"),
        ("(555) 777-0001", "…01"),
        ("555.777.0001", "…01"),
        ("01 45 67 89 10", "…10"),
        ("00491701234567", "…67"),
        ("tel:15557770001;ext=12", "tel:…01;ext=12"),
        ("sip:15557770001@evil.example", "sip:…01@evil.example"),
        ("to=%2B15557770001&from=x", "to=+1…01&from=x"),
        (r"'\n5557770001'", r"'\n…01'"),
        ("+٤٩٣٠١٢٣٤٥٦٧", "+49…67"),
        ("+１５５５７７７０００１", "+1…01"),
        ("4111 1111 1111 1111", "••••"),
        ("dtmf: '4321#'", "dtmf: '••••'"),
        ("digits=1, 2, 3 now", "digits=•••• now"),
        ('{"number": "+15557770001"}', '{"number": "+1…01"}'),
        ("555-777-0001x12", "…01x12"),
        ("(555) 777-0001ext5", "…01ext5"),
        ("?phone=%2B1+555+777+0001", "?phone=+1…01"),
        ("%2B1%20555%20777%200001", "+1…01"),
        ("tel%3A15557770001", "tel%3A…01"),
        ("sip%3A15557770001%40pbx", "sip%3A…01%40pbx"),
        ("next=id%253D15557770001", "next=id%253D…01"),
        ("phone%3D5557770001", "phone%3D…01"),
        (repr("+1\xa0555\xa0777\xa00001"), "'+1…01'"),
        (r"\u002b15557770001", "+1…01"),
        ("+1_555_777_0001", "+1…01"),
        ("call-_+15557770001_8aB3xYzQ1wEr", "call-_+1…01_8aB3xYzQ1wEr"),
        ("call-_15557770001_8aB3xYzQ1wEr", "call-_…01_8aB3xYzQ1wEr"),
    ],
)
def test_a_number_is_masked_however_it_is_written(text: str, masked: str) -> None:
    assert MASKED(text) == masked
    assert MASKED(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:30:00.123456+00:00 INFO ready",
        "2026-11-23 09:30:00,123 x",
        "health checks at http://192.168.100.200:53412",
        "process 12345 took 300 ms and 1500 MB",
        "550e8400-e29b-41d4-a716-446655440000",
        "<Task at 0x7f8b3c0d1e20>",
        "call AJ_8fa1234567xY in room reminder-5f0c2a9d11e4",
        'File "host/runner/runner.py", line 123, in answer',
        "livekit-agents 1.8.9, status 486, code: 1011, tokens: 1204",
        "at 1763900000.123456",
        "the call reached its maximum duration of 900 s",
        "Basic facts, a token of thanks, authorization failed",
        "a first pass: fine; sip:1001@pbx.example:5060",
        "--key must be 1 to 200 printable characters, --keys 1 2, monkey --verbose x",
        "video of 1920x1080, 7 x 24",
    ],
)
def test_what_is_no_number_and_no_secret_stays(text: str) -> None:
    assert MASKED(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdefg.hij", "Authorization: ••••"),
        ("{'Authorization': 'Token abc', 'x': 1}", "{'Authorization': '••••', 'x': 1}"),
        ("(b'authorization', b'Basic YWJj')", "(b'authorization', '••••')"),
        ('Authorization: Digest username="ann", response="0a1b"', "Authorization: ••••"),
        ("X-API-Key: abc123", "X-API-Key: ••••"),
        ("sent bearer abcdefghij", "sent bearer ••••"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJob3N0In0.c2lnbmF0dXJl", "••••"),
        ("ws://host/rtc?access_token=abcdef&v=1", "ws://host/rtc?access_token=••••&v=1"),
        ("https://ann:hunter2@pbx.example/x", "https://••••@pbx.example/x"),
        (
            'auth_username: "ann" auth_password: "hun ter2"',
            'auth_username: "ann" auth_password: "••••"',
        ),
        ("api_key='abc', region='eu'", "api_key='••••', region='eu'"),
        ("sk-abcdefghijklmnop1234", "••••"),
        ("whsec_abcdefghijklmnop", "••••"),
        ("password: b", "password: ••••"),
        ("Cookie: lang=en; sessionid=abc123secret", "Cookie: ••••"),
        ("Authorization: ApiKey VnVhQ2Zn next", "Authorization: •••• next"),
        ("auth_token='abc', refresh_token=def", "auth_token='••••', refresh_token=••••"),
        ("webhook_secret=abc&x=1", "webhook_secret=••••&x=1"),
        ("aws_secret_access_key=abc/def", "aws_secret_access_key=••••"),
        ("private_key='abc'", "private_key='••••'"),
        ("SMTP_PASS=hunter22", "SMTP_PASS=••••"),
        ("<sip:1001:hunter22@pbx.example>", "<sip:••••@pbx.example>"),
        ("ghp_abcdefghijklmnop1234 github_pat_11ABCDEFG0abcdefghij_k", "•••• ••••"),
        ("xoxb-123456789012-abcdefGHIJ", "••••"),
        ("AIzaSyA1234567890abcdefghijklmnopqrstuv", "••••"),
        ("AKIAIOSFODNN7EXAMPLE", "••••"),
        ("glpat-abcdefghijklmnopqrst hf_abcdefghijklmnopqr", "•••• ••••"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\nx", "••••\nx"),
        ("-----BEGIN EC PRIVATE KEY-----\\nMHcCAQ", "••••"),
        ("run crm --password hunter2 --user ann", "run crm --password •••• --user ann"),
        ("crm --api-key 'hun ter2' -v", "crm --api-key •••• -v"),
        ("otp=123456&x", "otp=••••&x"),
        ("one_time_code: 12ab", "one_time_code: ••••"),
    ],
)
def test_what_looks_like_a_secret_is_masked_whoevers_it_is(text: str, masked: str) -> None:
    assert MASKED(text) == masked
    assert MASKED(masked) == masked


@pytest.mark.parametrize("secret", [*SECRETS.values(), 'pass"word\\with/signs+é', "sp ace&amp=1"])
def test_a_known_secret_is_found_in_every_spelling(secret: str) -> None:
    masked = Mask(frozenset([secret]))
    for written in (secret, quote(secret, safe=""), json.dumps({"a": secret}), repr([secret])):
        assert "••••" in masked(f"x {written} y")
        assert secret not in masked(f"x {written} y")
        assert json.dumps(secret)[1:-1] not in masked(f"x {written} y")


def test_all_secrets_of_the_settings_and_the_environment_are_known(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-livekit-secret")
    monkeypatch.setenv("HOST_WEBHOOK_URL", "https://hooks.example/T0/abcdefghijklmnopqrst")
    monkeypatch.setenv("HOST_OTLP_ENDPOINT", "https://ann:the-password@otel.example")
    known = secrets_of(read_settings())
    assert {*SECRETS.values(), "a-livekit-secret"} <= known
    assert {"abcdefghijklmnopqrst", "the-password"} <= known


def test_what_a_persona_reads_from_the_environment_is_a_secret_whatever_its_name(
    clean_environment: None,
) -> None:
    environment = {
        "SMTP_PASS": "the-mail-password",
        "CRM_LOGIN": "ann-of-the-crm",
        "PWD": "/home/the-host",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-team=the-team-key,authorization=Basic%20VGhlIGtleQ==",
    }
    known = secrets_of(Settings(pass_environment=("CRM_LOGIN", "NOT_SET")), environment)
    assert {"the-mail-password", "ann-of-the-crm", "the-team-key", "VGhlIGtleQ=="} <= known
    assert "/home/the-host" not in known


def test_short_words_of_a_development_server_are_no_secrets(clean_environment: None) -> None:
    assert "local" not in secrets_of(Settings(livekit_api_key="local"))


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
@pytest.mark.table(quick=4)
def test_every_country_code_is_kept(code: int) -> None:
    assert mask_number(f"+{code}55512345") == f"+{code}…45"


def _examples() -> list[str]:
    found: list[str] = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE, PhoneNumberType.TOLL_FREE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found += (
                    phonenumbers.format_number(number, form)
                    for form in (
                        PhoneNumberFormat.E164,
                        PhoneNumberFormat.INTERNATIONAL,
                        PhoneNumberFormat.RFC3966,
                        PhoneNumberFormat.NATIONAL,
                    )
                )
    return found


def test_the_examples_of_every_country_are_masked_in_every_format() -> None:
    examples = [each for each in _examples() if sum(map(str.isdigit, each)) >= 7]
    assert len(examples) > 1500
    for number in examples:
        for text in (f"call to {number} failed", f"'{number}'", f"a,{number},b"):
            left = MASKED(text)
            digits = "".join(filter(str.isdigit, left))
            assert len(digits) <= 5, f"{text} -> {left}"  # a country code and two digits


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("My pin is 4321.", "My pin is ••••."),
        ("My pin is 4 3 2 1", "My pin is ••••"),
        ("It is +1 555 777 0001, thanks", "It is +1…01, thanks"),
        ("five five five, two two two, zero zero zero one please", "•••• please"),
        ("four three two one", "••••"),
        ("One or two or three?", "One or two or three?"),
        ("On 2026-11-23 at 10:30 for 12.50", "On 2026-11-23 at 10:30 for 12.50"),
        ("From nine to five, Monday to Friday", "From nine to five, Monday to Friday"),
        ("My pin is 4, 3, 2, 1.", "My pin is ••••."),
        ("5, 5, 5, 7, 7, 7, 0, 0, 0, 1", "…01"),
        ("It is 4321x or AB4321.", "It is ••••x or AB••••."),
        ("one two, 3 4", "••••"),
        ("four 3 2 1 5 5 5 5, please", "••••, please"),
        ("eins zwei drei vier", "••••"),
        ("cuatro tres dos uno", "••••"),
        ("zéro six deux huit", "••••"),
        ("At 10:30, 11:00 or 12", "At 10:30, 11:00 or 12"),
        ("It costs 1,200 or EUR12.50. One moment", "It costs 1,200 or EUR12.50. One moment"),
        ("Rooms 2, 3 and four", "Rooms 2, 3 and four"),
    ],
)
def test_digits_that_were_said_are_masked_and_other_words_are_not(said: str, told: str) -> None:
    assert mask_words(said) == told


def test_numbers_and_digits_are_opened_one_by_one() -> None:
    said = "Call 5557770001 with pin 4321"
    assert mask_words(said, numbers=False) == "Call 5557770001 with pin ••••"
    assert mask_words(said, digits=False) == "Call …01 with pin 4321"
    logged = f"{NUMBER} pressed, dtmf: 4321"
    assert Mask(numbers=False)(logged) == f"{NUMBER} pressed, dtmf: ••••"
    assert Mask(digits=False)(logged) == "+1…57 pressed, dtmf: 4321"


@pytest.mark.parametrize(
    ("room", "number", "masked"),
    [
        ("call-_+15557770001_aB3xYz", "+15557770001", "call-_+1…01_aB3xYz"),
        ("call-_+15557770001_aB3xYz", None, "call-_+1…01_aB3xYz"),
        ("call-_15557770001_aB3xYz", None, "call-_…01_aB3xYz"),
        ("call-_ann_aB3xYz", "ann", "call-_…_aB3xYz"),
        ("out-15557770001", "+15557770001", "out-…01"),
        ("reminder-15552220001", None, "reminder-…01"),
        ("reminder-123456789012", "+15557770001", "reminder-123456789012"),
        ("reminder-5f0c2a123456789", None, "reminder-5f0c2a123456789"),
        ("front_desk_5f0c2a9d11e4", None, "front_desk_5f0c2a9d11e4"),
    ],
)
def test_a_room_keeps_what_finds_it_and_not_who_called(
    room: str, number: str | None, masked: str
) -> None:
    assert mask_room(room, number) == masked


def test_what_was_said_is_kept_out_wherever_an_error_quotes_it() -> None:
    said = ["I live in Elm Street, behind the mill", "Yes."]
    quoting = Mask(said=lambda: said)
    assert quoting(f"ValueError: no place in {said[0]!r}") == "ValueError: no place in '••••'"
    assert quoting("Yes. ready") == "Yes. ready"  # too short to prove anything
    assert said[0] in Mask(said=lambda: said, words=False)(said[0])


@pytest.mark.parametrize("write", [str.upper, repr, json.dumps, quote, quote_plus])
def test_what_was_said_is_found_in_every_spelling(write: Callable[[str], str]) -> None:
    words = 'It\'s "The Old Mill" behind Jäger Street'
    left = Mask(said=lambda: [words])(f"no place in {write(words)}")
    assert "Mill".casefold() not in left.casefold()
    assert left.startswith("no place in ")


NOT_SPOKEN = "no audio frames were pushed for text: "


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"{NOT_SPOKEN}You have\n\nthe flu.", f"{NOT_SPOKEN}••••"),
        (f"x: {NOT_SPOKEN}The flu, retrying in 0.1s", f"x: {NOT_SPOKEN}••••, retrying in 0.1s"),
        (
            f"{NOT_SPOKEN}The flu.\n\nDuring handling of the above",
            f"{NOT_SPOKEN}••••\n\nDuring handling of the above",
        ),
    ],
)
def test_words_that_no_voice_could_say_are_kept_out(text: str, masked: str) -> None:
    assert Mask()(text) == masked == Mask()(masked)
    assert Mask(words=False)(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("no account 482913", "no account ••••"),
        ("no account '4829' of x482913x", "no account '••••' of x••••x"),
        ("no card 123", "no card ••••"),
        ("line 829, 24829137, 2913 and 99", "line 829, …37, •••• and 99"),
    ],
)
def test_keys_that_were_pressed_in_the_call_are_kept_out(text: str, masked: str) -> None:
    pressed = ["1482913", "123", ""]
    assert Mask(pressed=lambda: pressed)(text) == masked
    assert Mask(pressed=lambda: pressed, digits=False, numbers=False)(text) == text


def _spelt() -> list[str]:
    """Ways to write the number of a call, by people, programs and languages."""
    whole = NUMBER.removeprefix("+")
    signs, area, exchange, line = list(whole), whole[1:4], whole[4:7], whole[7:]
    return [
        *(f"{whole:{width}}" for width in ("", ">20")),
        *(before + whole for before in ("id", "tel", "user_", "x", "caller=", "00", "a1b")),
        *(whole + after for after in ("abc", "_x", "@pbx", "z9")),
        f"call{whole}end",
        *(
            sign.join(signs)
            for sign in (" ", "-", ".", ",", ", ", "', '", '", "', "\n", " | ", "_")
        ),
        repr(signs),
        json.dumps(signs),
        json.dumps(json.dumps(signs)),
        repr([int(sign) for sign in signs]),
        repr(tuple(signs)),
        f"{int(whole):,}",
        f"{int(whole):_}",
        f"{int(whole):,}".replace(",", "."),
        f"{int(whole):,}".replace(",", "'"),
        f"{int(whole):,}".replace(",", "\N{NARROW NO-BREAK SPACE}"),
        *(
            f"{area}{sign}{exchange}{sign}{line}"
            for sign in ("", "/", "~", ":", "*", "–", "·", "%20")
        ),
        f"({area}) {exchange}-{line}",
        f"1 ({area}) {exchange}-{line}",
        f"001{area}{exchange}{line}",
        f"x{exchange}{line}",
        f"{exchange} {line}",
        *(
            whole.translate({ord("0") + digit: chr(zero + digit) for digit in range(10)})
            for zero in (0x660, 0x6F0, 0x966, 0xFF10)
        ),
        f"<b>{whole[:4]}</b><i>{whole[4:]}</i>".replace("b>", ">").replace("i>", ">"),
        quote_plus(" ".join(signs)),
    ]


@pytest.mark.parametrize("spelt", _spelt(), ids=ascii)
def test_the_number_of_a_call_is_masked_however_it_is_written(spelt: str) -> None:
    own = Mask(own=lambda: [NUMBER])
    masked = own(f"told {spelt} of it")
    digits = re.sub(r"\D", "", masked)
    assert len(digits) <= 5, masked  # the last two, and what stood before them
    assert masked.startswith("told ")
    assert masked.endswith(" of it")


def test_there_are_as_many_spellings_as_an_adversary_had() -> None:
    assert len({*_spelt()}) >= 48


def test_only_the_number_of_the_call_is_masked_in_words_and_ids() -> None:
    own = Mask(own=lambda: [NUMBER, "1001"])
    for text in ("id15553007654x", "order a7b15550142858", "line 1001", "15550142"):
        assert own(text) == Mask()(text)
    assert Mask(own=lambda: [NUMBER], numbers=False)(f"id{NUMBER}") == f"id{NUMBER}"


@pytest.mark.corpus
@pytest.mark.parametrize("text", SLOW, ids=lambda text: ascii(text[:20]))
def test_a_text_made_to_be_slow_is_masked_to_its_end(text: str) -> None:
    for mask_it in (MASKED, mask_words):
        assert NUMBER not in mask_it(f"{text} from {NUMBER}")


def test_a_process_that_was_told_nothing_hides_all_that_it_can() -> None:
    assert mask(f"{NUMBER} eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJob3N0In0.c2ln") == "+1…57 ••••"


# Names of numbers


def test_a_number_has_the_same_name_each_time_and_no_other_has_it(tmp_path: Path) -> None:
    names = Pseudonyms(tmp_path / "state")
    numbers = [f"+1555{number:07}" for number in range(2000)]
    named = [names.of(number) for number in numbers]
    assert [Pseudonyms(tmp_path / "state").of(number) for number in numbers] == named
    assert len(set(named)) == len(numbers)
    assert named[1].startswith("+1…01~")
    assert MASKED(named[1]) == named[1] == names.of(named[1])


def test_another_deployment_gives_other_names(tmp_path: Path) -> None:
    assert Pseudonyms(tmp_path / "a").of(NUMBER) != Pseudonyms(tmp_path / "b").of(NUMBER)


def test_the_key_is_its_owners_only_and_made_once_by_many_that_come_together(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    with ThreadPoolExecutor(8) as together:
        named = set(together.map(lambda _: Pseudonyms(state).of(NUMBER), range(64)))
    assert len(named) == 1
    assert [file.name for file in state.iterdir()] == ["numbers.key"]
    assert stat.S_IMODE((state / "numbers.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_without_a_place_for_its_key_a_number_is_masked_and_has_no_name(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    assert Pseudonyms(tmp_path / "state").of(NUMBER) == "+1…57"


@pytest.mark.parametrize("forged", ["+15557770001…", "+1555…7770001", "+15557770001~bcdfghjklm"])
def test_a_number_that_looks_as_if_it_were_masked_is_masked(forged: str) -> None:
    assert mask_number(forged) == "+1…01"


@pytest.mark.parametrize("masked", ["+1…01", "…01", "…", "+44…18~bcdfghjklm", "…~bcdfghjklm"])
def test_a_number_that_is_masked_stays_as_it_is(masked: str) -> None:
    assert mask_number(masked) == masked


@pytest.mark.parametrize("withheld", ["anonymous", "Restricted"])
def test_who_shows_no_number_is_called_as_before(tmp_path: Path, withheld: str) -> None:
    assert Pseudonyms(tmp_path).of(withheld) == withheld


@pytest.mark.parametrize("who", ["ann", "sip:ann@home.example", "911"])
def test_who_has_another_name_than_a_number_is_masked_altogether(tmp_path: Path, who: str) -> None:
    assert Pseudonyms(tmp_path).of(who).startswith("…~")


# What is printed


def test_a_number_that_is_printed_in_pieces_is_masked() -> None:
    out = io.StringIO()
    stream = MaskedStream(out, MASKED)
    for piece in (NUMBER[:6], NUMBER[6:], " rang\nand ", "ends"):
        stream.write(piece)
    assert out.getvalue() == "+1…57 rang\n"
    stream.flush()
    assert out.getvalue() == "+1…57 rang\nand ends"


def test_a_line_that_never_ends_is_not_kept_back_for_ever() -> None:
    out = io.StringIO()
    MaskedStream(out, MASKED).write("x" * 100_000)
    assert len(out.getvalue()) == 100_000


def test_a_terminal_that_has_no_bullets_gets_the_line_all_the_same() -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    MaskedStream(out, MASKED).write(f"{NUMBER} rang, é\n")
    out.flush()
    assert out.buffer.getvalue() == b"+1\\u202657 rang, \\xe9\n"


def test_a_stream_may_be_reconfigured_as_stdout_may() -> None:
    behind = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
    stream = MaskedStream(behind, MASKED)
    stream.write("before, ")
    stream.reconfigure(encoding="utf-8", line_buffering=True)
    stream.write("é\n")
    assert stream.encoding == "utf-8"
    assert behind.buffer.getvalue() == "before, é\n".encode()


def test_lines_of_many_threads_stay_whole() -> None:
    out = io.StringIO()
    stream = MaskedStream(out, MASKED)
    with ThreadPoolExecutor(8) as together:
        list(together.map(lambda at: stream.write(f"line {at}\n"), range(500)))
    assert sorted(out.getvalue().splitlines()) == sorted(f"line {at}" for at in range(500))


def test_random_text_never_stops_the_mask() -> None:
    chance = random.Random(7)
    for _ in range(300):
        text = os.fsdecode(chance.randbytes(200)) + "".join(
            chance.choice("0123456789+-(). \n\t\\'\":@eyJ") for _ in range(200)
        )
        assert isinstance(MASKED(text), str)
        assert isinstance(mask_words(text), str)


@pytest.mark.parametrize("masked", [mask_said, mask_unrecorded])
def test_what_was_said_is_masked_whole_though_other_words_begin_it(
    masked: Callable[[str, list[str]], str],
) -> None:
    said = ["It is my mother's", "It is my mother's maiden name Smithson"]
    assert masked(f"She says: {said[1]}.", said) == f"She says: {BULLETS}."
