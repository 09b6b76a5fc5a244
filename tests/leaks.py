"""A program that tells secrets in every way that a program can: `test_logs.py` reads its output.

`python leaks.py parent|call|forkserver|command json|terminal|verbose`. As `call` it is the process
of a call, whose records go to its parent through LiveKit's own queue; `command` serves no calls, so
its descriptors are not masked. Each leak says a word of its own,
so that the reader sees that it was told, without what is private.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from canaries import NUMBER, SECRETS, TRUNK_PASSWORD

from host.privacy import logs
from host.privacy.descriptors import masked_descriptors
from host.privacy.mask import keep_out, mask
from host.settings import load_settings

KEY, WEBHOOK = SECRETS["OPENAI_API_KEY"], SECRETS["HOST_WEBHOOK_SECRET"]
SAID = "I live in Elm Street, behind the mill."
TOKEN = "ghp_4f1c9a7be2d058364f1c9a7be2d058364f1c"
"""Nobody's, and in no setting: it is known by its shape."""
ILLNESS, KEYS = "the flu", "482913"
ROOM = f"call-_{NUMBER}_aB3xYzQ1wErT"
log = logging.getLogger("host")
library = logging.getLogger("some.library")


def in_a_message() -> None:
    log.info("in_a_message from %s with %s", NUMBER, KEY)


def in_a_library() -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Caller": NUMBER}
    library.warning("in_a_library POST /v1 %s", headers)


def in_a_traceback() -> None:
    try:
        try:
            raise KeyError(NUMBER)
        except KeyError as error:
            raise ValueError(f"in_a_traceback {WEBHOOK}") from error
    except ValueError:
        log.exception("a hook failed")


def in_the_fields_of_a_line() -> None:
    log.info("in_the_fields_of_a_line", extra={"room": ROOM, "persona": "desk"})


def in_orders_to_a_terminal() -> None:
    log.warning("in_orders_to_a_terminal from room call-\x1b[2J\x1b]0;owned\x07\u202e\r%s", NUMBER)


def in_a_wrong_format() -> None:
    log.info("in_a_wrong_format %d", NUMBER)
    library.warning("in_a_wrong_format %d", NUMBER)


def in_a_warning() -> None:
    warnings.warn(f"in_a_warning {NUMBER} {KEY}", stacklevel=1)


def in_print() -> None:
    print("in_print", NUMBER, KEY)
    print("in_print", NUMBER, KEY, file=sys.stderr)
    print(json.dumps({"in_print": [NUMBER, KEY]}))


def in_a_handler_of_its_own() -> None:
    own = logging.getLogger("some.plugin")
    own.addHandler(logging.StreamHandler())
    own.error("in_a_handler_of_its_own %s", NUMBER)


def in_a_thread() -> None:
    def fails() -> None:
        raise RuntimeError(f"in_a_thread {NUMBER} {KEY}")

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()


def in_a_finaliser() -> None:
    class Fails:
        def __del__(self) -> None:
            raise RuntimeError(f"in_a_finaliser {NUMBER} {KEY}")

    Fails()


def in_a_task() -> None:
    async def fails() -> None:
        raise RuntimeError(f"in_a_task {NUMBER} {KEY}")

    async def nobody_looks() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.wait([task])
        del task

    asyncio.run(nobody_looks())
    gc.collect()


def in_a_trunk() -> None:
    log.error('in_a_trunk {numbers: "%s" auth_password: "%s"}', NUMBER, TRUNK_PASSWORD)


def in_a_printed_traceback() -> None:
    try:
        raise OSError(f"in_a_printed_traceback {NUMBER} {KEY}")
    except OSError:
        traceback.print_exc()


def in_an_error_that_quotes_the_caller() -> None:
    log.error("in_an_error_that_quotes_the_caller: no place in %r", SAID)


def in_words_that_no_voice_could_say() -> None:
    error = RuntimeError(f"no audio frames were pushed for text: You have {ILLNESS}.")
    library.warning("in_words_that_no_voice_could_say: %s, retrying in %ss", error, 0.1)
    log.error("the call can't continue: the TTS failed permanently: %s", error)


def in_keys_that_were_pressed() -> None:
    log.error("in_keys_that_were_pressed: no account %s", KEYS)


def in_the_details_of_a_library() -> None:
    logging.getLogger("openai._base_client").debug("in_the_details of %s %s", SAID[:9], "quoted")


def in_a_descriptor() -> None:
    os.write(2, f"in_a_descriptor {NUMBER} {KEY}\n".encode())


def in_a_buffer() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.buffer.write(f"in_a_buffer {NUMBER} {KEY}\n".encode())
        stream.buffer.flush()


