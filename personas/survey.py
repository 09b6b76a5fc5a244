"""Survey: asks how a visit was; the answer is a key, or a word."""

from pydantic import BaseModel, Field

from host import as_data, hookimpl

class Visit(BaseModel):
    patient: str = Field(max_length=80)

@hookimpl
def parse_metadata(metadata):
    return Visit.model_validate(metadata)

@hookimpl
def instructions(call):
    return (
        "Ask how the visit at Molar Dental was, from one to five, and record the score. "
        f"Who you are talking to: {as_data(call.details.patient)}"
    )

@hookimpl
def greeting(call):
    return (
        f"Hello {call.details.patient}, this is Molar Dental with one question. "
        "How was your visit? Press a key from one to five."
    )

@hookimpl
async def digit_pressed(call, digit):
    if digit in "12345":
        await take(call, int(digit))

@hookimpl
def tools(call):
    async def record_score(score: int) -> None:
        """Record the score, from 1 to 5, that was given in words."""
        await take(call, score)

    return [record_score]

async def take(call, score):
    """Keep the first score and say goodbye."""
    if not hasattr(call.state, "score"):
        call.state.score = score
        await call.hang_up("Thank you for your answer. Goodbye.")
