"""From what a person typed to the entries that it means, and to what was probably meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches

from krakenctl.errors import KrakenctlError
from krakenctl.knowledge import strings
from krakenctl.knowledge.facts import Endpoint, Entry, Facts
from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS

_EXIT = re.compile(r"(?:(?:exit|code|status|exit code|exit status)\s*:?\s*)?(\d{1,3})", re.IGNORECASE)
_METHOD = re.compile(r"(GET|POST|PUT|DELETE|PATCH)\s+", re.IGNORECASE)
_HOST = re.compile(r"https?://[^/\s]+", re.IGNORECASE)
_PERMISSION_WORDS = re.compile(r"\s+(permission|scope|flag)s?$", re.IGNORECASE)
_OWN_WORDS = ("rule", "drift", "check", "verdict", "coverage", "code", "limit", "topic")


def look_up(text: str, facts: Facts) -> tuple[Entry, ...]:
    """All that it may mean, the likeliest first; empty: nothing is known of it."""
    asked = text.strip(" \t\r\n\"'`“”")
    for readings in _READINGS:
        if found := tuple(dict.fromkeys(entry for reading in readings for entry in reading(asked, facts))):
            return found
    return ()


def near(text: str, facts: Facts) -> tuple[str, ...]:
    """A few things that look like it, as they can be asked for: permissions first that contain it, then the nearest."""
    known = {_fold(name): name for name in _names(facts)}
    close = get_close_matches(_fold(text), list(known), n=3, cutoff=0.6)
    parts = [name for fold, name in known.items() if len(_fold(text)) >= 4 and _fold(text) in fold]
    permissions = [name for name in parts if name in facts.permissions]
    return tuple(dict.fromkeys([*permissions, *(known[fold] for fold in close), *parts]))[:4]


def _exit(text: str, facts: Facts) -> Iterator[Entry]:
    match = _EXIT.fullmatch(text)
    if match and match[1] in facts.words["exit"]:
        yield facts.words["exit"][match[1]]


def _whole_error(text: str, facts: Facts) -> Iterator[Entry]:
    """Also Futures' and OAuth's, which are single words."""
    if text in facts.errors:
        yield facts.errors[text]
    yield from strings.in_text(text, facts)


def _own(text: str, facts: Facts) -> Iterator[Entry]:
    """Rules, codes, limits and topics by their ids; codes also by the name of their exception."""
    folded = _fold(text)
    for kind in _OWN_WORDS:
        yield from (word for code, word in facts.words[kind].items() if _fold(code) == folded)
    for error in _exceptions(KrakenctlError):
        if _fold(error.__name__) == folded:
            yield facts.words["code"][error.code]


def _exceptions(error: type[KrakenctlError]) -> Iterator[type[KrakenctlError]]:
    yield error
    for below in error.__subclasses__():
        yield from _exceptions(below)


def _permission(text: str, facts: Facts) -> Iterator[Entry]:
    folded = _fold(_PERMISSION_WORDS.sub("", text.removeprefix(SCOPE_PREFIX)))
    for permission, spelling in SPELLINGS.items():
        label = spelling.label
        tail = label.rpartition(" – ")[2]
        spellings = (permission.value, spelling.flag or "", label, "" if tail == "On" else tail)
        also = (facts.permissions[permission].guide, label.partition(" – ")[0] if tail == "On" else "")
        if folded in {_fold(each) for each in (*spellings, *also) if each}:
            yield facts.permissions[permission]


def _endpoint(text: str, facts: Facts) -> Iterator[Entry]:
    """`AddOrder`, `/0/private/AddOrder`, `POST https://api.kraken.com/0/private/AddOrder`; in letters of any case."""
    method = _METHOD.match(text)
    path = _HOST.sub("", _METHOD.sub("", text, count=1)).partition("?")[0].strip()
    for endpoint in facts.endpoints.values():
        if (method is None or method[1].upper() == endpoint.method) and _leads_to(path, endpoint):
            yield endpoint


def _leads_to(path: str, endpoint: Endpoint) -> bool:
    short = re.sub(r"^/?(0/)?private/", "", path, flags=re.IGNORECASE).strip("/").lower()
    known = endpoint.name.strip("/").lower()
    if short == known or (short and short == known.rpartition("/")[2] and known.startswith(("earn/", "pay/"))):
        return True
    pattern = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(known))
    return "{" in known and re.fullmatch(pattern, short) is not None


def _described(text: str, facts: Facts) -> Iterator[Entry]:
    yield from strings.by_description(text, facts)


def _category(text: str, facts: Facts) -> Iterator[Entry]:
    """`EOrder` alone."""
    name = text.removesuffix(":").removeprefix("E").lower()
    yield from (word for code, word in facts.words["category"].items() if text[:1] == "E" and code.lower() == name)


# Those of one line may all be meant; what one line finds, the next is not asked for.
_READINGS: tuple[tuple[Callable[[str, Facts], Iterator[Entry]], ...], ...] = (
    (_exit,),
    (_whole_error,),
    (_permission, _endpoint, _described, _own),
    (_category,),
)


def _names(facts: Facts) -> Iterator[str]:
    for endpoint in facts.endpoints.values():
        yield endpoint.name
    yield from facts.permissions
    yield from (each.flag for each in SPELLINGS.values() if each.flag)
    yield from facts.errors
    for kind in _OWN_WORDS:
        yield from facts.words[kind]


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
