"""The syntax of .env files: text → names and values, each value a `Secret`. Pure.

As python-dotenv reads them (github.com/theskumar/python-dotenv, parser.py): quotes, `export`, comments, values over
several lines, CRLF. Not that library, because it keeps the text of every line in objects that a crash report prints,
and puts other variables' values where `${NAME}` stands; here such a reference stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from krakenctl.model.secret import Secret


class Line(NamedTuple):
    number: int  # where it begins, from 1
    name: str  # empty: the line cannot be read
    value: Secret
    why: str = ""  # it cannot be read, as far as that can be told


_LINE = re.compile(
    r"""
    [^\S\r\n]*
    (?: export [^\S\r\n]+ )?
    (?: '(?P<quoted> [^'\r\n]+ )' | (?P<name> [^=:/+\#\s'"]+ ) )
    [^\S\r\n]* =
    (?: [^\S\r\n]* '(?P<single> (?: \\. | [^'\\] )* )'
      | [^\S\r\n]* "(?P<double> (?: \\. | [^"\\] )* )"
      | (?P<bare> (?! [^\S\r\n]* ['"]) [^\r\n]*? (?= [^\S\r\n]+\# | [^\S\r\n]* (?: [\r\n] | \Z ) ) )
    )
    [^\S\r\n]* (?: \# [^\r\n]* )? (?: \r\n | [\r\n] | \Z )
    """,
    re.VERBOSE | re.DOTALL,
)
_NOTHING = re.compile(r"[^\S\r\n]*(?:#[^\r\n]*)?(?:\r\n|[\r\n]|\Z)")
_REST = re.compile(r"[^\r\n]*(?:\r\n|[\r\n]|\Z)")
_OPEN = re.compile(r"""[^=:/+#\r\n'"]+=[^\S\r\n]*['"]""")
_COLON = re.compile(r"[^=:/+#\r\n'\"]+:")
_BREAK = re.compile(r"\r\n|\r|\n")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NAMES, _VALUES = ("quoted", "name"), ("double", "single", "bare")
Spans = tuple[tuple[int, int], ...]
_SIGNS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\\": "\\", "'": "'", '"': '"'}


def lines(text: Secret) -> Iterator[Line]:
    """Every assignment, and every line that is none, in order. Empty lines and comments are left out."""
    source = Secret(text.reveal().removeprefix("\ufeff"))
    place, number = 0, 1
    while place < len(source.reveal()):
        end, line = _next(source, place, number)
        if line is not None:
            yield line
        number += len(_BREAK.findall(source.reveal(), place, end))
        place = end


def _next(source: Secret, place: int, number: int) -> tuple[int, Line | None]:
    """What stands here, and where it ends."""
    if (blank := _spans(_NOTHING, source, place, (0,))) is not None:
        return blank[0][1], None
    if (found := _spans(_LINE, source, place, (0, *_NAMES, *_VALUES))) is not None:
        name = _cut(source, found[1]) or _cut(source, found[2])
        return found[0][1], Line(number, name.reveal() if name else "", _value(source, found[3:]))
    rest = _spans(_REST, source, place, (0,))
    return rest[0][1] if rest else len(source.reveal()), Line(number, "", Secret(""), _mistake(source, place))


def _mistake(source: Secret, place: int) -> str:
    """What is most likely wrong with a line that cannot be read."""
    if _OPEN.match(source.reveal(), place) is not None:
        return "a quote is opened and not closed"
    return "it has : where = belongs" if _COLON.match(source.reveal(), place) is not None else ""


def _spans(pattern: re.Pattern[str], source: Secret, place: int, groups: tuple[int | str, ...]) -> Spans | None:
    """Where the groups of a match are; None: there is none. The match itself, which shows its text, has no name."""
    if pattern.match(source.reveal(), place) is None:
        return None
    return tuple(map(pattern.match(source.reveal(), place).span, groups))  # type: ignore[union-attr] # looked just now


def _value(source: Secret, spans: Spans) -> Secret:
    double, single, bare = (_cut(source, span) for span in spans)
    if double is not None:
        return Secret(_ESCAPED.sub(lambda sign: _SIGNS.get(sign[1], sign[0]), double.reveal()))
    if single is not None:
        return Secret(_ESCAPED.sub(lambda sign: sign[1] if sign[1] in "\\'" else sign[0], single.reveal()))
    return Secret(bare.reveal().strip()) if bare else Secret("")


def _cut(source: Secret, span: tuple[int, int]) -> Secret | None:
    """None: that group has no part in the match."""
    return None if span[0] < 0 else Secret(source.reveal()[slice(*span)])
