"""The numbers that a local world gives to personas, also to those that come later."""

from __future__ import annotations

from host.local.world import World


class _Exchange:
    """Notes what is routed where."""

    def __init__(self) -> None:
        self.routes: list[tuple[str, str]] = []

    async def route(self, number: str, agent: str, prefix: str = "") -> None:
        """Refuse what is routed already, as LiveKit does."""
        assert number not in dict(self.routes)
        self.routes.append((number, prefix))


async def test_a_persona_keeps_its_number_when_others_come_and_go() -> None:
    world, exchange = World(), _Exchange()
    world.exchange = exchange  # type: ignore[assignment]
    await world.give_numbers({"night": [], "desk": ["+15550001111"]})
    assert world.numbers == {"desk": "+15550001111", "night": "+15551000001"}
    await world.give_numbers({"ann": [], "bob": [], "night": [], "desk": ["+15550001111"]})
    first = world.numbers
    assert first["night"] == "+15551000001"
    assert len(set(first.values())) == 4
    await world.give_numbers({"ann": []})
    assert world.numbers == {"ann": first["ann"]}
    await world.give_numbers({"ann": [], "night": [], "desk": ["+15550001112"]})
    assert world.numbers == {"ann": first["ann"], "night": first["night"], "desk": "+15550001112"}
    assert dict(exchange.routes)[first["ann"]] == "ann"
