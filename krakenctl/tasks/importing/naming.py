"""Names for what is imported, as a person would choose them: legal, unique, and near what its owner calls it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from krakenctl.model.permission import ALL, SPELLINGS, Permission, Risk
from krakenctl.pairs.names import ONLY

LONGEST = 23  # of a key's name: on Kraken a tag and a generation follow it
_GENERATION = re.compile(r"\.[a-z0-9]{2}\.g\d{1,4}$")
_P = Permission
_ADDRESSES = {_P.ADD_WITHDRAW_ADDRESS, _P.UPDATE_WITHDRAW_ADDRESS}
_READS = frozenset(permission for permission, spelling in SPELLINGS.items() if spelling.risk is Risk.READ)


def key_name(label: str, live_name: str, taken: Collection[str]) -> str:
    """From what its source calls it, or else from its name on Kraken."""
    told = legal(re.sub(r"^kraken[-_. ]+", "", _own(label.rpartition("/")[2]), flags=re.IGNORECASE))
    if told in ("", ONLY, "kraken", "api-key", "api"):
        told = legal(_own(live_name))
    return unique(told or "key", taken)


def _own(name: str) -> str:
    """Without the tag and the generation that some workspace gave it."""
    return _GENERATION.sub("", name)


def legal(text: str) -> str:
    """Lower-case letters, digits and hyphens; empty: nothing of it is usable."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-")


def unique(name: str, taken: Collection[str]) -> str:
    """`bot`, `bot-2`, …"""
    found, number = name, 1
    while found in taken:
        number += 1
        end = f"-{number}"
        found = name[: LONGEST - len(end)].rstrip("-") + end
    return found


def set_name(held: Iterable[Permission], taken: Collection[str]) -> str:
    """By the most that its keys can do. No set is called read-only: query-funds alone moves funds to Futures."""
    return unique(_role(frozenset(held)), taken)


def _role(held: frozenset[Permission]) -> str:
    trades = bool(held & {_P.MODIFY_TRADES, _P.CLOSE_TRADES})
    if held == ALL:
        return "everything"
    if _P.WITHDRAW_FUNDS in held:
        return "trader-and-withdrawer" if trades else "withdrawer"
    if held & _ADDRESSES:
        return "address-keeper"
    if trades:
        return "trader"
    return "monitor" if held <= _READS else "funding" if held & {_P.ADD_FUNDS, _P.EARN_FUNDS} else "shared"
