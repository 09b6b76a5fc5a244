"""An in-memory store of protobuf messages with ids: trunks or dispatch rules."""

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message
from livekit.protocol.models import ListUpdate

from host.local.exchange.errors import TwirpError
from host.local.exchange.ids import new_id

M = TypeVar("M", bound=Message)


class Store(Generic[M]):
    """Messages of one type by id, in creation order."""

    def __init__(self, prefix: str, id_field: str, missing: str) -> None:
        self._prefix, self._id, self._missing = prefix, id_field, missing
        self._items: dict[str, M] = {}

    def add(self, item: M) -> M:
        """Store a copy under a new id."""
        kept = type(item)()
        kept.CopyFrom(item)
        setattr(kept, self._id, new_id(self._prefix))
        kept.created_at.GetCurrentTime()  # type: ignore[attr-defined]
        kept.updated_at.GetCurrentTime()  # type: ignore[attr-defined]
        self._items[getattr(kept, self._id)] = kept
        return kept

    def get(self, key: str) -> M:
        """Return an item. Raises TwirpError."""
        if key not in self._items:
            raise TwirpError("not_found", self._missing)
        return self._items[key]

    def replace(self, key: str, item: M) -> M:
        """Replace an item; it keeps its id and creation date."""
        made = self.get(key).created_at  # type: ignore[attr-defined]
        kept = type(item)()
        kept.CopyFrom(item)
        setattr(kept, self._id, key)
        kept.created_at.CopyFrom(made)  # type: ignore[attr-defined]
        kept.updated_at.GetCurrentTime()  # type: ignore[attr-defined]
        self._items[key] = kept
        return kept

    def remove(self, key: str) -> M:
        """Remove an item. Raises TwirpError."""
        item = self.get(key)
        del self._items[key]
        return item

    def pick(self, keys: Iterable[str]) -> list[M]:
        """Return the items with these ids, in that order; all without ids."""
        wanted = list(keys)
        if not wanted:
            return list(self._items.values())
        return [self._items[key] for key in wanted if key in self._items]

    def page(self, items: list[M], request: Any) -> list[M]:
        """Return the page of a list request: by ID, after one, at most so many; all without."""
        if not request.HasField("page"):
            return items
        after, limit = request.page.after_id, request.page.limit
        kept = [item for item in items if getattr(item, self._id) > after]
        kept.sort(key=lambda item: str(getattr(item, self._id)))
        return kept[: limit or None]

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def changed(self, key: str, request: Any) -> M:
        """Return a changed copy, by the `replace` or the `update` of an update request."""
        current = self.get(key)
        changed = type(current)()
        if request.HasField("replace"):
            changed.CopyFrom(request.replace)
        elif request.HasField("update"):
            changed.CopyFrom(current)
            for field, value in request.update.ListFields():
                if isinstance(value, ListUpdate):
                    value = _list(getattr(current, field.name), value)
                assign(changed, field.name, value)
        else:
            raise TwirpError("invalid_argument", "missing or unsupported update action")
        # Conflict checks exclude the item itself by its id.
        setattr(changed, self._id, key)
        return changed


def assign(message: Message, name: str, value: Any) -> None:
    """Set a field of a message, of any kind."""
    message.ClearField(name)
    if isinstance(value, Message):
        getattr(message, name).CopyFrom(value)
    elif hasattr(value, "items"):
        getattr(message, name).update(value)
    elif hasattr(value, "append") or isinstance(value, list):
        getattr(message, name).extend(value)
    else:
        setattr(message, name, value)


def _list(current: Iterable[str], update: ListUpdate) -> list[str]:
    if update.set:
        return list(update.set)
    kept = [] if update.clear else [each for each in current if each not in update.remove]
    return kept + [each for each in update.add if each not in kept]
