"""Addresses as people type them. What is none is told, with the one that was probably meant."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from krakenctl.errors import KrakenctlError, UsageError
from krakenctl.model.address import Address


def parse(text: str, known: Callable[[], Collection[Address]]) -> Address:
    """Raises UsageError. `known` is asked only then."""
    try:
        return Address.parse(text)
    except ValueError as problem:
        raise UsageError(str(problem), hint=meant(text, known())) from None


def meant(text: str, known: Collection[Address]) -> str:
    """`bot-b1`, `desk-b/bot-b1`, `ApiKey/bot-b1` → the one address that ends so; empty: there is none, or several."""
    end = "/" + text.rpartition("ApiKey/")[2]
    found = [str(address) for address in known if str(address).endswith(end)]
    return f"did you mean {found[0]}?" if len(found) == 1 else ""


def of_kind(kind: str, root: Path) -> set[Address]:
    """As far as manifests and state can be read: a hint is not worth an error of its own."""
    found: set[Address] = set()
    with suppress(KrakenctlError):
        found |= _declared(root)
    with suppress(KrakenctlError):
        found |= _recorded(root)
    return {address for address in found if address.kind == kind}


def _declared(root: Path) -> set[Address]:
    from krakenctl.project import examine

    desired = examine(root).desired
    return {*desired.keys, *(account.address for account in desired.accounts.values())} if desired else set()


def _recorded(root: Path) -> set[Address]:
    from krakenctl.tasks.remembered import recorded

    memory = recorded(root)
    return {*(trace.address for trace in memory.traces), *memory.contained}
