"""Where a person makes, edits and deletes the keys of a Kraken. Pure data."""

from __future__ import annotations

from urllib.parse import urlsplit

from krakenctl.model.workspace import SANDBOX

_PATH = "/app/settings/api"  # source: support.kraken.com, "How to create an API key on Kraken Pro"; so has the sandbox
_API = "api.kraken.com"  # has no pages itself
REAL = f"https://pro.kraken.com{_PATH}"


def keys_page(endpoint: str) -> str:
    """Of the embedded sandbox a path only: its pages are where it is served."""
    if endpoint == SANDBOX:
        return _PATH
    return REAL if urlsplit(endpoint).hostname == _API else f"{endpoint}{_PATH}"


def is_served(page: str) -> bool:
    """Whether it can be opened as it is."""
    return page != _PATH


def in_words(page: str) -> str:
    """Completes “delete it at …”."""
    return page if is_served(page) else f"{page} of `krakenctl sandbox serve`, or with `krakenctl sandbox key`"
