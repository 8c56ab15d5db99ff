"""Accounts that are declared under another name than they are recorded by: the same by their IIBAN. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from krakenctl.model.address import key_address
from krakenctl.model.desired import Desired
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.live import LiveAccount
from krakenctl.model.recorded import Recorded, pin_of


def former_names(desired: Desired, recorded: Recorded, live: Mapping[str, LiveAccount]) -> dict[str, str]:
    """By the recorded name, which is declared no more: the declared one."""
    found = {}
    for name, account in desired.accounts.items():
        iiban = pin_of(account, recorded.accounts.get(name)) or (live[name].iiban if name in live else "")
        for old, known in recorded.accounts.items():
            if iiban and known.iiban == iiban and old not in desired.accounts:
                found[old] = name
    return found


def carried(desired: Desired, recorded: Recorded, live: Mapping[str, LiveAccount]) -> Recorded:
    """The kill switch was used on a key: another name for its account brings it back no more than another address.

    As of a former address, one that was issued later was allowed.
    """
    names, carried = former_names(desired, recorded, live), dict(recorded.contained)
    for address, by in recorded.contained.items():
        if (name := names.get(address.path[0])) is None or address.kind != "ApiKey":
            continue
        moved = key_address(name, address.name)
        record = recorded.keys.get(moved)
        if record is None or record.issued <= by.at:
            carried.setdefault(moved, by)
    return replace(recorded, contained=carried)


def remarks(desired: Desired, recorded: Recorded, live: Mapping[str, LiveAccount]) -> Iterator[Finding]:
    """An account has no former name: its keys are new ones, and those that it had are in no manifest."""
    for old, name in sorted(former_names(desired, recorded, live).items()):
        if any(record.account == old for record in recorded.keys.values()):
            yield Finding(
                rule="account-renamed",
                severity=Severity.WARNING,
                message=f"{name} is the account {recorded.accounts[old].iiban}, which is recorded as {old}: by another"
                f" name its keys are new ones, and those of {old} are declared no more",
                hint=f"name it {old} again, and nothing is replaced",
                address=str(desired.accounts[name].address),
            )
