"""Prices in host.toml: a mistake is one line that says where it is."""

from __future__ import annotations

import pytest
from deployment import Deployment

from host.base.errors import SettingsError
from host.settings import load_settings

GOOD = """
[prices]
currency = "USD"

[prices.models."openai/gpt-4.1-mini"]
input = 0.4
cached_input = 0.1
output = 1.6

[prices.models."cartesia/*"]
characters = 0.03

[prices.line]
inbound = 0.0085
outbound = 0.014
increment = 60

[prices.trunks.ST_abc]
outbound = 0.009
"""


def test_the_host_is_shipped_without_prices(deployment: Deployment) -> None:
    assert not load_settings().prices.given


def test_prices_are_read(deployment: Deployment) -> None:
    deployment.write("host.toml", GOOD)
    prices = load_settings().prices
    assert prices.currency == "USD"
    model = prices.of_model("api.openai.com", "GPT-4.1-mini")
    assert model is not None
    assert (model.input, model.cached_input, model.output) == (0.4, 0.1, 1.6)
    assert prices.of_line("ST_abc").outbound == 0.009
    assert prices.of_line("ST_other").inbound == 0.0085
    assert prices.of_line(None).increment == 60


@pytest.mark.parametrize(
    ("written", "instead", "said"),
    [
        ('currency = "USD"\n', "", 'prices is wrong: currency is missing, such as currency = "U'),
        ('"USD"', '"dollars"', "[prices] currency must be three capital letters of ISO 4217"),
        ("0.0085", "-1", "[prices.line] inbound must be 0 or more"),
        ("0.0085", "nan", "[prices.line] inbound"),
        ("0.0085", '"cheap"', "[prices.line] inbound must be a number"),
        ("increment = 60", "increment = 0", "[prices.line] increment must be greater than 0"),
        ("inbound =", "inbund =", "[prices.line] inbund is no setting; did you mean inbound?"),
        ("currency =", "curency =", "[prices] curency is no setting; did you mean currency?"),
        (
            "characters = ",
            "charcters = ",
            "[prices.models.cartesia/*] charcters is no setting; did you mean characters?",
        ),
        ("output = 1.6", "", "[prices.models] openai/gpt-4.1-mini is wrong: input and output must"),
        (
            '"openai/gpt-4.1-mini"',
            '"gpt-4.1-mini"',
            "'gpt-4.1-mini' must be provider/model, such as deepgram/nova-3",
        ),
    ],
)
def test_a_mistake_is_one_line(
    deployment: Deployment, written: str, instead: str, said: str
) -> None:
    assert written in GOOD
    deployment.write("host.toml", GOOD.replace(written, instead, 1))
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert str(error.value).count("prices") == 1, "one mistake is told once"
