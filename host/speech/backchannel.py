"""Backchannels: the words by which a listener shows attention and does not ask for the floor.

"Okay" and "I see" are backchannels; "okay, but" and "no" are not. A backchannel consists of the
phrases below, at most LONGEST words in all. They are words, not sounds of a recording: the STT
decides how it writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 5
"""Words of a backchannel. "Yes yes yes yes yes yes" is impatience, and interrupts."""

_ANY_LANGUAGE = (
    *("ah", "aha", "hm", "hmm", "mhm", "mhmm", "mm", "mmhmm", "mm hm", "mm hmm", "oh", "ok"),
    *("okay", "uh huh"),
)
_PHRASES = {
    "de": (
        *("ach ja", "ach so", "achso", "alles klar", "also gut", "äh", "ähm", "eben", "genau"),
        *("gut", "ich verstehe", "in ordnung", "ja", "jaja", "jawohl", "jep", "jo", "klar"),
        *("natürlich", "prima", "richtig", "schön", "sehr gut", "sicher", "stimmt", "super"),
        *("verstanden", "verstehe"),
    ),
    "en": (
        *("absolutely", "all right", "alright", "cool", "exactly", "fine", "go on", "good"),
        *("got it", "great", "i see", "i understand", "indeed", "makes sense", "nice", "of course"),
        *("perfect", "right", "sounds good", "sure", "that makes sense", "true", "uh", "um"),
        *("understood", "yeah", "yep", "yes", "yup"),
    ),
    "es": (
        *("ajá", "así es", "bien", "bueno", "cierto", "claro", "claro que sí", "comprendo"),
        *("correcto", "de acuerdo", "eh", "ehm", "entendido", "entiendo", "está bien", "exacto"),
        *("lo entiendo", "muy bien", "perfecto", "por supuesto", "sí", "si", "vale", "ya"),
        *("ya veo",),
    ),
    "fr": (
        *("ah bon", "bien", "bien sûr", "bon", "ça marche", "c'est ça", "compris", "d'accord"),
        *("entendu", "euh", "exact", "exactement", "hum", "je comprends", "je vois", "oui"),
        *("ouais", "parfait", "super", "très bien", "voilà"),
    ),
}
"""Phrases by language. "No" is in none of them: it may be an objection."""


class Backchannels:
    """The backchannels of a language, and `further` ones.

    `language` is a BCP 47 tag; a language without a list has only the sounds and "okay".
    """

    def __init__(self, language: str, further: Iterable[str] = ()) -> None:
        listed = _PHRASES.get(language.partition("-")[0].lower(), ())
        phrases = {tuple(_words(each)) for each in (*_ANY_LANGUAGE, *listed, *further)}
        self._phrases = phrases - {()}

    def match(self, text: str) -> bool:
        """Return whether an utterance is a backchannel, from its first word to its last."""
        words = _words(text)
        return 0 < len(words) <= LONGEST and len(words) in self._ends(words)

    def may_become(self, text: str) -> bool:
        """Return whether an utterance that is still being spoken may end as a backchannel.

        True for no words at all, and for "I", which may become "I see".
        """
        words = _words(text)
        if len(words) > LONGEST:
            return False
        rests = [words[end:] for end in self._ends(words)]
        return any(each[: len(rest)] == rest for rest in rests for each in self._phrases)

    def _ends(self, words: Sequence[str]) -> set[int]:
        """Return how many words phrases can cover, one after the other, from the first."""
        ends = {0}
        for start in range(len(words)):
            if start in ends:
                ends |= {
                    start + len(each)
                    for each in self._phrases
                    if words[start : start + len(each)] == each
                }
        return ends


def _words(text: str) -> tuple[str, ...]:
    """Return the words in lower case, without punctuation; "mm-hmm" is two."""
    plain = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    return tuple(re.findall(r"[^\W_]+(?:'[^\W_]+)*", plain))
