"""Handing a call over: what LiveKit asks of a target, and what a colleague means."""

import pytest

from host.handover.refer import as_uri


@pytest.mark.parametrize(
    ("target", "uri"),
    [
        ("+15550001111", "tel:+15550001111"),
        ("tel:+15550001111", "tel:+15550001111"),
        ("billing@pbx.example", "sip:billing@pbx.example"),
        ("sip:billing@pbx.example", "sip:billing@pbx.example"),
        ("sips:billing@pbx.example", "sips:billing@pbx.example"),
    ],
)
def test_a_target_gets_the_scheme_that_it_lacks(target: str, uri: str) -> None:
    assert as_uri(target) == uri
