"""Which account each key goes to, under which name, and where its secret is kept. Reads stores; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from krakenctl.audit import rules
from krakenctl.errors import KrakenctlError, UsageError
from krakenctl.importing import naming
from krakenctl.importing.draft import AccountDraft, KeyDraft
from krakenctl.importing.ground import Ground
from krakenctl.model.address import Address
from krakenctl.model.description import NonceScale
from krakenctl.model.desired import SecretRef
from krakenctl.model.finding import Finding
from krakenctl.model.importing import LeftOut
from krakenctl.model.inspection import Described
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.surface import SURFACES
from krakenctl.model.time import show_time
from krakenctl.pairs.harvest import Labelled
from krakenctl.plan.names import carries_tag
from krakenctl.stores.base import Slot, Store

BY_HAND = "website"  # the surface of keys that a person has made
USUAL = "main"
_FIRST = "say with --account NAME which account it belongs to"

Asked = tuple[Labelled, Described]


@dataclass(slots=True)
class Chooser:
    """`account`: the name that the user gave; empty: none. `left`: what cannot be imported, and why."""

    ground: Ground
    account: str
    now: int
    open_store: Callable[[str], Store | None]
    left: list[LeftOut] = field(default_factory=list)

    def accounts(self, asked: Iterable[Asked]) -> list[AccountDraft]:
        """Raises UsageError where --account does not fit."""
        by_iiban: dict[str, list[Asked]] = {}
        for labelled, told in asked:
            if why := self._why_not(told):
                self.left.append(LeftOut(label=labelled.label, why=why))
            else:
                by_iiban.setdefault(told.told.iiban, []).append((labelled, told))
        drafts: list[AccountDraft] = []
        for iiban, keys in by_iiban.items():
            name = self._name(iiban, [draft.name for draft in drafts], several=len(by_iiban) > 1)
            drafts.append(self._draft(name, iiban, keys))
        return drafts

    def listed(self, live: Mapping[str, LiveAccount]) -> list[AccountDraft]:
        """Keys that Kraken lists and nobody manages here, without their secrets. Raises UsageError for --account."""
        with_list = {name: live[name] for name in self._with_list() if name in live}
        if not with_list:
            raise UsageError(
                f"no account {self.account + ' ' if self.account else ''}is declared whose keys Kraken lists",
                hint="only accounts with surface: connect have such a list; others need key and secret: --from FILE",
            )
        drafts = [self._adopted(name, account) for name, account in with_list.items()]
        return [draft for draft in drafts if draft.keys]

    def _with_list(self) -> list[str]:
        accounts = self.ground.desired.accounts
        with_list = [name for name, account in accounts.items() if not SURFACES[account.surface].by_person]
        return [name for name in with_list if self.account in ("", name)]

    def _adopted(self, name: str, account: LiveAccount) -> AccountDraft:
        traces = [trace for trace in self.ground.recorded.traces if trace.account == name]
        ours = {trace.live_name for trace in traces}
        taken = {address.name for address in self._addresses() if address.path[0] == name}
        open_names = {address.name for address in self._unrecorded(name)}
        keys: list[KeyDraft] = []
        if account.phase is not Phase.READY:
            self.left.append(LeftOut(label=name, why=f"its keys cannot be listed: {account.reason}"))
        for live in (live for live in account.keys if live.name not in ours):
            if why := self._strange(name, live):
                self.left.append(LeftOut(label=live.name, why=why))
                continue
            key = self._place(name, Wanted(live.name, live), taken - open_names)
            keys.append(replace(key, declared=key.name in open_names, findings=rules.of_spec(live.spec)))
            taken.add(key.name)
            open_names.discard(key.name)
        return AccountDraft(
            name=name,
            iiban=account.iiban,
            surface=self.ground.desired.accounts[name].surface,
            keys=tuple(keys),
            is_new=False,
        )

    def _strange(self, account: str, live: LiveKey) -> str:
        if carries_tag(live.name, self.ground.workspace.tag):
            return (
                "it carries this workspace's tag, so it was made here and its record is lost: `krakenctl state rebuild`"
            )
        if self.ground.recorded.given_as(account, live):
            return "it was handed over (Removed, action: forget), and is not taken back"
        if 0 < live.spec.valid_until <= self.now:
            return f"it ended on {show_time(live.spec.valid_until)}"
        if live.spec.unknown_permissions:
            return f"it holds what this krakenctl does not know: {', '.join(sorted(live.spec.unknown_permissions))}"
        return ""

    def _why_not(self, told: Described) -> str:
        spec = told.told.live.spec
        if 0 < spec.valid_until <= self.now:
            return f"it ended on {show_time(spec.valid_until)}"
        if spec.unknown_permissions:
            return f"it holds what this krakenctl does not know: {', '.join(sorted(spec.unknown_permissions))}"
        if not told.told.iiban and not self.account:
            return f"Kraken does not tell whose it is: {_FIRST}"
        return ""

    def _name(self, iiban: str, taken: list[str], *, several: bool) -> str:
        """Of the account behind an IIBAN: as it is known here, as the user says, or a new one."""
        if known := self._known(iiban):
            if self.account and self.account != known and not several:
                raise UsageError(f"these keys belong to {iiban}, which is the account {known} here, not {self.account}")
            return known
        declared = self.ground.desired.accounts
        if self.account and not several:
            self._refuse_other(self.account, iiban)
            return self.account
        if self.account:
            raise UsageError(
                "these keys belong to several accounts, and --account names one",
                hint="leave --account out, and rename the accounts in the manifest afterwards; or import one by one",
            )
        return naming.unique(USUAL, {*declared, *self.ground.recorded.accounts, *taken})

    def _known(self, iiban: str) -> str:
        pins = {account.iiban: name for name, account in self.ground.desired.accounts.items()}
        seen = {account.iiban: name for name, account in self.ground.recorded.accounts.items()}
        return (pins.get(iiban) or seen.get(iiban, "")) if iiban else ""

    def _refuse_other(self, name: str, iiban: str) -> None:
        declared, seen = self.ground.desired.accounts.get(name), self.ground.recorded.accounts.get(name)
        pin = (declared.iiban if declared else "") or (seen.iiban if seen else "")
        if pin and iiban and pin != iiban:
            raise UsageError(f"{name} is the account {pin}, and these keys belong to {iiban}", hint="check --account")

    def _draft(self, name: str, iiban: str, asked: Iterable[Asked]) -> AccountDraft:
        declared = self.ground.desired.accounts.get(name)
        taken = {address.name for address in self._addresses() if address.path[0] == name}
        keys: list[KeyDraft] = []
        for labelled, told in asked:
            key = self._resumed(name, labelled, told) or self._place(name, _wanted(labelled, told), taken)
            taken.add(key.name)
            keys.append(key)
        surface = declared.surface if declared else BY_HAND
        return AccountDraft(name=name, iiban=iiban, surface=surface, keys=tuple(keys), is_new=declared is None)

    def _addresses(self) -> Iterator[Address]:
        recorded = self.ground.recorded
        yield from self.ground.desired.keys
        yield from (trace.address for trace in recorded.traces)
        yield from recorded.generations
        yield from recorded.contained

    def _resumed(self, account: str, labelled: Labelled, told: Described) -> KeyDraft | None:
        """One that an import declared, and that it could not record any more."""
        for address in self._unrecorded(account):
            place = self.ground.desired.keys[address].secret
            if self._keeps(place) == labelled.pair.public_key:
                return replace(_key(account, address.name, _wanted(labelled, told), place), declared=True)
        return None

    def _unrecorded(self, account: str) -> list[Address]:
        keys = self.ground.desired.keys.values()
        return [key.address for key in keys if key.account == account and key.address not in self.ground.recorded.keys]

    def _place(self, account: str, wanted: Wanted, taken: AbstractSet[str]) -> KeyDraft:
        """Where its usual place keeps another key's secret, under another name."""
        occupied = set(taken)
        while True:
            name = naming.key_name(wanted.label, wanted.live.name, occupied)
            place = SecretRef(self.ground.workspace.default_store, f"{account}/{name}")
            if self._keeps(place) in ("", wanted.pair.public_key if wanted.pair else ""):
                return _key(account, name, wanted, place)
            occupied.add(name)

    def _keeps(self, place: SecretRef) -> str:
        """Whose public key; empty: nothing is there; `?`: something that cannot be read, or of another workspace."""
        store = self.open_store(place.store)
        if store is None or not any(store.exists(place.path, slot) for slot in Slot):
            return ""
        with suppress(KrakenctlError):
            entry = store.get(place.path, Slot.CURRENT)
            lineage = self.ground.recorded.lineage
            if entry is not None and lineage in ("", entry.lineage):
                return entry.public_key
        return "?"


class Wanted(NamedTuple):
    """A key that is to be managed."""

    label: str
    live: LiveKey
    pair: KeyPair | None = None
    scale: NonceScale = NonceScale.UNKNOWN
    findings: tuple[Finding, ...] = ()


def _wanted(labelled: Labelled, told: Described) -> Wanted:
    return Wanted(labelled.label, told.told.live, labelled.pair, told.told.scale, told.findings)


def _key(account: str, name: str, wanted: Wanted, place: SecretRef) -> KeyDraft:
    return KeyDraft(
        account=account,
        name=name,
        label=wanted.label,
        live=wanted.live,
        scale=wanted.scale,
        secret=place,
        pair=wanted.pair,
        findings=wanted.findings,
    )
