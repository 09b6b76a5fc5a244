"""Speech on one machine with no account: a voice, ears, and proof of what was said when.

`speak` is the voice (the program flite), `Ears` hear the `Sentences` of a scene (pocketsphinx),
`locate` finds a spoken text in a recording, sample by sample.
"""

from host.local.speech.ears import Ears
from host.local.speech.heard import Event, Heard, SpeechEnded, SpeechStarted
from host.local.speech.locate import Found, locate
from host.local.speech.sentences import Sentences
from host.local.speech.voice import sentences_of, speak, synthesize

__all__ = [
    "Ears",
    "Event",
    "Found",
    "Heard",
    "Sentences",
    "SpeechEnded",
    "SpeechStarted",
    "locate",
    "sentences_of",
    "speak",
    "synthesize",
]
