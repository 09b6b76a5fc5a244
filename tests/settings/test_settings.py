"""Settings: the environment, `.env` and host.toml, and the two examples of them."""

from __future__ import annotations

import itertools
import os
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from deployment import HERE, Deployment
from dotenv import dotenv_values
from pydantic import SecretStr

from host.base.errors import SettingsError
from host.local.process import OF_A_DEPLOYMENT
from host.registry import bundled_plugins, read_settings
from host.settings import (
    PASSWORDS,
    PersonaSettings,
    Settings,
    Shared,
    SipTrunks,
    env_name,
    load_settings,
    misspelt_settings,
)
from host.settings.plugins import variables_of

ENV_EXAMPLE = HERE.parent / ".env.example"
TEMPLATE = HERE.parent / "host/cli/new/templates/env"
TOML_EXAMPLE = HERE.parent / "host.example.toml"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environment: None) -> Path:
    """An empty working directory, and an environment without settings."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal() -> str:
    """Load the settings and return what is wrong with them."""
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert "\n" not in str(error.value)
    return str(error.value)


# Sources


def test_with_nothing_set_the_folders_of_the_working_directory_are_used(here: Path) -> None:
    settings = load_settings()
    assert settings.agent_name == "host"
    assert settings.personas_dir.absolute() == here / "personas"
    assert settings.plugins_dir.absolute() == here / "plugins"


def test_relative_paths_of_host_toml_start_at_its_own_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "etc").mkdir()
    (here / "etc" / "host.toml").write_text(
        'personas_dir = "ours"\ncall_log = "/var/log/calls.jsonl"\ncall_database = "calls.db"\n'
    )
    os.environ.update(HOST_CONFIG="etc/host.toml", HOST_STATE_DIR="state")
    settings = load_settings()
    assert settings.personas_dir == Path("etc/ours")
    assert settings.call_log == Path("/var/log/calls.jsonl")
    assert settings.call_database == Path("etc/calls.db")
    assert settings.state_dir == Path("state"), "a variable is the shell's, and so is its folder"


def test_the_environment_weighs_more_than_dotenv_and_dotenv_more_than_host_toml(
    here: Path,
) -> None:
    (here / "host.toml").write_text("max_calls = 1\nmax_duration = 2\ntrunk = 'ST_3'\n")
    (here / ".env").write_text("HOST_MAX_CALLS=11\nHOST_MAX_DURATION=12\n")
    os.environ["HOST_MAX_CALLS"] = "111"
    settings = load_settings()
    assert (settings.max_calls, settings.max_duration, settings.trunk) == (111, 12, "ST_3")


def test_numbers_that_host_toml_denies_stay_denied_beside_those_of_the_environment(
    here: Path,
) -> None:
    os.environ["HOST_DENY_NUMBERS"] = "+12125550101,+1900*"
    assert load_settings().deny_numbers == ("+12125550101", "+1900*")
    (here / "host.toml").write_text(
        'deny_numbers = ["+12125550102"]\n[personas.ann]\ndeny_numbers = ["+12125550103"]\n'
    )
    assert set(load_settings().persona("ann").deny_numbers) == {
        "+12125550101",
        "+1900*",
        "+12125550102",
        "+12125550103",
    }
    os.environ["HOST_DENY_NUMBERS"] = ""
    assert load_settings().deny_numbers == ("+12125550102",)


def test_denied_numbers_that_are_none_are_told_wherever_they_stand(here: Path) -> None:
    os.environ["HOST_DENY_NUMBERS"] = "+12125550101"
    (here / "host.toml").write_text("deny_numbers = 7\n")
    assert refusal() == "HOST_DENY_NUMBERS must be text"


def test_host_config_names_another_host_toml(here: Path) -> None:
    (here / "other.toml").write_text("max_calls = 7\n")
    os.environ["HOST_CONFIG"] = "other.toml"
    assert load_settings().max_calls == 7
    assert load_settings().config == Path("other.toml")


def test_an_empty_variable_counts_as_not_set(here: Path) -> None:
    (here / "host.toml").write_text("max_calls = 7\n")
    for name in ("MAX_CALLS", "TRUNK", "PERSONAS_DIR", "DEFAULT_PERSONA", "CONFIG"):
        os.environ[f"HOST_{name}"] = ""
    os.environ["LIVEKIT_SIP_OUTBOUND_TRUNK"] = "ST_1"
    settings = load_settings()
    assert settings.max_calls == 7
    assert settings.trunk == "ST_1"
    assert settings.default_persona is None
    assert settings.personas_dir == Path("personas")


def test_an_empty_agent_name_means_every_new_room(here: Path) -> None:
    (here / "host.toml").write_text('agent_name = "host"\n')
    os.environ["HOST_AGENT_NAME"] = ""
    assert load_settings().agent_name == ""


def test_keys_of_others_have_their_own_names(here: Path) -> None:
    os.environ["LIVEKIT_API_SECRET"] = "s3cret"
    os.environ["OPENAI_API_KEY"] = "k3y"
    settings = read_settings()
    assert settings.livekit_api_secret.get_secret_value() == "s3cret"
    assert settings.plugin("openai").api_key.get_secret_value() == "k3y"
    assert "s3cret" not in repr(settings)
    assert "k3y" not in repr(settings)


def test_settings_cannot_be_changed(here: Path) -> None:
    settings = load_settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.max_calls = 3  # type: ignore[misc]


# Mistakes


def test_every_wrong_setting_is_named_in_one_line(here: Path) -> None:
    (here / "host.toml").write_text(
        "max_cals = 3\n[personas.ann]\nnumbrs = ['1']\nmax_duration = 0\nringing_timeout = 79\n"
    )
    os.environ["HOST_HEALTH_PORT"] = "high"
    text = refusal()
    assert text.split("; ") == [
        "HOST_HEALTH_PORT must be a whole number",
        "host.toml: [personas.ann] ringing_timeout must be 78 or less",
        "host.toml: [personas.ann] max_duration must be greater than 0",
        "host.toml: [personas.ann] numbrs is no setting",
        "did you mean numbers?",
        "host.toml: max_cals is no setting",
        "did you mean max_calls?",
    ]


def test_a_wrong_key_is_named_and_not_shown(here: Path) -> None:
    (here / "host.toml").write_text("api_token = 12345\n")
    assert "12345" not in refusal()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"max_calls = [", "host.toml: "),
        (b"max_calls = 1\nmax_calls = 2", "host.toml: "),
        (b"\xff", "host.toml: 'utf-8' codec can't decode"),
        (b"personas = 3", "host.toml: personas must be a table"),
    ],
)
def test_a_host_toml_that_cannot_be_read_is_named(here: Path, content: bytes, reason: str) -> None:
    (here / "host.toml").write_bytes(content)
    assert refusal().startswith(reason)


@pytest.mark.parametrize("name", PASSWORDS)
def test_a_password_of_a_trunk_stands_in_the_environment_alone(here: Path, name: str) -> None:
    (here / "host.toml").write_text(f'{name} = "hush"\n')
    os.environ[env_name(name)] = "hush"
    variable = f"HOST_{name.upper()}"
    assert refusal() == f"host.toml: {name} belongs into .env, as {variable}: it is a secret"


def test_mistakes_in_the_table_of_trunks_are_named(here: Path) -> None:
    (here / "host.toml").write_text(
        '[sip]\naddress = "sip:carrier.example"\nallowed_addresses = ["10.0.0.0/33"]\n'
        'transprt = "tls"\nroom_prefix = "a b"\n'
    )
    text = refusal()
    assert text.split("; ") == [
        "host.toml: [sip] address must be a host name or an IP address, such as "
        "sip.carrier.example",
        "host.toml: [sip] allowed_addresses must be IP addresses or networks, such as "
        "203.0.113.0/24",
        "host.toml: [sip] room_prefix must be 1 to 40 letters, digits, - or _, such as call",
        "host.toml: [sip] transprt is no setting",
        "did you mean transport?",
    ]


def test_a_host_config_that_is_not_there_is_named(here: Path) -> None:
    os.environ["HOST_CONFIG"] = "nowhere.toml"
    assert refusal() == "HOST_CONFIG names nowhere.toml, which is not there"


def test_a_dotenv_that_is_no_text_is_named(here: Path) -> None:
    (here / ".env").write_bytes(b"\xff")
    assert refusal().startswith(".env: ")


def test_a_variable_that_must_be_json_is_named(here: Path) -> None:
    os.environ["HOST_TRANSFERS"] = "operator"
    assert '"transfers"' in refusal()


def test_misspelt_variables_are_found(here: Path) -> None:
    os.environ["HOST_MAX_CALS"] = "3"
    os.environ["HOST_SOMETHING_OF_MY_OWN"] = "3"
    os.environ["HOST_LLM_MODEL"] = "gpt-5"
    assert misspelt_settings(read_settings()) == [
        "HOST_LLM_MODEL is no setting; it is HOST_LLM, as in HOST_LLM=openai/gpt-4.1-mini, or "
        "HOST_OPENAI_MODEL now",
        "HOST_MAX_CALS is no setting; did you mean HOST_MAX_CALLS?",
    ]


# Per persona


def test_a_persona_has_the_shared_values_and_its_own_before_them(deployment: Deployment) -> None:
    deployment.write(
        "host.toml",
        """\
        trunk = "ST_shared"
        caller_id = "+15550000000"
        [transfers]
        operator = "+15550009999"
        billing = "+15550008888"
        [personas.ann]
        trunk = "ST_ann"
        max_duration = 60
        [personas.ann.transfers]
        billing = "+15550007777"
        """,
    )
    ann, bob = (load_settings().persona(name) for name in ("ann", "bob"))
    assert (ann.trunk, ann.caller_id, ann.max_duration) == ("ST_ann", "+15550000000", 60)
    numbers = {name: target.number for name, target in ann.transfers.items()}
    assert numbers == {"operator": "+15550009999", "billing": "+15550007777"}
    assert (bob.trunk, bob.max_duration, bob.ringing_timeout) == ("ST_shared", 900, 30)
    assert bob.transfers["billing"].number == "+15550008888"
    assert bob.numbers == ()


# Descriptions and examples


@pytest.mark.parametrize("model", [Settings, PersonaSettings])
def test_every_setting_is_described(model: type[Settings] | type[PersonaSettings]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name


def env_example(file: Path = ENV_EXAMPLE) -> dict[str, str]:
    """Return the variables of an example of .env, those that are commented out included."""
    lines = file.read_text().splitlines()
    found = [re.fullmatch(r"(?:# )?([A-Z_]+)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def toml_example() -> str:
    """Return host.example.toml with everything that is commented out brought in."""
    text = TOML_EXAMPLE.read_text()
    return re.sub(r"^# (?=[a-z_]+ = |\[)", "", text, flags=re.MULTILINE)


def test_the_env_example_has_every_secret_and_the_address_of_livekit() -> None:
    secrets = {
        env_name(name)
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr or SecretStr in get_args(field.annotation)
    }
    of_plugins = {
        variables_of(plugin.name, plugin.settings)[name][0]
        for plugin in bundled_plugins()
        if plugin.settings
        for name, field in plugin.settings.model_fields.items()
        if field.annotation is SecretStr
    }
    assert {"DEEPGRAM_API_KEY", "HOST_WEBHOOK_SECRET"} <= of_plugins
    assert set(env_example()) == secrets | of_plugins | {"LIVEKIT_URL", "HOST_TRUNK"}
    of_providers = {name for name in of_plugins if not name.startswith("HOST_")}
    assert of_providers <= set(env_example(TEMPLATE))


def test_no_variable_of_a_bundled_plugin_reaches_the_hosts_of_tests_and_of_local_worlds() -> None:
    for plugin in bundled_plugins():
        if plugin.settings:
            variables = variables_of(plugin.name, plugin.settings)
            for name in itertools.chain.from_iterable(variables.values()):
                assert name.startswith(OF_A_DEPLOYMENT)


def test_the_env_example_can_be_used_as_it_is(here: Path) -> None:
    (here / ".env").write_text(ENV_EXAMPLE.read_text())
    assert dotenv_values(ENV_EXAMPLE)
    assert load_settings() == Settings.model_construct()


def test_everything_in_the_env_example_is_accepted(here: Path) -> None:
    (here / "host.toml").write_text("")
    (here / ".env").write_text(
        "\n".join(f"{name}={value}" for name, value in env_example().items())
    )
    assert read_settings().trunk == "ST_example"


def test_the_toml_example_can_be_used_as_it_is(here: Path) -> None:
    (here / "host.toml").write_text(TOML_EXAMPLE.read_text())
    settings = load_settings()
    assert set(settings.personas) == {"receptionist", "reminder", "survey"}
    assert settings.persona("survey") == Settings().persona("nobody")


def test_the_toml_example_has_every_setting_and_no_other(here: Path) -> None:
    shown = tomllib.loads(toml_example())
    assert set(shown) == set(Settings.model_fields) - {"config", *PASSWORDS}
    assert set(shown["sip"]) == set(SipTrunks.model_fields)
    own = set(PersonaSettings.model_fields) - set(Shared.model_fields)
    assert own <= set(shown["personas"]["receptionist"]) <= set(PersonaSettings.model_fields)
    assert {name: set(table) for name, table in shown["plugins"].items()} == {
        plugin.name: set(plugin.settings.model_fields)
        for plugin in bundled_plugins()
        if plugin.settings
    }
    (here / "host.toml").write_text(toml_example())
    assert read_settings().persona("receptionist").numbers == ("+15550001111",)


def test_the_toml_example_shows_the_defaults(here: Path) -> None:
    shown = tomllib.loads(toml_example())
    defaults = {
        name: shown[name]
        for name, field in Settings.model_fields.items()
        if name in shown
        and name not in ("transfers", "words", "sip", "prices", "personas", "plugins")
        and field.default not in (None, "", SecretStr(""))
    }
    assert_the_same_but_for_folders(Settings(**defaults), Settings.model_construct())


def assert_the_same_but_for_folders(settings: Settings, default: Settings) -> None:
    """Compare settings; the folders are absolute by default, and relative in the examples."""
    for name in Settings.model_fields:
        value, expected = getattr(settings, name), getattr(default, name)
        if isinstance(expected, Path) and expected.is_absolute():
            value = HERE.parent / value
        assert value == expected, name


# Several personas in one call


def test_the_record_of_several_personas_is_as_private_as_the_strictest(here: Path) -> None:
    (here / "host.toml").write_text(
        "record_numbers = true\nrecord_digits = true\nrecord = true\n"
        "[personas.ann]\n"
        "[personas.bob]\nrecord_numbers = false\nrecord = false\n"
        "[personas.cat]\nmask_digits = true\nrecord_transcripts = false\n"
    )
    settings = load_settings()

    def shown(*names: str) -> tuple[bool, ...]:
        of = settings.of_a_call(names)
        return (of.record_numbers, of.record_digits, of.record_transcripts, of.record)

    assert shown("ann") == (True, True, True, True)
    assert shown("ann", "bob") == shown("bob", "ann") == (False, True, True, False)
    assert shown("ann", "cat") == (True, False, False, True), "who masks keys masks all"
    assert shown("ann", "bob", "cat", "ann") == (False, False, False, False)
    assert settings.of_a_call([]) == settings.persona("")


def test_the_personas_that_may_get_a_call_are_those_of_all_further_handovers(here: Path) -> None:
    (here / "host.toml").write_text(
        "[personas.ann]\nhands_over_to = ['bob']\n"
        "[personas.bob]\nhands_over_to = ['ann', 'cat']\n"
        "[personas.cat]\nhands_over_to = ['bob', 'dan']\n"
    )
    settings = load_settings()
    assert settings.reachable_from("ann") == {"bob", "cat", "dan"}
    assert settings.reachable_from("dan") == set()
    assert settings.longest_call("dan") == settings.max_duration
    assert settings.longest_call("ann") == settings.longest_call("cat") == 4 * settings.max_duration
