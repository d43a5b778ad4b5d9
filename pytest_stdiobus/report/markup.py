"""HTML in which text is text: whatever is not made here is escaped."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_VOID = frozenset({"meta", "input"})
_LINK = re.compile(r"https?://\S+")


class Markup(str):
    """HTML that `tag` made."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | bool) -> Markup:
    """An element; text among its children, and every value of an attribute, is escaped.

    Args:
        name: of the element.
        children: `Markup` or text; None is nothing.
        attributes: `class_` is ``class``, other underscores are dashes; True has no value, False is left out.
    """
    told = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    inside = joined(child for child in children if child is not None)
    return Markup(f"<{name}{told}>" if name in _VOID else f"<{name}{told}>{inside}</{name}>")


def joined(children: Iterable[str]) -> Markup:
    """Children one after the other."""
    return Markup("".join(child if isinstance(child, Markup) else html.escape(child) for child in children))


def link(text: str, url: str) -> Markup:
    """A link, where the address is one that a page may lead to; else the text."""
    return tag("a", text, href=url, rel="noreferrer") if _LINK.fullmatch(url) else joined([text])


def _attribute(key: str, value: str | bool) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
