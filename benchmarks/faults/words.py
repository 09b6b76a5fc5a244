"""What is said in the benchmark, by both arms' persona and by its callers."""

INSTRUCTIONS = "You are the reader of the benchmark."
GREETING = "This is the reading room. What can I do for you?"
STORY = (
    "Once there was a small town by the sea. "
    "Every morning the old man went down to the harbour and looked at the boats. "
    "In the evening he told the children what he had seen."
)
HEARING_YOU = "Yes, I can hear you well."
DONE = "That is done now."

DO_IT = "Do it now please."
TELL = "Please tell me a story."
ARE_YOU_THERE = "Can you hear me?"
