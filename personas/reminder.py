"""Reminder: phones a patient about tomorrow's appointment."""

from pydantic import BaseModel, Field

from host import LeaveMessage, as_data, hookimpl

class Appointment(BaseModel):
    patient: str = Field(max_length=80)
    time: str = Field(max_length=80)

@hookimpl
def parse_metadata(metadata):
    return Appointment.model_validate(metadata)

@hookimpl
def instructions(call):
    return f"Confirm that the patient can come. Be brief. {as_data(call.details)}"

@hookimpl
def greeting(call):
    return f"Hello, this is Molar Dental calling for {call.details.patient}."

@hookimpl
def voicemail_policy(call):
    return LeaveMessage(f"Your appointment is at {call.details.time}. Goodbye.")
