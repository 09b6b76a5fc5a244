"""Parts: leaves its first words to the model."""

from .lobby import digit_pressed, greeting, instructions, tools

__all__ = ["digit_pressed", "greeting", "instructions", "tools"]
