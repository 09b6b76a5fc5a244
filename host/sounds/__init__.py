"""What the host says without any provider: sounds that are made at start-up and kept on disk."""

from host.sounds.keeping import keep_sounds
from host.sounds.room_voice import RoomVoice
from host.sounds.sound import sound_of

__all__ = ["RoomVoice", "keep_sounds", "sound_of"]
