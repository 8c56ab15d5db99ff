"""Words for messages: quotes, lists, guesses at what was meant. A value that may be a secret is never repeated."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import lru_cache

from krakenctl.model.origin import Path
from krakenctl.model.permission import SCOPE_PREFIX, SPELLINGS, Permission

_SECRET_NAME = re.compile(r"secret|token|passw|passphrase|api_?-?key|private|credential|identity|otp", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"AGE-SECRET|PRIVATE KEY|[A-Za-z0-9+/_=-]{32,}")
_MANY = 500  # as many names are looked at closely; a guess must not take longer than the check


def quoted(names: Iterable[object]) -> str:
    """`a` and `b` → “a”, “b”."""
    return ", ".join(f"“{name}”" for name in names)


def shown(value: object, path: Path = ()) -> str:
    """The value in quotes, cut to a glance; “this value” where it may be a secret; its sort where it has parts."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    steps = [step for step in path if isinstance(step, str)]
    text = {True: "true", False: "false", None: "null"}.get(value, value) if _is_word(value) else value  # type: ignore[call-overload]
    if any(_SECRET_NAME.search(step) for step in steps) or _SECRET_TEXT.search(str(text)):
        return "this value"
    glance = str(text).replace("\n", " ")
    return f"“{glance if len(glance) <= 40 else glance[:39] + '…'}”"


def _is_word(value: object) -> bool:
    return value is None or isinstance(value, bool)


def guess(word: str, known: Iterable[str]) -> str:
    """“did you mean …”, or nothing when no known word is near."""
    near = nearest(word, tuple(known))
    return f"did you mean “{near}”" if near else ""


@lru_cache(maxsize=1024)  # one wrong name is often written a thousand times
def nearest(word: str, known: tuple[str, ...]) -> str:
    folded = _fold(word)
    for name in known:
        if _fold(name) == folded:
            return name
    alike = [name for name in known if abs(len(name) - len(word)) <= 3][:_MANY]
    found = difflib.get_close_matches(word, alike, n=1, cutoff=0.6)
    return found[0] if found else ""


def nearest_permission(word: str) -> str:
    """The code that a word in any of Kraken's four spellings means, or that is near it."""
    folded = _fold(word.removeprefix(SCOPE_PREFIX))
    return _SPELLINGS.get(folded) or nearest(word, tuple(permission.value for permission in Permission))


def _fold(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _spellings() -> dict[str, str]:
    """Every spelling of every permission, folded, and the short names of Kraken's guides."""
    folded: dict[str, str] = {}
    for permission, spelling in SPELLINGS.items():
        label = spelling.label
        for text in (permission.value, spelling.flag or "", label, label.split(" – ")[-1]):
            folded.setdefault(_fold(text), permission.value)
    short = {"depositfunds": "add-funds", "deposit": "add-funds", "withdraw": "withdraw-funds", "earn": "earn-funds",
             "cancelcloseorders": "close-trades", "query": "query-funds", "getwebsockettoken": "create-ws-token",
             "accesswebsocketapi": "create-ws-token", "websocketinterface": "create-ws-token"}  # fmt: skip
    return {text: code for text, code in (short | folded).items() if text not in ("", "on")}


_SPELLINGS = _spellings()
