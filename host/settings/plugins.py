"""Settings of plugins: a model that a plugin declares, filled from the environment and host.toml.

A plugin `crm` whose model has a field `base_url` reads `HOST_CRM_BASE_URL`, else `base_url` of
`[plugins.crm]`; a table `[personas.NAME.plugins.crm]` weighs more on that persona's calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload
from weakref import WeakKeyDictionary, WeakValueDictionary

from pydantic import AliasChoices, BaseModel, Field, SecretStr, ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from host.base.errors import SettingsError
from host.base.text import close_to
from host.base.validation import faults_in, sentence
from host.settings.calling import parted
from host.settings.service_links import is_service_link, not_a_setting

Model = TypeVar("Model", bound=BaseModel)
Table = Mapping[str, Any]

_plugin_of: WeakKeyDictionary[type[BaseModel], str] = WeakKeyDictionary()
_model_of: WeakValueDictionary[str, type[BaseModel]] = WeakValueDictionary()
"""What the plugins of this process have declared, each way: filled where they are loaded."""


@dataclass(frozen=True)
class PluginValues:
    """What the settings have for plugins beside host.toml; pickled with them for each call."""

    environment: Mapping[str, Table] = field(default_factory=dict, repr=False)
    """Plugin -> field -> what the environment says."""
    variables: frozenset[str] = frozenset()
    """Environment variables that plugins' settings are read from."""
    secrets: frozenset[str] = field(default_factory=frozenset, repr=False)
    """Secrets among all values, to be masked in logs."""
    given: Mapping[str, Table] = field(default_factory=dict, repr=False)
    """Plugin to field to value, above all else: for tests."""
    passed: tuple[str, ...] = ()
    """Environment variables that plugins want in the processes of calls, or beginnings with `*`."""
    references: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Values of the environment variables that MCP servers refer to."""
    mcp: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What tests have in place of MCP servers, by their addresses."""


class WithPlugins(BaseModel):
    """Settings that hold those of plugins."""

    plugins: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings of one plugin", repr=False
    )
    _values: PluginValues = PluginValues()

    @property
    def plugin_values(self) -> PluginValues:
        """What is known of plugins' settings beside the tables of host.toml."""
        return self._values

    @overload
    def plugin(self, declared: type[Model]) -> Model: ...

    @overload
    def plugin(self, declared: str) -> Any: ...

    def plugin(self, declared: type[BaseModel] | str) -> Any:
        """Return a plugin's settings, by the model that it declares or by its name.

        Raises SettingsError where no plugin has declared it, or where a value is wrong.
        """
        if isinstance(declared, str):
            name, model = declared, _model_of.get(declared)
        else:
            name, model = _plugin_of.get(declared, ""), declared
        if not name or model is None:
            what = declared if isinstance(declared, str) else declared.__name__
            raise SettingsError(f"no plugin declares {what}: return it from plugin_settings()")
        try:
            return _validated(model, self.plugin_table(name))
        except ValidationError as error:
            told = "; ".join(sentence(_place(fault["loc"]), fault) for fault in faults_in(error))
        except (Exception, SystemExit) as error:
            told = _raised(error)
        raise SettingsError(f"[plugins.{name}]: {told}")

    def plugin_table(self, name: str) -> Table:
        """Return what is set for a plugin, as it was written."""
        return {
            **self.plugins.get(name, {}),
            **self._values.environment.get(name, {}),
            **self._values.given.get(name, {}),
        }


def declare(plugin: str, model: type[BaseModel]) -> None:
    """Note which model a plugin has declared, in this process."""
    _plugin_of[model] = plugin
    _model_of[plugin] = model


def variables_of(plugin: str, model: type[BaseModel]) -> dict[str, tuple[str, ...]]:
    """Return the environment variables of each field, the first of them the one to be shown."""
    prefix = f"HOST_{plugin.replace('-', '_')}_".upper()
    return {
        name: (*_aliases(of_field), f"{prefix}{name.upper()}")
        for name, of_field in model.model_fields.items()
    }


