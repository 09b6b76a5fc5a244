"""Checks of what tests connect and play, so that a mistake is reported where it was made."""

from inspect import iscoroutine, iscoroutinefunction

from host.local.exchange.line import PersonScript
from host.local.exchange.subscriber import Subscriber

TELEPHONE = 'a telephone, such as Telephone(script=...), Busy() or voicemail("...")'
SCRIPT = "a script, an async function that takes the line"


def check_telephone(number: str, phone: object) -> None:
    """Raise TypeError if `phone` can't be connected to a number."""
    if not isinstance(phone, Subscriber):
        raise TypeError(f"connect({number!r}, ...) takes {TELEPHONE}{_instead(phone, phone=True)}")


def check_script(where: str, script: PersonScript | None) -> None:
    """Raise TypeError if `script` can't be played by a telephone; None is no script.

    `where` names the argument in the error.
    """
    if script is not None and not callable(script):
        raise TypeError(f"{where} is {SCRIPT}{_instead(script, phone=False)}")


def _instead(given: object, *, phone: bool) -> str:
    """Say what was given instead, and what was probably meant."""
    name = getattr(given, "__name__", None) or type(given).__name__
    if phone and iscoroutinefunction(given):
        return f", not the script {name}: did you mean Telephone(script={name})?"
    if phone and callable(given):
        return f", not the function {name}: did you mean {name}()?"
    if iscoroutine(given):
        given.close()  # otherwise Python warns that nobody awaited it
        return f", not its result {name}(): did you mean {name}?"
    if isinstance(given, Subscriber):
        return ", not a telephone"
    return f", not {given!r}"
