"""The pages of the help: the guide and the glossary, which are Markdown files in `docs/`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath

from explorer.paths import docs_dir

INDEX = "index"
"""The first page; the others are in the order of its links."""

_OTHERS = {"automation"}
"""Pages of the guide that are not for the window: its object names."""

_HEADING = re.compile(r"^(#{1,3}) +(.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```\w*\n.*?^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_IMAGE = re.compile(r'<img src="([^"]+)"[^>]* alt="([^"]*)">')
_TARGET = re.compile(r"!?\[([^\]]*)\]\([^)\s]+\)")
_MARKUP = re.compile(r"[*`|]|^[#>-]+ ", re.MULTILINE)


@dataclass(frozen=True)
class Section:
    """A heading of a page and the plain text below it."""

    page: str
    page_title: str
    title: str
    text: str

    @property
    def link(self) -> str:
        return self.page if self.title == self.page_title else f"{self.page}#{anchor_of(self.title)}"

    @property
    def summary(self) -> str:
        """The first sentence."""
        return re.split(r"(?<=[.:])\s", self.text.strip())[0]


@dataclass(frozen=True)
class Page:
    """A page by its name, with its links to other pages only."""

    name: str
    title: str
    markdown: str
    sections: tuple[Section, ...]


@cache
def help_pages() -> dict[str, Page]:
    """Return all pages by name, the index first."""
    files = [*sorted((docs_dir() / "guide").glob("*.md")), docs_dir() / "glossary.md"]
    texts = {file.stem: file.read_text(encoding="utf-8") for file in files if file.stem not in _OTHERS}
    linked = [page_of_link(target) for _, target in _LINK.findall(texts[INDEX])]
    names = dict.fromkeys(name for name in (INDEX, *linked, *texts) if name in texts)
    return {name: _page(name, texts[name], names) for name in names}


def page_of_link(target: str) -> str:
    """Return the name of the page that a link leads to, which need not exist."""
    return PurePosixPath(target.partition("#")[0]).name.removesuffix(".md")


def anchor_of(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _page(name: str, text: str, names: Iterable[str]) -> Page:
    def only_pages(link: re.Match[str]) -> str:
        return link[0] if page_of_link(link[2]) in names or link[2].startswith("#") else link[1]

    # Qt loses the text after HTML in Markdown.
    markdown = _IMAGE.sub(r"![\2](\1)", _LINK.sub(only_pages, text))
    title = _HEADING.search(text)
    assert title is not None, name
    return Page(name, title[2], markdown, tuple(_sections(name, title[2], markdown)))


def _sections(page: str, page_title: str, markdown: str) -> Iterator[Section]:
    # Comments in code look like headings.
    prose = _BLOCK.sub("", markdown)
    headings = list(_HEADING.finditer(prose))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        text = prose[heading.end() : following.start() if following else None]
        plain = " ".join(_MARKUP.sub(" ", _TARGET.sub(r"\1", text)).split())
        yield Section(page, page_title, heading[2], plain)
