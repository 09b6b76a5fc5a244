"""Looks: its tools take their time, while the caller may speak."""

import asyncio

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the looking one of the tests."


@hookimpl
def greeting(call):
    return "Order desk, good morning."


@hookimpl
async def digit_pressed(call, digit):
    if digit == "*":
        await call.collect_digits("Your number please.", length=4, type_ahead=False)
        await call.say("Thank you for the number.")


@hookimpl
def tools(call):
    from livekit.agents import Agent, AgentTask, RunContext, StopResponse, ToolError, ToolResult

    async def find_order() -> str:
        """Find the caller's order."""
        await asyncio.sleep(15)
        return "It comes on Friday."

    async def find_invoice() -> str:
        """Find the caller's invoice, at once."""
        await asyncio.sleep(0.2)
        return "It was paid in May."

    async def find_refund() -> str:
        """Find the caller's refund."""
        await asyncio.sleep(20)
        raise ToolError("There is no refund.")

    async def note_complaint() -> None:
        """Take the complaint down; there is nothing to say about it."""
        await asyncio.sleep(15)

    async def note_visit() -> ToolResult:
        """Take a visit down, at once; the model says nothing about it."""
        await asyncio.sleep(0.2)
        return ToolResult("Noted.", reply_required=False)

    async def find_shop(context: RunContext[None]) -> str:
        """Find a shop; nobody may interrupt."""
        context.disallow_interruptions()
        await asyncio.sleep(15)
        return "It is in Main Street."

    async def find_history(context: RunContext[None]) -> str:
        """Find all orders, without holding up the conversation."""
        await context.update("This takes a while.", silent=True)
        await asyncio.sleep(15)
        return "There are three."

    async def ask_for_pin() -> str:
        """Ask for the PIN by keypad."""
        pin = await call.collect_digits("Your PIN please.", length=4)
        return f"The PIN is {pin}."

    async def find_hours() -> str:
        """Find the opening hours, at once."""
        return "Nine to five."

    class AsksForName(AgentTask[str]):
        async def on_enter(self) -> None:
            self.session.say("By the way, what is your name?")

        async def on_user_turn_completed(self, turn_ctx, new_message) -> None:
            self.complete(new_message.text_content)
            raise StopResponse

    async def ask_for_name() -> str:
        """Ask for the caller's name, in a conversation of its own."""
        name = await AsksForName(instructions="You ask for the name.")
        return f"The name is {name}"

    class Next(Agent):
        async def on_enter(self) -> None:
            self.session.say("This is the next one.")

    async def pass_on() -> Agent:
        """Pass the caller on to another agent."""
        await asyncio.sleep(8)
        return Next(instructions="You are the next one of the tests.")

    quick = [find_invoice, note_visit, find_hours]
    slow = [find_order, find_refund, note_complaint, find_shop, find_history, pass_on]
    return [*quick, *slow, ask_for_pin, ask_for_name]
