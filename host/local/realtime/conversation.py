"""The conversation: its items in order."""

from collections.abc import Iterator
from typing import Any, TypeAlias

Item: TypeAlias = dict[str, Any]
"""A message, a function call or its output, in OpenAI's format."""

MOST_ITEMS = 2000
_TEXTS = {
    "message": ("id", "role"),
    "function_call": ("id", "call_id", "name", "arguments"),
    "function_call_output": ("id", "call_id", "output"),
}
"""Types of items, and the required strings of each."""


class Refused(Exception):
    """A request that can't be carried out; `code` is OpenAI's error code."""

    def __init__(self, message: str, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.code = code


class Conversation:
    """Items in order, each with a unique id."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Insert an item; return the id of the one before it, None at the beginning.

        `after` is an id, "root" for the beginning, or None for the end.
        """
        _check(item)
        if self._at(item["id"]) is not None:
            raise Refused(f"item {item['id']!r} is there already", "item_create_duplicate_item_id")
        if len(self._items) >= MOST_ITEMS:
            raise Refused(f"a conversation has at most {MOST_ITEMS} items", "conversation_full")
        at = len(self._items)
        if after == "root":
            at = 0
        elif after is not None:
            before = self._at(after)
            if before is None:
                raise Refused(f"there is no item {after!r} to follow", "item_create_invalid_after")
            at = before + 1
        self._items.insert(at, item)
        return self._items[at - 1]["id"] if at else None

    def remove(self, item_id: str) -> None:
        """Remove an item."""
        self._items.remove(self.get(item_id, "item_delete_invalid_item_id"))

    def get(self, item_id: str, code: str) -> Item:
        """Return an item. Raises Refused with `code` if it does not exist."""
        at = self._at(item_id)
        if at is None:
            raise Refused(f"there is no item {item_id!r}", code)
        return self._items[at]

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

    def _at(self, item_id: str) -> int | None:
        return next((at for at, item in enumerate(self._items) if item["id"] == item_id), None)


def words_of(item: Item) -> str:
    """Return the words of a message, written or transcribed."""
    parts = (part.get("text") or part.get("transcript") or "" for part in item.get("content", ()))
    return " ".join(parts).strip()


def _check(item: Item) -> None:
    """Refuse an item that could not be used later."""
    texts = _TEXTS.get(str(item.get("type")))
    if texts is None or not all(isinstance(item.get(text), str) for text in texts):
        raise Refused(f"an item is one of {_TEXTS}", "invalid_item")
    content = item.get("content", [])
    if not isinstance(content, list) or not all(_readable(part) for part in content):
        raise Refused("an item's content is a list of parts", "invalid_item")


def _readable(part: object) -> bool:
    if not isinstance(part, dict):
        return False
    return all(isinstance(part.get(name), str | None) for name in ("text", "transcript"))
