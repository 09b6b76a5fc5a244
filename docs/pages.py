"""The pages of the site as Markdown: which there are, their links, anchors and code blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
TOP = ("README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/faults.md")
"""Pages outside docs/: they stand where GitHub and PyPI look for them."""
FOLDERS = ("deploy",)
"""Folders whose README is a page."""


class Block(NamedTuple):
    """A code block: its page, line, language (empty if it is indented), and text."""

    page: str
    line: int
    kind: str
    text: str

    @property
    def first(self) -> str:
        """The first line, by which tables name a block."""
        return self.text.strip().partition("\n")[0].strip()

    @property
    def file(self) -> str:
        """The file that the first line names, as in `# plugins/notes.py`; otherwise empty."""
        named = re.fullmatch(r"# (\S+)", self.first)
        return named[1] if named else ""


class Link(NamedTuple):
    """A link to a file of the repository: its page, target, file, and anchor or nothing."""

    page: str
    target: str
    file: Path
    anchor: str

    @property
    def name(self) -> str:
        """The file's path from the repository's root."""
        return str(self.file.relative_to(ROOT))


def pages() -> list[str]:
    """Return all pages, as paths from the repository's root."""
    folders = [f"{name}/README.md" for name in FOLDERS if (ROOT / name / "README.md").is_file()]
    docs = sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))
    return [*TOP, *folders, *docs]


def read(page: str) -> str:
    """Return a page's text."""
    return (ROOT / page).read_text()


def blocks(page: str) -> list[Block]:
    """Return a page's code blocks, in order."""
    return [
        Block(page, (token.map or [0])[0] + 1, token.info.strip(), token.content)
        for token in _tokens(read(page))
        if token.type in ("fence", "code_block")
    ]


def links(page: str) -> Iterator[Link]:
    """Yield a page's links to files and anchors; those to other sites are left out."""
    for token in _inline(page):
        target = str(token.attrs.get("href", "")) if token.type == "link_open" else ""
        if target and not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            file = (ROOT / page).parent / name if name else ROOT / page
            yield Link(page, target, file.resolve(), anchor)


def pictures(page: str) -> dict[str, Path]:
    """Return the pictures of a page that are in the repository, by the address that it gives."""
    found = re.findall(r'<(?:img|source)\b[^>]*?\bsrc(?:set)?="([^":]+)"', read(page))
    return {address: ((ROOT / page).parent / address).resolve() for address in found}


def lost(page: str) -> list[str]:
    """Return the targets of a page's links that lead to no file, or to no anchor of a page."""
    known = pages()
    return [
        link.target
        for link in links(page)
        if not link.file.is_file()
        or (link.anchor and (link.name not in known or link.anchor not in anchors(link.name)))
    ] + [address for address, file in pictures(page).items() if not file.is_file()]


def anchors(page: str) -> set[str]:
    """Return a page's anchors: `<a id="...">`, and headings, as GitHub and the site name them."""
    tokens = _tokens(read(page))
    raw = " ".join(t.content for t in [*tokens, *_inline(page)] if t.type.startswith("html"))
    found = set(re.findall(r'<a id="([^"]+)"', raw))
    for opened, text in zip(tokens, tokens[1:], strict=False):
        if opened.type == "heading_open":
            shown = "".join(child.content for child in text.children or ())
            found.add(re.sub(r"[^\w\- ]", "", shown.strip().lower()).replace(" ", "-"))
    return found


def _inline(page: str) -> Iterator[Token]:
    for token in _tokens(read(page)):
        yield from token.children or ()


@cache
def _tokens(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)
