"""Set-up: which Python is chosen, when packages are installed again, what is said."""

import pytest

from host.local.setup import Python, SetupError, choose_python


def test_the_newest_python_that_can_make_a_venv_is_chosen() -> None:
    pythons = [
        Python("python3.13", (3, 13), False),
        Python("python3.11", (3, 11), True),
        Python("python3.12", (3, 12), True),
    ]
    assert choose_python(pythons).program == "python3.12"


def test_without_any_python_a_line_says_what_to_install() -> None:
    with pytest.raises(SetupError, match="apt-get install python3"):
        choose_python([Python("python3", (3, 9), True)])
