"""Imported once by LiveKit's forkserver, so that a call's process starts with everything loaded.

Exceptions are suppressed: one would prevent every process from starting, and the parent has already
reported the same faults.
"""

import contextlib
import importlib
import logging
import signal
import sys

LATER = (
    "anyio._backends._asyncio",
    "livekit.agents.beta.tools",
    "livekit.agents.llm.async_toolset",
    "host.call.mcp.servers",  # the package mcp, if it is installed
    "jsonschema",  # what an MCP server lists is checked with it
    "livekit.agents.voice.report",
    "numpy.fft",
)
"""Modules that are otherwise imported during a call, which stalls its audio.

Half a second in total on a busy machine, and the package mcp as much again on an idle one. LiveKit
and `host.mcp` import them on first use, and anyio its asyncio backend with the first request to a
model.
"""

# A terminal that is closed sends SIGHUP to the whole process group, and an operator may do so to
# reload: only the parent acts on it, and tells calls when to end.
signal.signal(signal.SIGHUP, signal.SIG_IGN)

with contextlib.suppress(Exception):
    from host.privacy.logs import keep_private, mask_what_is_printed

    mask_what_is_printed()  # first, because modules may keep a reference to a stream at import

    from host import registry
    from host.registry.configure import with_any_plugin_keys
    from host.server.admission import check
    from host.settings import load_settings

    logging.disable(logging.CRITICAL)
    try:
        # Also loads the libraries of the providers' plugins. Each call gets the real keys.
        settings = load_settings(dotenv=False)
        keep_private(settings)
        check(with_any_plugin_keys(settings, registry.load(settings)))
    finally:
        logging.disable(logging.NOTSET)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or each forked process would print the buffer again

with contextlib.suppress(Exception):
    from livekit import local_inference

    # Used by every call. LiveKit preloads it with the turn detector or not at all: see
    # `host.server.shared_models`.
    local_inference.init_vad()

for name in LATER:
    with contextlib.suppress(Exception):  # other versions may not have it
        importlib.import_module(name)

with contextlib.suppress(Exception):
    from openai import AsyncClient

    client = AsyncClient(api_key="none")
    parts = (client.models, client.chat.completions)  # imported on access

with contextlib.suppress(Exception):
    from phonenumbers import PhoneMetadata

    PhoneMetadata.load_all()  # 1.4 MB, shared by all calls

with contextlib.suppress(Exception):
    from host.speech.rehearsal import rehearse

    rehearse()  # its bytecode is specialised here, once for all calls

with contextlib.suppress(Exception):
    from livekit.agents.utils import http_context

    # Private (1.8.9): the process's TLS context, otherwise created with its first request.
    http_context._create_ssl_context()
