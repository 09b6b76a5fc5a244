"""What is said in the benchmark of speed, by all targets and by their callers, and when."""

INSTRUCTIONS = "You answer the telephone of the benchmark."
GREETING = "Hello and welcome to the benchmark today"
"""One sentence, so that its sound has no pause of its own."""
REPLY = "It is ten now"
QUESTION = "What time is it now"
"""Without a pause that ends an utterance."""
PAUSES = (0.4, 0.6, 0.3, 0.5, 0.7, 0.8)
"""Seconds of silence in the middle of questions that have a pause, in their order."""

STT_FINAL = 0.2
"""Seconds of silence after which speech recognition tells its final transcript."""
FIRST_TOKEN = 0.2
"""Seconds from a request to the LLM to its first token."""
FIRST_BYTE = 0.12
"""Seconds from a text to the first byte of its sound."""
A_WORD = 0.25
"""Seconds of sound for one word of the agent's."""
BLOCKED = 5.0
"""Seconds for which a persona blocks its event loop."""
BLOCKS_AFTER = 4.0
"""Seconds from its first sound until it does."""

ENDPOINTING: dict[str, float | None] = {"quick": 0.3, "default": None, "patient": 0.8}
"""Seconds from the last speech to the end of a turn (LiveKit's `min_delay`); None: as the target
has it without a setting."""
BEHAVIOURS = ("hums", "blocks")
"""Personas that make an unbroken sound; the second one also blocks."""


def persona(does: str) -> str:
    """Name the persona that has an endpointing setting or a behaviour."""
    return f"bench-{does}"


ALL = tuple(persona(each) for each in (*ENDPOINTING, *BEHAVIOURS))
"""The personas that are called."""