def in_the_stream_that_python_began_with() -> None:
    print("in_the_stream_that_python_began_with", NUMBER, KEY, file=sys.__stderr__, flush=True)


def in_a_subprocess() -> None:
    subprocess.run(["sh", "-c", f"echo in_a_subprocess {NUMBER} {KEY} >&2"], check=True)


def in_parts() -> None:
    for stream in (sys.stdout, sys.stderr):
        print("in_parts", NUMBER[:6], end="", file=stream, flush=True)
        print(NUMBER[6:], file=stream, flush=True)


def in_the_name_of_a_logger() -> None:
    logging.getLogger(f"crm.{NUMBER}").warning("in_the_name_of_a_logger")


def in_a_spelling() -> None:
    log.info("in_a_spelling id%s %s", NUMBER[1:], list(NUMBER[1:]))


def in_the_shape_of_a_token() -> None:
    log.info("in_the_shape_of_a_token %s, crm --password %s", TOKEN, TOKEN[4:])


BELOW_PYTHON = (
    in_a_descriptor,
    in_a_buffer,
    in_the_stream_that_python_began_with,
    in_a_subprocess,
    in_parts,
)
"""Leaks that only the pipes of a serving host keep back."""
LEAKS = (
    in_the_name_of_a_logger,
    in_a_spelling,
    in_the_shape_of_a_token,
    in_a_message,
    in_a_library,
    in_a_traceback,
    in_the_fields_of_a_line,
    in_orders_to_a_terminal,
    in_a_wrong_format,
    in_a_warning,
    in_print,
    in_a_handler_of_its_own,
    in_a_thread,
    in_a_finaliser,
    in_a_task,
    in_a_trunk,
    in_a_printed_traceback,
    in_an_error_that_quotes_the_caller,
    in_words_that_no_voice_could_say,
    in_keys_that_were_pressed,
    in_the_details_of_a_library,
)


def leak(*below: Callable[[], None]) -> None:
    """Tell all of it, and end as a process does that nobody catches."""
    for each in (*below, *LEAKS):
        each()
    raise SystemError(f"in_the_end {NUMBER} {KEY}")


def of_a_call(line: socket.socket) -> None:
    """Be the process of a call, as LiveKit starts one."""
    from livekit.agents.ipc.log_queue import LogQueueHandler
    from livekit.agents.utils import aio

    root = logging.getLogger()
    root.setLevel(logging.DEBUG)
    handler = LogQueueHandler(aio.duplex_unix._Duplex.open(line))
    root.addHandler(handler)
    logs.keep_private_in_call(load_settings())
    keep_out(lambda: [SAID], lambda: [KEYS], lambda: [NUMBER])
    try:
        leak(*BELOW_PYTHON)
    finally:
        handler.close()


def with_a_call() -> None:
    """Be the host of one call."""
    from livekit.agents.ipc.log_queue import LogQueueListener
    from livekit.agents.utils import aio

    ours, its = socket.socketpair()
    call = multiprocessing.get_context("spawn").Process(target=of_a_call, args=(its,))
    call.start()
    its.close()

    def nothing_more(record: Any) -> None:
        return None

    listener = LogQueueListener(aio.duplex_unix._Duplex.open(ours), nothing_more)
    listener.start()
    call.join()
    listener.stop()


def of_a_call_that_was_made_ready() -> None:
    """Be the process of a call whose persona has made a handler when it was imported."""
    logs.keep_private_in_call(load_settings())
    assert sys.stderr is logging.getLogger("ann").handlers[0].stream  # type: ignore[attr-defined]
    logging.getLogger("ann").error("in_a_handler_made_at_import %s %s", NUMBER, KEY)


def with_two_calls_of_a_forkserver() -> None:
    """Be the host of calls whose processes are forked from one that has imported everything."""
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(["host.server.preload"])
    for _ in range(2):
        call = forkserver.Process(target=of_a_call_that_was_made_ready)
        call.start()
        call.join()
        assert call.exitcode == 0


if __name__ == "__main__":
    process, form = sys.argv[1:]
    logs.log_as_json() if form == "json" else logs.log_to_terminal(verbose=form == "verbose")
    logs.keep_private(load_settings())
    if process == "command":
        keep_out(lambda: [SAID], lambda: [KEYS], lambda: [NUMBER])
        leak()
    with masked_descriptors(mask):
        if process == "call":
            with_a_call()
        elif process == "forkserver":
            with_two_calls_of_a_forkserver()
        else:
            keep_out(lambda: [SAID], lambda: [KEYS], lambda: [NUMBER])
            leak(*BELOW_PYTHON)
