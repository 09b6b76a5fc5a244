"""What no telephone is can not be connected, and the error says what was meant."""

import re

import pytest

from host.local.exchange import Exchange, Line, Subscriber
from host.local.phone import Busy, Telephone, voicemail

NUMBER = "+15552220001"


@pytest.fixture
def exchange() -> Exchange:
    """An exchange that nothing reaches yet."""
    return Exchange("ws://livekit.invalid", "key", "secret")


async def asks(line: Line) -> None:
    """Ask."""
    await line.say("Hello?")


@pytest.mark.parametrize(
    "phone",
    [Telephone(), Telephone(script=asks), Busy(), voicemail("Hi."), Subscriber(480, 0.1)],
)
async def test_a_telephone_can_be_connected(exchange: Exchange, phone: Subscriber) -> None:
    exchange.connect(NUMBER, phone)


async def test_a_voicemail_is_a_telephone_and_the_script_of_one() -> None:
    mailbox = voicemail("Please leave a message.", answer_after=2.0)
    assert (mailbox.status, mailbox.after) == (200, 2.0)
    telephone = Telephone(answer_after=1.0, script=mailbox)
    assert (telephone.status, telephone.after) == (200, 1.0)
    assert telephone.script is mailbox


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        pytest.param(asks, "not the script asks: did you mean Telephone(script=asks)?", id="asks"),
        pytest.param(Busy, "not the function Busy: did you mean Busy()?", id="Busy"),
        pytest.param(voicemail, "did you mean voicemail()?", id="voicemail"),
        pytest.param("busy", "not 'busy'", id="text"),
        pytest.param(None, "not None", id="nothing"),
    ],
)
async def test_what_is_no_telephone_is_named_with_what_was_meant(
    exchange: Exchange, wrong: object, meant: str
) -> None:
    with pytest.raises(TypeError, match=re.escape(meant)) as raised:
        exchange.connect(NUMBER, wrong)  # type: ignore[arg-type]
    expected = 'takes a telephone, such as Telephone(script=...), Busy() or voicemail("...")'
    assert f"connect('{NUMBER}', ...) {expected}" in str(raised.value)


async def test_a_script_that_was_called_is_named_where_it_is_given(exchange: Exchange) -> None:
    with pytest.raises(TypeError, match=r"not its result asks\(\): did you mean asks\?"):
        Telephone(script=asks(None))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"a caller's script is a script.*not a telephone"):
        await exchange.ring(NUMBER, "+15550001111", Busy())  # type: ignore[arg-type]


async def test_a_script_in_the_place_of_the_seconds_is_named() -> None:
    with pytest.raises(TypeError, match=r"did you mean script=asks\?"):
        Telephone(asks)  # type: ignore[arg-type]
