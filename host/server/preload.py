"""Imported once by LiveKit's forkserver, so that a call's process has everything when it starts.

Whatever goes wrong here stays here: an exception would stop every process from starting, and the
parent has checked and reported the same things already.
"""

import contextlib
import importlib
import logging
import sys

LATER = (
    "anyio._backends._asyncio",
    "livekit.agents.beta.tools",
    "livekit.agents.llm.async_toolset",
    "livekit.agents.voice.report",
    "numpy.fft",
)
"""Modules that a call would import when it is under way, and hold up its own sound meanwhile.

Half a second together on a busy machine. LiveKit imports them at first use, and anyio its part for
asyncio with the first request to a model.
"""

with contextlib.suppress(Exception):
    from host.privacy.logs import mask_what_is_printed

    mask_what_is_printed()  # before all else: what keeps a stream at import has it in every call

    from host import registry
    from host.registry.configure import with_any_plugin_keys
    from host.server.admission import check
    from host.settings import load_settings

    logging.disable(logging.CRITICAL)
    try:
        # Loads the registry, and the libraries that its plugins use. The keys come with each call.
        settings = load_settings(dotenv=False)
        check(with_any_plugin_keys(settings, registry.load(settings)))
    finally:
        logging.disable(logging.NOTSET)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # each process would have it again, and tell it

for name in LATER:
    with contextlib.suppress(Exception):  # another version may have it elsewhere
        importlib.import_module(name)

with contextlib.suppress(Exception):
    from openai import AsyncClient

    client = AsyncClient(api_key="none")
    parts = (client.models, client.chat.completions)  # imported where they are asked for

with contextlib.suppress(Exception):
    from phonenumbers import PhoneMetadata

    PhoneMetadata.load_all()  # 1.4 MB, for all calls together

with contextlib.suppress(Exception):
    from livekit.agents.utils import http_context

    # Private (1.8.9): the one TLS context of each process, which is made with its first request.
    http_context._create_ssl_context()
