"""Is the issued key what was declared, to the bit? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.model.key import KeySpec, same_expiry
from krakenctl.model.permission import in_order
from krakenctl.model.time import show_time


def differences(wanted: KeySpec, live: KeySpec) -> tuple[str, ...]:
    """One sentence each; empty when the key is right. A right too few is as wrong as one too many."""
    return tuple(_differences(wanted, live))


def _differences(wanted: KeySpec, live: KeySpec) -> Iterator[str]:
    if surplus := live.permissions - wanted.permissions:
        yield f"it may {', '.join(in_order(surplus))}, which was not asked for"
    if live.unknown_permissions:
        yield f"it has permissions that this krakenctl does not know: {', '.join(sorted(live.unknown_permissions))}"
    if missing := wanted.permissions - live.permissions:
        yield f"it lacks {', '.join(in_order(missing))}"
    if live.ip_allowlist != wanted.ip_allowlist:
        yield f"it works from {_addresses(live)}, not from {_addresses(wanted)}"
    if not same_expiry(live.valid_until, wanted.valid_until):
        yield _expiry(live.valid_until, wanted.valid_until)
    if (live.query_from, live.query_to) != (wanted.query_from, wanted.query_to):
        yield f"its query window is {_window(live)}, not {_window(wanted)}"
    if live.nonce_window != wanted.nonce_window:
        yield f"its nonce window is {live.nonce_window}, not {wanted.nonce_window}"


def _addresses(spec: KeySpec) -> str:
    return ", ".join(spec.ip_allowlist) or "any address"


def _expiry(live: int, wanted: int) -> str:
    if not live:
        return f"it never expires, and should on {show_time(wanted)}"
    return f"it expires {show_time(live)}, {f'not {show_time(wanted)}' if wanted else 'and never should'}"


def _window(spec: KeySpec) -> str:
    ends = [f"{word} {show_time(end)}" for word, end in (("from", spec.query_from), ("to", spec.query_to)) if end]
    return " ".join(ends) or "unlimited"
