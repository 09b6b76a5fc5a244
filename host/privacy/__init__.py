"""Privacy: masks numbers, keys, secrets and speech in text, and makes files private."""

from host.privacy.files import (
    close_to_others,
    private_folder,
    private_opener,
    write_for_owner_only,
    write_whole,
)
from host.privacy.mask import Mask, current, keep_out, mask, use, without_secrets
from host.privacy.numbers import BULLETS, mask_number, mask_room, mask_words
from host.privacy.pseudonyms import NAMED, Pseudonyms
from host.privacy.secrets import names_a_secret, secrets_of
from host.privacy.streams import MaskedStream
from host.privacy.words import mask_said

__all__ = [
    "BULLETS",
    "NAMED",
    "Mask",
    "MaskedStream",
    "Pseudonyms",
    "close_to_others",
    "current",
    "keep_out",
    "mask",
    "mask_number",
    "mask_room",
    "mask_said",
    "mask_words",
    "names_a_secret",
    "private_folder",
    "private_opener",
    "secrets_of",
    "use",
    "without_secrets",
    "write_for_owner_only",
    "write_whole",
]
