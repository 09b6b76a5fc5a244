"""What the host says without any provider: sounds that are made at start-up and kept on disk."""

from host.speech.prompts.keeping import keep_sounds
from host.speech.prompts.room_voice import RoomVoice
from host.speech.prompts.sound import sound_of

__all__ = ["RoomVoice", "keep_sounds", "sound_of"]
