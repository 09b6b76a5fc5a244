"""Imported once by LiveKit's forkserver, so that a call's process has everything when it starts.

Whatever goes wrong here stays here: an exception would stop every process from starting, and the
parent has checked and reported the same things already.
"""

import contextlib
import logging
import sys

with contextlib.suppress(Exception):
    from host.logs import mask_what_is_printed

    mask_what_is_printed()  # before all else: what keeps a stream at import has it in every call

    from host.desk import check
    from host.settings import load_settings, with_any_keys

    logging.disable(logging.CRITICAL)
    try:
        # Loads the registry, and the libraries that its plugins use. The keys come with each call.
        check(with_any_keys(load_settings(dotenv=False)))
    finally:
        logging.disable(logging.NOTSET)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # each process would have it again, and tell it
