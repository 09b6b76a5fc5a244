"""What the host says without any provider: sounds that are made at start-up and kept on disk."""

from host.speech.prompts.player import PromptPlayer
from host.speech.prompts.refresh import keep_sounds
from host.speech.prompts.sound import sound_of

__all__ = ["PromptPlayer", "keep_sounds", "sound_of"]
