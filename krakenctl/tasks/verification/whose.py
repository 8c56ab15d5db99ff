"""Whose the keys are that were seen: accounts of the workspace that are one, and one that is several. Pure.

A key belongs to the account that its maker was logged in to, and has that one's rights: what a manifest allows or
denies on the account it names would be held against another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from krakenctl.model.verification import Setting, Verification, Verified, VerifySight

LIST = "its credential"  # what tells whose a list is

Told = Mapping[str, Mapping[str, str]]  # by account, by live name or LIST: the IIBAN that was told


def settled(found: Verification, pins: Mapping[str, str], lists: Mapping[str, str]) -> Verification:
    """`pins`: of all accounts of the workspace, as declared or remembered; `lists`: whose each list is."""
    told = {sight.account: _told(sight, found, lists) for sight in found.sights}
    whose = _Whose(pins, told)
    return replace(
        found,
        keys=tuple(_judged(key, whose) for key in found.keys),
        sights=tuple(replace(sight, mixed=tuple(whose.mixed(sight.account))) for sight in found.sights),
    )


def _told(sight: VerifySight, found: Verification, lists: Mapping[str, str]) -> dict[str, str]:
    by_key = {key.name: key.iiban for key in found.keys if key.account == sight.account and key.asked and key.iiban}
    return ({LIST: lists[sight.account]} if lists.get(sight.account) else {}) | by_key


@dataclass(frozen=True, slots=True)
class _Whose:
    pins: Mapping[str, str]
    told: Told

    def mixed(self, account: str) -> Iterator[str]:
        """Sentences about a whole account. Where a pin says which key is wrong, that is told of the key."""
        first = self._first(account)
        if len(first) > 1 and not self.pins.get(account):
            each = " and ".join(f"{who} to {iiban}" for iiban, who in first.items())
            yield f"what is declared on {account} belongs to different accounts: {each}"
        for iiban, who in first.items():
            if others := self.others(account, iiban):
                yield f"{who} belongs to {iiban}, which is the account {', '.join(others)}"

    def others(self, account: str, iiban: str) -> list[str]:
        """Which other accounts this one is. One that is the known home of it is not accused by what strayed there."""
        is_home = self.pins.get(account) == iiban
        homes = {name for name, pin in self.pins.items() if pin == iiban}
        strays = set() if is_home else {name for name, told in self.told.items() if iiban in told.values()}
        return sorted((homes | strays) - {account})

    def doubt(self, account: str, iiban: str) -> str:
        """Why what belongs to it cannot be this account's; empty: it can, or a pin says so already."""
        if others := self.others(account, iiban):
            return f"it belongs to {iiban}, which is the account {', '.join(others)}"
        is_split = len(self._first(account)) > 1 and not self.pins.get(account)
        return f"it belongs to {iiban}, and others that are declared on {account} do not" if is_split else ""

    def _first(self, account: str) -> dict[str, str]:
        """By IIBAN, who told it first."""
        found: dict[str, str] = {}
        for who, iiban in self.told[account].items():
            found.setdefault(iiban, who)
        return found


def _judged(key: Verified, whose: _Whose) -> Verified:
    doubt = whose.doubt(key.account, key.iiban) if key.iiban else ""
    if not doubt:
        return key
    pin = whose.pins.get(key.account) or None
    wrong = Setting(name="account", declared=pin, effective=key.iiban, source=key.source, agrees=False)
    kept = tuple(one for one in key.settings if one.name != "account")
    return replace(key, settings=(*kept, wrong), remarks=(*key.remarks, doubt))
