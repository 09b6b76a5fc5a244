"""Bank: asks for a secret number and an amount, and for a number when the model wants it."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the bank of the tests."


@hookimpl
def greeting(call):
    return "Welcome to the bank."


@hookimpl
async def call_greeted(call):
    secret = await call.collect_digits(
        "Please type your secret number.", length=8, valid="47110815", private=True
    )
    amount = await call.collect_digits("Please type the amount.", first_timeout=4)
    await call.say(f"Thank you. {'All is well.' if secret + amount == '471108152500' else 'Alas.'}")


@hookimpl
def tools(call):
    async def ask_for_number() -> str:
        """Ask for the number of the caller."""
        number = await call.collect_digits("Please type your own number now.", private=True)
        return f"The number is {number}."

    return [ask_for_number]
