"""Finds Kraken's error strings in whatever they are wrapped in: a list, JSON, an exception, a line of a log. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from urllib.parse import unquote_plus

from krakenctl.knowledge.facts import ErrorString, Facts

# Source: docs.kraken.com, Spot REST introduction: <severity><Category>:<description>[:<detail>], also with a blank.
_STRING = re.compile(
    r"(?<![A-Za-z0-9])(?P<severity>[EW])(?P<category>General|Auth|API|Query|Order|Trade|Funding|Service|Account|Session|Database"
    r"|BM|Earnings|Export)\s*:\s*(?P<said>[A-Za-z(][^\"'\\\]\[{}\n\r\t;|<>]*)",
    re.IGNORECASE,
)
_QUOTES = " \t\r\n\"'`“”‘’«»[](){},;."
_LONGEST = 60  # of a description that nobody knows: what follows it may be anything
_LONG = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
_SECRET = re.compile(r"[A-Za-z0-9+/_=-]{24,}")


@dataclass(slots=True)
class Seen:
    """One error string in a log: how often, and in which line first (from 1)."""

    error: ErrorString
    count: int
    line: int


def in_text(text: str, facts: Facts) -> list[ErrorString]:
    """Every error string in it, each once, in order. What is known by its family only says so."""
    found = (_known(match, facts) for match in _STRING.finditer(_plain(text)))
    return list(dict.fromkeys(found))


def in_log(lines: Iterable[str], facts: Facts) -> tuple[list[Seen], int]:
    """Every distinct error string, the most frequent first; and how many lines there were."""
    seen: dict[str, Seen] = {}
    number = 0
    for number, line in enumerate(lines, 1):
        for error in _of_line(line, facts):
            known = seen.setdefault(error.code, Seen(error, 0, number))
            known.count += 1
    return sorted(seen.values(), key=lambda each: (-each.count, each.line)), number


def _of_line(line: str, facts: Facts) -> Iterator[ErrorString]:
    """Many wrappers repeat a string within one line; once a line is what happened."""
    yield from in_text(line, facts)
    yield from (facts.errors[word] for word in sorted(set(_bare(tuple(facts.errors)).findall(line))))


def by_description(text: str, facts: Facts) -> list[ErrorString]:
    """`invalid nonce`, without the part before the colon."""
    folded = _fold(text)
    return [error for code, error in facts.errors.items() if _fold(code.partition(":")[2] or code) == folded]


def without_secrets(text: str) -> str:
    """What somebody pasted, to be shown again: whatever looks like a key or a secret in it is left out."""
    return _LONG.sub(lambda word: "…" if _is_random(word[0]) else word[0], text)


def _is_random(word: str) -> bool:
    return any(char.isdigit() for char in word) and any(char.isupper() for char in word)


def _plain(text: str) -> str:
    return unquote_plus(text) if "%3A" in text or "%3a" in text else text


def _known(match: re.Match[str], facts: Facts) -> ErrorString:
    head, said = _head(match), match["said"]
    folded = _fold(f"{head}:{said}")
    codes = [code for code in _folded(tuple(facts.errors)).items() if _begins(folded, code[0])]
    if codes:
        return facts.errors[max(codes, key=lambda code: len(code[0]))[1]]
    return _unknown(f"{head}:{_glance(said)}", facts)


def _head(match: re.Match[str]) -> str:
    """In Kraken's own letters, however a log has changed them."""
    families = {name.lower(): name for name in _FAMILIES}
    return match["severity"].upper() + families[match["category"].lower()]


_FAMILIES = (
    "General", "Auth", "API", "Query", "Order", "Trade", "Funding", "Service", "Account", "Session", "Database", "BM",
    "Earnings", "Export",
)  # fmt: skip


def _begins(text: str, code: str) -> bool:
    """At the end of a word: “Invalid key” is not the beginning of “Invalid keyword”."""
    return text.startswith(code) and not text[len(code) : len(code) + 1].isalnum()


def _glance(said: str) -> str:
    """No more than a description has: whatever a log wrote behind it may be a secret."""
    clean = re.split(r"[:,(]|\s-\s|\.\s", said.strip(_QUOTES))[0].strip(_QUOTES)
    return _SECRET.sub("…", clean)[:_LONGEST].strip()


def _unknown(code: str, facts: Facts) -> ErrorString:
    """What its family says, and what it may be a misspelling of."""
    head = code.partition(":")[0]
    family = facts.words["category"][head[1:]]
    like = get_close_matches(code, list(facts.errors), n=1, cutoff=0.75)
    sort = "a warning" if code.startswith("W") else "an error"
    return ErrorString(
        code=code,
        means=f"by its beginning {sort} {family.means}; krakenctl knows no more of it",
        do=(f"perhaps {like[0]} is meant: krakenctl explain '{like[0]}'",) if like else (),
        sources=family.sources,
        known=False,
    )


@cache
def _folded(codes: tuple[str, ...]) -> Mapping[str, str]:
    return {_fold(code): code for code in codes if ":" in code}


@cache
def _bare(codes: tuple[str, ...]) -> re.Pattern[str]:
    """Futures' words, which stand for nothing else. OAuth's are too common to be looked for in a log."""
    words = [code for code in codes if ":" not in code and "_" not in code]
    return re.compile(rf"\b(?:{'|'.join(words)})\b")


def _fold(text: str) -> str:
    return " ".join(text.lower().replace(":", " : ").replace("_", " ").split()).strip(" .")
