"""Settings of plugins: declared by a hook, read from host.toml and the environment, checked."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
from deployment import Deployment

from host.base.errors import SettingsError
from host.privacy import Mask
from host.privacy.environment import of_a_call, of_a_helper
from host.privacy.secrets import secrets_of
from host.registry import Registry, load, read_settings
from host.registry.configure import with_plugin_settings
from host.settings import Settings, load_settings

CRM = """
    from pydantic import BaseModel, Field, SecretStr
    from host import hookimpl

    class Crm(BaseModel):
        base_url: str = "https://crm.example"
        token: SecretStr = Field(SecretStr(""), validation_alias="CRM_TOKEN")
        teams: tuple[str, ...] = ()
        retries: int = Field(3, ge=0)

    @hookimpl
    def plugin_settings():
        return Crm
    """


@pytest.fixture
def crm(deployment: Deployment) -> Deployment:
    """A deployment with a plugin that has settings, and two personas."""
    deployment.write("plugins/crm.py", CRM)
    deployment.persona("ann")
    deployment.persona("bob")
    return deployment


def read(deployment: Deployment) -> tuple[Settings, Registry]:
    loaded = deployment.load()
    return with_plugin_settings(load_settings(), loaded), loaded


def refusal(deployment: Deployment) -> str:
    with pytest.raises(SettingsError) as error:
        read(deployment)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_plugin_has_its_defaults_where_nothing_is_set(crm: Deployment) -> None:
    settings, _ = read(crm)
    assert settings.plugin("crm").base_url == "https://crm.example"


def test_a_variable_wins_over_host_toml_and_a_persona_over_both(crm: Deployment) -> None:
    crm.write(
        "host.toml",
        """\
        [plugins.crm]
        base_url = "https://toml.example"
        retries = 5
        teams = ["one"]
        [personas.ann.plugins.crm]
        retries = 7
        """,
    )
    os.environ.update(HOST_CRM_RETRIES="6", HOST_CRM_TEAMS="one, two", HOST_CRM_BASE_URL="")
    settings, _ = read(crm)
    shared, ann = settings.plugin("crm"), settings.persona("ann").plugin("crm")
    assert (shared.base_url, shared.retries, shared.teams) == (
        "https://toml.example",
        6,
        ("one", "two"),
    )
    assert (ann.base_url, ann.retries) == ("https://toml.example", 7)
    assert settings.persona("bob").plugin("crm") == shared


def test_a_relative_path_of_host_toml_starts_at_its_own_folder(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.write(
        "plugins/prices.py",
        """
        from pathlib import Path
        from pydantic import BaseModel
        from host import hookimpl

        class Prices(BaseModel):
            table: Path | None = None
            cache: Path = Path("cache")
            log: Path | None = None
            note: str = ""

        @hookimpl
        def plugin_settings():
            return Prices
        """,
    )
    deployment.persona("ann")
    deployment.write(
        "etc/host.toml",
        """\
        [plugins.prices]
        table = "prices.csv"
        note = "a.txt"
        [personas.ann.plugins.prices]
        table = "ann.csv"
        """,
    )
    os.environ.update(HOST_CONFIG="etc/host.toml", HOST_PRICES_LOG="prices.log")
    settings, loaded = read(deployment)
    prices, anns = settings.plugin("prices"), settings.persona("ann").plugin("prices")
    assert (prices.table, anns.table) == (Path("etc/prices.csv"), Path("etc/ann.csv"))
    assert prices.cache == Path("cache"), "a default is the model's own"
    assert prices.log == Path("prices.log"), "a variable is the shell's, and so is its folder"
    assert prices.note == "a.txt"
    assert load(settings) is load(settings), "and the process of a call need not load again"


def test_a_list_in_a_variable_may_be_json(crm: Deployment) -> None:
    os.environ["HOST_CRM_TEAMS"] = '["a, b", "c"]'
    assert read(crm)[0].plugin("crm").teams == ("a, b", "c")


def test_settings_are_typed_by_the_model_that_the_plugin_declares(crm: Deployment) -> None:
    settings, loaded = read(crm)
    plugin = next(each for each in loaded.plugins if each.name == "crm")
    assert plugin.settings is not None
    assert isinstance(settings.plugin(plugin.settings), plugin.settings)


def test_settings_of_plugins_reach_the_process_of_a_call(crm: Deployment) -> None:
    os.environ.update(CRM_TOKEN="the-token-of-the-crm", HOST_CRM_RETRIES="9")
    settings, _ = read(crm)
    os.environ.pop("CRM_TOKEN")
    of_a_call: Settings = pickle.loads(pickle.dumps(settings))
    assert of_a_call.plugin("crm").token.get_secret_value() == "the-token-of-the-crm"
    assert of_a_call.persona("ann").plugin("crm").retries == 9


def test_a_secret_of_a_plugin_is_a_secret_wherever_it_was_set(crm: Deployment) -> None:
    crm.write(
        "host.toml",
        """\
        [plugins.crm]
        base_url = "https://me:in-an-address@crm.example"
        [personas.ann.plugins.crm]
        token = "of-a-persona-alone"
        """,
    )
    os.environ["CRM_TOKEN"] = "of-the-environment"
    settings, _ = read(crm)
    secrets = {"of-a-persona-alone", "of-the-environment", "in-an-address"}
    assert secrets <= secrets_of(settings, {})
    assert secrets <= secrets_of(pickle.loads(pickle.dumps(settings)), {})
    for secret in secrets:
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("toml", "variables", "told"),
    [
        (
            "[plugins.crm]\nbase_url = 3",
            {},
            "host.toml: [plugins.crm]: base_url must be text",
        ),
        (
            "[plugins.crm]\nretries = -1",
            {},
            "host.toml: [plugins.crm]: retries must be 0 or more",
        ),
        ("", {"HOST_CRM_RETRIES": "many"}, "HOST_CRM_RETRIES must be a whole number"),
        (
            "[personas.ann.plugins.crm]\nretries = 'x'",
            {},
            "host.toml: [personas.ann.plugins.crm]: retries must be a whole number",
        ),
        (
            "[plugins.crm]\nbase_ulr = 'x'",
            {},
            "host.toml: [plugins.crm]: plugin crm has no setting base_ulr; did you mean base_url?",
        ),
        (
            "[plugins.crn]",
            {},
            "host.toml: [plugins.crn]: there is no plugin crn; did you mean crm?",
        ),
        ("[plugins.keypad]", {}, "host.toml: [plugins.keypad]: plugin keypad has no settings"),
        ("[plugins]\ncrm = 3", {}, "host.toml: [plugins] crm must be a table"),
    ],
)
def test_what_is_wrong_is_one_line_with_its_place_and_what_is_expected(
    crm: Deployment, toml: str, variables: dict[str, str], told: str
) -> None:
    crm.write("host.toml", toml)
    os.environ.update(variables)
    assert refusal(crm) == told


def test_a_setting_that_is_needed_and_missing_says_where_to_set_it(crm: Deployment) -> None:
    crm.write("plugins/crm.py", CRM.replace("retries: int = Field(3, ge=0)", "retries: int"))
    assert refusal(crm) == (
        "host.toml: [plugins.crm]: retries is missing (or set HOST_CRM_RETRIES)"
    )


def test_no_value_stands_in_a_fault(crm: Deployment) -> None:
    crm.write("host.toml", "[plugins.crm]\ntoken = 12345\n")
    assert "12345" not in refusal(crm)


def test_a_table_of_a_plugin_that_is_disabled_or_broken_is_no_fault(crm: Deployment) -> None:
    crm.write("plugins/odd.py", "1 / 0")
    crm.write("host.toml", 'disable_plugins = ["crm"]\n[plugins.crm]\nx = 1\n[plugins.odd]\n')
    settings, loaded = read(crm)
    assert "crm" not in {plugin.name for plugin in loaded.plugins}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 3", "plugin_settings() must return a class, a pydantic BaseModel"),
        ("1 / 0", "plugin_settings() failed: ZeroDivisionError: division by zero"),
    ],
)
def test_a_plugin_whose_settings_are_no_model_is_broken(
    deployment: Deployment, body: str, told: str
) -> None:
    text = f"from host import hookimpl\n@hookimpl\ndef plugin_settings():\n    {body}\n"
    deployment.write("plugins/odd.py", text)
    assert deployment.faults() == [f"plugins/odd.py: {told}"]


def test_a_plugin_can_not_take_a_variable_of_the_hosts(deployment: Deployment) -> None:
    deployment.write("plugins/max.py", CRM.replace("retries", "calls"))
    assert deployment.faults() == [
        "plugins/max.py: its setting calls would be HOST_MAX_CALLS, the host's own"
    ]


def test_two_plugins_that_would_read_the_same_variable_are_named(crm: Deployment) -> None:
    crm.write("plugins/crm_base.py", CRM.replace("base_url", "url").replace("Crm", "Base"))
    assert refusal(crm) == (
        "HOST_CRM_BASE_URL belongs to base_url of plugin crm and to url of plugin crm_base: "
        "rename one of them"
    )


def test_two_plugins_may_share_a_variable_that_both_name(crm: Deployment) -> None:
    crm.write("plugins/desk.py", CRM.replace("Crm", "Desk"))
    os.environ["CRM_TOKEN"] = "t"
    settings, _ = read(crm)
    assert settings.plugin("desk").token == settings.plugin("crm").token


def test_two_plugins_that_declare_one_model_are_named(crm: Deployment) -> None:
    crm.write("plugins/_shared.py", CRM.partition("@hookimpl")[0])
    shares = """
        from host import hookimpl
        from ._shared import Crm

        @hookimpl
        def plugin_settings():
            return Crm
        """
    crm.write("plugins/east.py", shares)
    crm.write("plugins/west.py", shares)
    assert refusal(crm) == (
        "plugins east and west return the same model Crm from plugin_settings(): "
        "give each a class of its own"
    )


def test_asking_for_settings_that_nobody_declares_is_one_line(crm: Deployment) -> None:
    with pytest.raises(SettingsError, match="^no plugin declares crn: return it from"):
        read(crm)[0].plugin("crn")


def test_reading_the_settings_of_a_process_reads_those_of_plugins(crm: Deployment) -> None:
    os.environ["HOST_CRM_RETRIES"] = "8"
    assert read_settings().plugin("crm").retries == 8


def test_the_name_of_a_secret_masks_nothing_of_what_is_wrong_with_it(crm: Deployment) -> None:
    crm.write("plugins/crm.py", CRM.replace('Field(SecretStr(""), validation', "Field(validation"))
    told = refusal(crm)
    assert told == "host.toml: [plugins.crm]: token is missing (or set CRM_TOKEN)"
    assert Mask()(told) == told


@pytest.mark.parametrize("answer", ['"CRM_*"', '["CRM_*"]'])
def test_one_name_alone_passes_no_other_variable(deployment: Deployment, answer: str) -> None:
    deployment.write("plugins/crm.py", PASSES.format(answer=answer))
    os.environ.update(CRM_PROXY="p", DB_PASSWORD="d")
    settings, _ = read(deployment)
    assert "CRM_PROXY" in of_a_call(settings)
    assert "DB_PASSWORD" not in of_a_call(settings)


@pytest.mark.parametrize("answer", ['"*"', '["A", 5]', '["A B"]'])
def test_what_is_no_variable_is_refused(deployment: Deployment, answer: str) -> None:
    deployment.write("plugins/crm.py", PASSES.format(answer=answer))
    assert refusal(deployment).startswith("plugin crm: pass_environment() failed: ")


PASSES = """
    from host import hookimpl
    @hookimpl
    def pass_environment(settings):
        return {answer}
    """


def test_a_variable_in_lower_case_reaches_the_process_that_tells_of_a_dead_call(
    crm: Deployment,
) -> None:
    crm.write("plugins/crm.py", CRM.replace("CRM_TOKEN", "crm_token"))
    os.environ["crm_token"] = "the-token"  # noqa: SIM112
    settings, _ = read(crm)
    assert of_a_helper(settings)["crm_token"] == "the-token"


@pytest.mark.parametrize(
    ("declares", "told"),
    [
        ("class Crm(BaseSettings): ...", "plugin_settings() must return a BaseModel, and no "),
        ("class Crm(BaseModel): path: 'Nowhere'", "plugin_settings(): Crm is not defined: import"),
    ],
)
def test_a_model_that_would_fail_in_calls_is_broken(
    deployment: Deployment, declares: str, told: str
) -> None:
    imports = "from pydantic import BaseModel\nfrom pydantic_settings import BaseSettings\n"
    hook = "from host import hookimpl\n@hookimpl\ndef plugin_settings(): return Crm\n"
    deployment.write("plugins/crm.py", f"{imports}{declares}\n{hook}")
    [fault] = deployment.faults()
    assert fault.startswith(f"plugins/crm.py: {told}")


@pytest.mark.parametrize("error", ["KeyError(value)", "SystemExit(value)", "TypeError(value)"])
def test_a_validator_that_fails_in_another_way_is_one_line_without_the_value(
    crm: Deployment, error: str
) -> None:
    validator = f"""
        @field_validator("base_url")
        def check(cls, value):
            raise {error}
    """
    text = CRM.replace("        retries: int = Field(3, ge=0)\n", validator)
    crm.write(
        "plugins/crm.py", text.replace("import BaseModel,", "import BaseModel, field_validator,")
    )
    crm.write("host.toml", '[plugins.crm]\nbase_url = "hunter2hunter2"\n')
    kind = error.partition("(")[0]
    assert refusal(crm) == f"host.toml: [plugins.crm]: the plugin's settings model raises {kind}"


def test_a_number_in_a_variable_is_a_list_of_one(crm: Deployment) -> None:
    os.environ["HOST_CRM_TEAMS"] = "5"
    assert read(crm)[0].plugin("crm").teams == ("5",)
