"""What a job tells of its call before anyone has seen the far end."""

from __future__ import annotations

from host import registry
from host.call.dispatch import read_dispatch
from host.call.state import CallState
from host.dispatch.choosing import choose
from host.dispatch.rooms import caller_in
from host.settings import Settings


async def fill_in(state: CallState, metadata: str, settings: Settings) -> None:
    """Set the persona and numbers of a call that ended before it had a persona.

    They come from the dispatch's metadata and the room's name, as far as these tell them. A default
    persona is named only if no dialled number could have chosen another. Raises MetadataError, and
    what a plugin's `choose_persona` raises.
    """
    dispatch = read_dispatch(metadata, state.room)
    state.metadata, state.outbound = dict(dispatch.metadata), dispatch.outbound
    state.number = state.number or dispatch.phone_number or caller_in(state.room)
    loaded = registry.load(settings)
    choice = await choose(loaded, dispatch)
    numbered = any(persona.numbers for persona in loaded.personas.values())
    if choice.by != "default" or state.outbound or not numbered:
        state.persona = choice.persona
