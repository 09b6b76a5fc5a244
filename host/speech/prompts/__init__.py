"""Speech that needs no provider during a call: rendered at start-up and cached on disk."""

from host.speech.prompts.player import PromptPlayer
from host.speech.prompts.refresh import keep_sounds
from host.speech.prompts.rendered import RenderedSpeech
from host.speech.prompts.sound import sound_of

__all__ = ["PromptPlayer", "RenderedSpeech", "keep_sounds", "sound_of"]
