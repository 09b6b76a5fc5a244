"""Serves the API in the host's own process and event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

from host.registry import Follow
from host.server.api.app import Closed, make_api
from host.server.api.calls import Calls
from host.server.api.guard import Guard
from host.server.api.listing import CallLister
from host.server.api.placing import Placing
from host.server.api.running import placing_calls
from host.server.api.token import tokens_of
from host.server.events import EventStream
from host.server.http import listen, serving
from host.settings import Settings


@contextlib.asynccontextmanager
async def answering_api(
    settings: Settings,
    closed: Closed,
    *,
    watched: Callable[[str], bool] | None = None,
    dev: bool = False,
    follow: Follow = lambda use: None,
    stream: EventStream | None = None,
    placing: Placing | None = None,
) -> AsyncIterator[None]:
    """Serve the API inside the block. Port 0 is any free port, which the log shows.

    `watched`: whether this process looks after the call with an id; see `LiveCalls`. `follow` is
    told what is to follow each reload. `stream` has the events of calls; it is closed at the end.
    `placing` places its calls; None: one of its own. Raises SettingsError if the address or the
    state_dir can't be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        listening = listen("the API", "HOST_API_PORT", settings.api_host, settings.api_port or 0)
        stack.callback(listening.close)
        if placing is None:
            own = placing_calls(settings, closed, dev=dev, follow=follow)
            placing = await stack.enter_async_context(own)
        calls = Calls(settings, placing, CallLister(settings, placing.store, watched))
        follow(calls.use)
        stream = stream or EventStream()
        api = make_api(calls, closed, stream)
        stack.callback(api.state.campaigns.close)
        guard = Guard(api, tokens_of(settings), settings.api_rate)
        async with serving("the API", guard, listening):
            try:
                yield
            finally:
                stream.close()
