"""Speech on one machine with no account: a voice, ears, and proof of what was said when.

`speak` is the voice (the program flite), `Ears` recognise the sentences of a scene (pocketsphinx),
`locate` finds a spoken sentence in a recording, sample by sample.
"""

from host.local.speech.voice import sentences_of, speak, synthesize

__all__ = ["sentences_of", "speak", "synthesize"]
