"""$title: tells the persona who calls."""

from collections.abc import Generator

from pydantic import BaseModel, Field

from host import Call, as_data, hookimpl


class Settings(BaseModel):
    """The table `[plugins.$name]` of host.toml."""

    customers: dict[str, str] = Field({}, description="names of callers, by their number")


@hookimpl
def plugin_settings() -> type[Settings]:
    return Settings


@hookimpl
async def prepare_call(call: Call) -> None:
    """Look the far end up before the first word. A database or an HTTP API may be awaited here."""
    customers = call.persona_settings.plugin(Settings).customers
    if call.number in customers:
        call.state.customer = customers[call.number]


@hookimpl(wrapper=True)
def instructions(call: Call) -> Generator[None, str | None, str | None]:
    """Add to what the persona itself answers."""
    answer = yield
    customer = getattr(call.state, "customer", None)
    return f"{answer} The caller is {as_data(customer)}." if answer and customer else answer
