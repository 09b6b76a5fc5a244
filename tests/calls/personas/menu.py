"""Menu: offers a menu when it has greeted, and says what was chosen."""

from host import Menu, NoKeys, hookimpl

CITIES = Menu("For London press one. For Paris press two.", {"1": "London", "2": "Paris"})
MENU = Menu(
    "For the office press one. For a city press two. You may also write us a letter. "
    "For everything else stay on the line.",
    {"1": "the office", "2": CITIES},
    tries=2,
    timeout=4,
)


@hookimpl
def instructions(call):
    return "You are the menu of the tests."


@hookimpl
def greeting(call):
    return "Welcome to the menu."


@hookimpl
async def call_greeted(call):
    try:
        choice = await call.choose(MENU)
    except NoKeys:
        await call.hang_up("Nobody has chosen. Goodbye.")
    else:
        await call.say(f"You have chosen {choice}.")
