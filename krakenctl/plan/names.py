"""The names keys have on Kraken: `mm-btc.a7.g3` is the third issue of mm-btc by the workspace a7. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_GENERATION = re.compile(r"\.g([1-9]\d{0,3})")


def live_name(name: str, tag: str, generation: int) -> str:
    return f"{name}.{tag}.g{generation}"


def generation_of(live: str, name: str, tag: str) -> int:
    """The generation if `live` is a name this workspace would give to the key `name`, else 0."""
    stem = f"{name}.{tag}"
    found = _GENERATION.fullmatch(live[len(stem) :]) if live.startswith(stem) else None
    return int(found[1]) if found else 0


def generations(live: Iterable[str], tag: str) -> dict[str, int]:
    """The highest generation among live names, by the name of the key it belongs to."""
    highest: dict[str, int] = {}
    for text in live:
        name = text.rsplit(".", 2)[0]
        generation = generation_of(text, name, tag)
        if generation > highest.get(name, 0):
            highest[name] = generation
    return highest


def carries_tag(live: str, tag: str) -> bool:
    """Whether any key of this workspace could be called so."""
    _, _, rest = live.partition(f".{tag}.g")
    return rest.isdigit()
