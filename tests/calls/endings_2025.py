"""The table of endings: what the LiveKit SIP of 2025 tells otherwise, and must be named alike."""

from __future__ import annotations

from endings import DESK, taken
from endings_dialled import DELETED, NO_ANSWER, NO_CREDENTIALS, NO_RESPONSE, refused
from people import goes
from ways import Rings, drop_it, once_it_talks

from host.local.phone import FailsTransfer, RefusesTransfer

BY_2025 = [
    *map(refused, (404, 408, 480, 486, 503, 600, 603)),
    NO_CREDENTIALS,
    NO_ANSWER,
    NO_RESPONSE,
    DELETED,
    taken("the telephone is lost", Rings("ends", meanwhile=once_it_talks(drop_it))),
    *(
        taken(
            name,
            Rings(
                "desk",
                goes(DESK, "let us go on then", says="Please put me through."),
                on_transfer=reply,
            ),
        )
        for name, reply in (
            ("a transfer is refused", RefusesTransfer(603)),
            ("a transfer's target is busy", FailsTransfer(486)),
        )
    ),
]
