"""What comes out of a call: `call.results`, which its record has."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any, NoReturn

from host.base.errors import HostError
from host.base.text import quote

if TYPE_CHECKING:
    from host.call.state import CallState

MAX_RESULTS = 16 * 1024
"""Maximum size of all results of a call together, in bytes of JSON."""
MAX_NAME = 100
"""Maximum length of a result's name, in characters."""
MAX_DEPTH = 8
"""Maximum nesting of lists and objects in one result."""
CONCLUSIONS = "conclusions"
"""The result that the host makes: what the LLM filled in for the hook `conclusions`."""


class Results(MutableMapping[str, Any]):
    """The results of a call: JSON values by name, kept over a takeover.

    A value is checked and copied when it is set. What is read is read-only, as a change in place
    would be checked by nobody: set the whole value again.
    """

    def __init__(
        self, state: CallState, hide: Callable[[str], str], changed: Callable[[], None]
    ) -> None:
        self._state, self._hide, self._changed = state, hide, changed
        self._closed = False

    def __getitem__(self, name: str) -> Any:
        return _read_only(self._state.results[name])

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a result. Raises HostError: no JSON, too much of it, or too late."""
        if name == CONCLUSIONS:
            raise HostError(f"call.results[{name!r}] is the host's own: choose another name")
        self.put(name, value)

    def put(self, name: str, value: Any) -> None:
        """Set a result, also that of the host. Raises HostError."""
        where = f"call.results[{quote(name)}]"
        if self._closed:
            raise HostError(f"{where} is set too late: the call's record is made")
        if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= MAX_NAME:
            raise HostError(f"{where}: a name has 1 to {MAX_NAME} printable characters")
        if why := _no_json(value, MAX_DEPTH):
            raise HostError(f"{where} is not JSON: {why}")
        try:
            # Private numbers that the caller has keyed in are masked here, as in a tool's result.
            [copy] = json.loads(self._hide(json.dumps([value])))
            together = {**self._state.results, name: copy}
            size = len(json.dumps(together, ensure_ascii=False).encode())
        except ValueError:  # half a character, or a number of more digits than Python writes
            raise HostError(f"{where} is not JSON: UTF-8 can't encode it") from None
        if size > MAX_RESULTS:
            raise HostError(f"{where} is too big: the results of a call have {MAX_RESULTS} bytes")
        self._state.results[name] = copy
        self._changed()

    def hide_again(self) -> None:
        """Mask what has become private since the results were set."""
        results = self._state.results
        hidden = json.loads(self._hide(json.dumps(results)))
        if hidden != results and not self._closed:
            self._state.results = hidden
            self._changed()

    def __delitem__(self, name: str) -> None:
        if self._closed:
            raise HostError(f"call.results[{quote(name)}] is deleted too late: the record is made")
        del self._state.results[name]
        self._changed()

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self._state.results))

    def __len__(self) -> int:
        return len(self._state.results)

    def __repr__(self) -> str:
        return f"<results of a call: {', '.join(self) or 'none'}>"

    def close(self) -> None:
        """Refuse further results: the record is made."""
        self._closed = True


def _no_json(value: Any, depth: int) -> str:
    """Return why a value is no JSON, without quoting it; empty if it is."""
    if value is None or isinstance(value, str | bool | int):
        return ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number is infinite or NaN"
    if not isinstance(value, dict | list | tuple):
        return f"it has a {type(value).__name__}"
    if not depth:
        return f"it is nested more than {MAX_DEPTH} deep"
    if isinstance(value, dict):
        if wrong := [key for key in value if not isinstance(key, str)]:
            return f"a key is a {type(wrong[0]).__name__}"
        value = list(value.values())
    return next(filter(None, (_no_json(each, depth - 1) for each in value)), "")


def _read_only(value: Any) -> Any:
    """Return a copy of a JSON value that raises TypeError if it is changed in place."""
    if isinstance(value, dict):
        return _ReadOnlyDict({name: _read_only(each) for name, each in value.items()})
    if isinstance(value, list):
        return _ReadOnlyList(map(_read_only, value))
    return value


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise TypeError("a value of call.results is read-only: set the changed value again")


class _ReadOnlyDict(dict[str, Any]):
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:  # a copy may be changed
        return dict, (dict(self),)


class _ReadOnlyList(list[Any]):
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = clear = extend = insert = pop = remove = reverse = sort = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)
