"""Foreign text in Markdown, without the power to forge it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from krakenctl.render.paint import visible

# Where GitHub and GitLab would see a mention, an issue or an address; a space without width behind it prevents that.
_LINKS = re.compile(r"[@#!]|:(?=/)|\b(www|gh)(?=[.-])", re.IGNORECASE)


def code(text: str) -> str:
    """A bar cannot be escaped behind a backslash that a foreign name brings along; so it is another bar."""
    return "`" + visible(text).replace("`", "'").replace("|", "¦") + "`"


def plain(text: str) -> str:
    """Nothing that a foreign key name could use to forge Markdown or HTML, to link somewhere or to call somebody."""
    escaped = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    marked = "".join(f"\\{char}" if char in "\\`*_[]|#!~$" else char for char in escaped)
    return _LINKS.sub(r"\g<0>&#8203;", marked)


def prose(text: str) -> str:
    """A sentence of ours, with commands between backticks; each part of it is harmless, whoever wrote it."""
    parts = text.split("`")
    return "".join(code(part) if number % 2 else plain(part) for number, part in enumerate(parts))


def cell(lines: Iterable[str]) -> str:
    """Several lines of Markdown in one cell of a table."""
    return "<br>".join(lines)