def read_environment(plugin: str, model: type[BaseModel]) -> dict[str, tuple[str, Any]]:
    """Return field -> (variable, what it says), for those that are set. Raises SettingsError."""
    variables = variables_of(plugin, model)
    found = _Environment(_reader_of(plugin, model), env_ignore_empty=True)()
    return {
        name: (variable, found[variable])
        for name, names in variables.items()
        for variable in names
        if variable in found
    }


def _reader_of(plugin: str, model: type[BaseModel]) -> type[BaseSettings]:
    """Return a model of a plugin's variables, made once: each test in text reads them."""
    known = _readers.setdefault(model, {})
    if plugin in known:
        return known[plugin]
    variables = variables_of(plugin, model)
    fields: dict[str, Any] = {
        name: (
            of_field.annotation,
            Field(default=None, validation_alias=AliasChoices(*variables[name])),
        )
        for name, of_field in model.model_fields.items()
    }
    reader = create_model(f"{model.__name__}OfTheEnvironment", __base__=BaseSettings, **fields)
    return known.setdefault(plugin, reader)


_readers: WeakKeyDictionary[type[BaseModel], dict[str, type[BaseSettings]]] = WeakKeyDictionary()


def faults_of_plugin(
    plugin: str, model: type[BaseModel], table: Table, places: Mapping[str, str]
) -> Iterator[str]:
    """Say what is wrong with a plugin's settings, a line each.

    `places` tells where each field was set; `""` stands for the table itself.
    """
    known = model.model_fields
    for name in table:
        if name not in known:
            hint = close_to(name, known) or f" (it has {', '.join(known)})"
            yield f"{places.get(name, places[''])}: plugin {plugin} has no setting {name}{hint}"
    variables = {each for names in variables_of(plugin, model).values() for each in names}
    try:
        _validated(model, {name: value for name, value in table.items() if name in known})
    except ValidationError as error:
        for fault in faults_in(error):
            top, *_ = fault["loc"] or ("",)
            name = _field_of(model, str(top))
            place = places.get(name, places[""])
            told = sentence(_place((name, *fault["loc"][1:])), fault)
            if name and fault["type"] == "missing":
                told += f" (or set {variables_of(plugin, model)[name][0]})"
            if place in variables:  # its own name is told, not the field's beside it
                yield not_a_setting(place) if is_service_link(place) else sentence(place, fault)
            else:
                yield f"{place}: {told}"
    except (Exception, SystemExit) as error:
        yield f"{places['']}: {_raised(error)}"


def _raised(error: BaseException) -> str:
    """Report a validator that fails in another way than by ValueError, without its text."""
    return f"the plugin's settings model raises {type(error).__name__}"


def any_keys(model: type[BaseModel]) -> Iterable[str]:
    """Name the fields of a model that are secrets."""
    return [name for name, of_field in model.model_fields.items() if _is_secret(of_field)]


def _is_secret(of_field: FieldInfo) -> bool:
    annotation = of_field.annotation
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def _validated(model: type[BaseModel], table: Table) -> BaseModel:
    """Make a plugin's settings. A field is set by its name, whatever its alias is."""
    return model.model_validate(dict(table), by_name=True, by_alias=True)


def _aliases(of_field: FieldInfo) -> tuple[str, ...]:
    alias = of_field.validation_alias
    if isinstance(alias, AliasChoices):
        return tuple(choice for choice in alias.choices if isinstance(choice, str))
    return (alias,) if isinstance(alias, str) else ()


def _field_of(model: type[BaseModel], told: str) -> str:
    """Return the field that pydantic names, which it does by its alias now and then."""
    if told in model.model_fields:
        return told
    return next(
        (name for name, field in model.model_fields.items() if told in _aliases(field)), told
    )


def _place(path: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in path)


class _Environment(EnvSettingsSource):
    """The environment; a list is JSON, or parted by commas."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            decoded = super().decode_complex_value(field_name, field, value)
        except ValueError:
            return parted(value)
        return decoded if isinstance(decoded, list | dict) else parted(value)
