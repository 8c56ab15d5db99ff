"""Colour, or none, and the width to keep within. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "magenta": "35"}
NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Paint:
    colour: bool = False
    width: int = 100

    def __call__(self, text: str, *styles: str) -> str:
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_CODES[style] for style in styles)}m{text}\x1b[0m"

    def wrapped(self, text: str, indent: int, first: int | None = None) -> str:
        """`text` in lines that fit, each after the first indented; the first has `first` columns taken already."""
        lines = textwrap.wrap(
            text,
            width=max(self.width, NARROWEST),
            initial_indent=" " * (indent if first is None else first),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return "\n".join(lines)[indent if first is None else first :]

    def beside(self, left: tuple[str, ...], right: tuple[str, ...], indent: int, between: str = "  ") -> str:
        """Two texts, each followed by its styles: in one line where they fit, else the right one below, indented."""
        text, *styles = left
        more, *others = right
        if not more:
            return self(text, *styles)
        if len(text) + len(between) + len(more) <= max(self.width, NARROWEST):
            return f"{self(text, *styles)}{between}{self(more, *others)}"
        return f"{self(text, *styles)}\n{' ' * indent}{self(self.wrapped(more, indent), *others)}"

    def flowing(self, words: Iterable[tuple[str, ...]], indent: int, first: int) -> str:
        """A list of texts, each followed by its styles, between commas; `first` columns are taken already."""
        written, column = "", first
        for text, *styles in words:
            if written and column + len(text) + 3 > max(self.width, NARROWEST):
                written, column = f"{written},\n{' ' * indent}", indent
            elif written:
                written, column = f"{written}, ", column + 2
            written, column = written + self(text, *styles), column + len(text)
        return written


def visible(text: str) -> str:
    """A text of foreign origin (a key's name on Kraken) without the power to move cursors or hide lines."""
    return "".join(char if char.isprintable() else "�" for char in text)


def count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
