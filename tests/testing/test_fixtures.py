"""The pytest plugin, as pytest loads it wherever the host is installed."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from authors import install_plugin, run_pytest

pytestmark = pytest.mark.processes

FLORIST = '''
    """Florist: says hello."""

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You are the florist."

    @hookimpl
    def greeting(call):
        return "Here is the florist."
    '''
TALKS = """
    import pytest

    @pytest.mark.asyncio
    async def test_roses(conversation):
        async with conversation("florist") as talk:
            assert talk.greeting.text == "Here is the florist."
            turn = await talk.say("Roses?")
            assert turn.text == "We have roses."
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An author's folder, and beside it a host that is installed with its plugin."""
    install_plugin(tmp_path / "installed")
    write(tmp_path / "own" / "personas" / "florist.py", FLORIST)
    rules = '[[rules]]\nhears = "roses"\nsays = "We have roses."\n'
    write(tmp_path / "own" / "personas" / "florist.rules.toml", rules)
    return tmp_path / "own"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))


async def run(folder: Path, *, returns: int = 0) -> str:
    """Run an author's tests with the plugin installed."""
    return await run_pytest(folder, returns=returns, installed=folder.parent / "installed")


async def test_an_installed_host_brings_the_fixtures_and_shows_the_conversations_of_what_failed(
    folder: Path,
) -> None:
    write(folder / "test_roses.py", TALKS)
    write(folder / "test_lilies.py", TALKS.replace("We have roses.", "We have lilies."))
    told = await run(folder, returns=1)
    assert "1 failed, 1 passed" in told
    assert told.count("conversation 1 of 1 with florist") == 1
    shown = told.partition("conversation 1 of 1 with florist")[2].splitlines()[1:5]
    assert [" ".join(line.split()) for line in shown] == [
        "persona Here is the florist.",
        "caller Roses?",
        "persona We have roses.",
        "completed: the caller hung up",
    ]


async def test_a_conftest_may_name_the_plugin_as_before(folder: Path) -> None:
    write(folder / "test_roses.py", TALKS)
    write(
        folder / "conftest.py",
        """
        import pytest
        from host.testing import Rule

        pytest_plugins = ["host.testing.fixtures"]

        @pytest.fixture(scope="session")
        def model_rules():
            return [Rule(hears="roses", says="We have roses.")]
        """,
    )
    (folder / "personas" / "florist.rules.toml").unlink()
    assert "1 passed" in await run(folder)


async def test_the_plugin_is_found_without_being_installed(folder: Path) -> None:
    write(folder / "test_roses.py", TALKS)
    write(folder / "conftest.py", 'pytest_plugins = ["host.testing.fixtures"]\n')
    assert "1 passed" in await run_pytest(folder)


async def test_whoever_tests_something_else_loads_nothing_of_it(folder: Path) -> None:
    write(
        folder / "test_else.py",
        """
        import sys

        def test_that_has_nothing_to_do_with_telephones(request):
            assert request.config.pluginmanager.hasplugin("host.testing.fixtures")
            heavy = ("livekit", "aiohttp", "numpy", "openai", "opentelemetry", "phonenumbers")
            assert not [name for name in heavy if name in sys.modules]
        """,
    )
    assert "1 passed" in await run(folder)


async def test_nobody_needs_pytest_asyncio_for_other_tests(folder: Path) -> None:
    away = """
        import sys

        class Away:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "pytest_asyncio":
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        sys.meta_path.insert(0, Away())
        """
    write(folder.parent / "installed" / "without_asyncio.py", away)
    write(folder / "test_else.py", "def test_that_has_nothing_to_do_with_telephones(): pass\n")
    write(folder / "test_scene.py", "def test_by_telephone(scene): pass\n")
    write(folder / "pytest.ini", "[pytest]\naddopts = -p without_asyncio -p no:asyncio\n")
    told = await run(folder, returns=1)
    assert "1 passed, 1 error" in told
    assert "the fixture `scene` needs pytest-asyncio: pip install 'host[testing]'" in told
