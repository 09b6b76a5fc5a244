"""Agents: a persona of several LiveKit Agents, which hand over to each other."""

import asyncio
from typing import Any

from host import hookimpl


@hookimpl
def greeting(call):
    return "You talk with the first agent."


@hookimpl
def agent(call):
    from livekit.agents import Agent, AgentTask, RunContext, StopResponse, function_tool
    from livekit.agents.beta.workflows import TaskGroup

    class Second(Agent):
        def __init__(self):
            super().__init__(instructions="You are the second agent of the tests.")

        async def on_enter(self):
            self.session.generate_reply()

    class Asks(AgentTask[str]):
        def __init__(self, question):
            super().__init__(instructions="You ask something, as a task of the tests.")
            self._question = question

        async def on_enter(self):
            self.session.say(self._question)

        async def on_user_turn_completed(self, turn_ctx, new_message):
            self.complete(new_message.text_content)
            raise StopResponse

    class First(Agent):
        def __init__(self):
            super().__init__(instructions="You are the first agent of the tests.")

        @function_tool
        async def return_second(self):
            """Return another agent."""
            return Second(), "You have been passed on."

        @function_tool
        async def update_to_second(self) -> None:
            """Update the session's agent."""
            self.session.update_agent(Second())

        @function_tool
        async def update_and_return(self):
            """Update the session's agent, and return yet another one."""
            self.session.update_agent(Second())
            return Second()

        @function_tool
        async def report_and_return(self, context: RunContext[Any]):
            """Report progress, then return another agent."""
            await context.update("It takes a moment.")
            await asyncio.sleep(1)
            return Second()

        @function_tool
        async def report_and_update(self, context: RunContext[Any]) -> None:
            """Report progress, then update the session's agent."""
            await context.update("It takes a moment.")
            await asyncio.sleep(1)
            self.session.update_agent(Second())

        @function_tool
        async def ask_twice(self) -> str:
            """Ask for name and town."""
            group = TaskGroup(summarize_chat_ctx=False)
            group.add(lambda: Asks("What is your name?"), id="name", description="the name")
            group.add(lambda: Asks("Where do you live?"), id="town", description="the town")
            results = (await group).task_results
            return f"{results['name']} of {results['town']}"

    return First()


@hookimpl
async def digit_pressed(call, digit):
    from host import HostError

    try:
        await call.hand_over("desk")
    except HostError as error:
        call.state.refused = str(error)
