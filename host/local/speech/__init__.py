"""Local speech: TTS, STT, and locating speech in a recording.

`speak` is the TTS (flite), `Transcriber` the STT, which recognises the `Sentences` of a scene
(pocketsphinx), and `locate` finds a spoken text in a recording, sample by sample.
"""

from host.local.speech.heard import Event, Heard, SpeechEnded, SpeechStarted
from host.local.speech.locate import Found, locate
from host.local.speech.sentences import Sentences
from host.local.speech.transcriber import Transcriber
from host.local.speech.voice import sentences_of, speak, synthesize

__all__ = [
    "Transcriber",
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
