"""Imported once by LiveKit's forkserver, so that a call's process has everything when it starts.

Whatever goes wrong here stays here: an exception would stop every process from starting, and the
parent has checked and reported the same things already.
"""

import contextlib
import logging

with contextlib.suppress(Exception):
    import host.worker  # noqa: F401
    from host.registry import load
    from host.settings import load_settings

    logging.disable(logging.CRITICAL)
    try:
        load(load_settings())
    finally:
        logging.disable(logging.NOTSET)
