"""Which keys are brought under management, and on which account each belongs. Reads stores; writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from krakenctl.audit import rules
from krakenctl.errors import UsageError
from krakenctl.model.address import Address
from krakenctl.model.importing import LeftOut
from krakenctl.model.inspection import Described
from krakenctl.model.key import LiveKey
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import pin_of
from krakenctl.model.surface import BY_HAND, traits
from krakenctl.model.time import show_time
from krakenctl.pairs.harvest import Labelled
from krakenctl.plan.names import carries_tag
from krakenctl.stores.base import Store
from krakenctl.tasks.importing import naming
from krakenctl.tasks.importing.draft import AccountDraft, KeyDraft
from krakenctl.tasks.importing.ground import ImportGround
from krakenctl.tasks.importing.placing import Placing, Wanted
from krakenctl.tasks.importing.sorting import Asked

USUAL = "main"
_FIRST = "say with --account NAME which account it belongs to"


@dataclass(slots=True, kw_only=True)
class Chooser:
    """`account`: the name that the user gave; empty: none. `to`: addresses that they gave, by label.

    `left`: what cannot be imported, and why.
    """

    ground: ImportGround
    account: str
    to: Mapping[str, Address]
    second_factor: bool  # of the keys that were asked
    is_scale_known: bool  # somebody has said what their programs send
    now: int
    open_store: Callable[[str], Store | None]
    left: list[LeftOut] = field(default_factory=list)

    def accounts(self, asked: Iterable[Asked]) -> list[AccountDraft]:
        """Raises UsageError where --account or --to does not fit."""
        by_iiban: dict[str, list[Wanted]] = {}
        for labelled, told in asked:
            if why := self._why_not(told):
                self.left.append(LeftOut(label=labelled.label, why=why))
            else:
                by_iiban.setdefault(told.told.iiban, []).append(self._wanted(labelled, told))
        drafts: list[AccountDraft] = []
        for iiban, keys in by_iiban.items():
            said = self._said(keys)
            name = self._name(iiban, said, [draft.name for draft in drafts], several=len(by_iiban) > 1)
            drafts.append(self._draft(name, iiban, keys))
        return [draft for draft in drafts if draft.keys]

    def listed(self, live: Mapping[str, LiveAccount]) -> list[AccountDraft]:
        """Keys that Kraken lists and nobody manages here, without their secrets. Raises UsageError for --account."""
        with_list = {name: live[name] for name in self._with_list() if name in live}
        if not with_list:
            raise UsageError(
                f"no account {self.account + ' ' if self.account else ''}is declared whose keys Kraken lists",
                hint="only accounts with surface: connect have such a list; others need key and secret: --from FILE",
            )
        drafts = [
            self._draft(name, account.iiban, self._unmanaged(name, account)) for name, account in with_list.items()
        ]
        if all(account.phase is Phase.READY for account in with_list.values()):  # else it may be there unseen
            self._refuse_unlisted(with_list.values())
        return [draft for draft in drafts if draft.keys]

    def _with_list(self) -> list[str]:
        accounts = self.ground.desired.accounts
        with_list = [name for name, account in accounts.items() if not traits(account.surface).proved_by_pair]
        meant = {address.path[0] for address in self.to.values()} or {self.account or name for name in with_list}
        return [name for name in with_list if name in meant and self.account in ("", name)]

    def _unmanaged(self, name: str, account: LiveAccount) -> list[Wanted]:
        """`--to` names keys by their names on Kraken; without it all are meant."""
        ours = {trace.live_name for trace in self.ground.recorded.traces if trace.account == name}
        found: list[Wanted] = []
        if account.phase is not Phase.READY:
            self.left.append(LeftOut(label=name, why=f"its keys cannot be listed: {account.reason}"))
        for live in account.keys:
            if live.name in ours or not self._is_meant(name, live.name):
                continue
            if why := self._strange(name, live):
                self.left.append(LeftOut(label=live.name, why=why))
            else:
                found.append(Wanted(live.name, live, findings=rules.of_spec(live.spec)))
        return found

    def _is_meant(self, account: str, live_name: str) -> bool:
        return not self.to or (live_name in self.to and self.to[live_name].path[0] == account)

    def _refuse_unlisted(self, accounts: Iterable[LiveAccount]) -> None:
        listed = {live.name for account in accounts for live in account.keys}
        if missing := [f"“{name}”" for name in self.to if name not in listed]:
            raise UsageError(
                f"Kraken lists no key {', '.join(missing)}", hint="say --to ADDRESS=NAME, its name on Kraken"
            )

    def _strange(self, account: str, live: LiveKey) -> str:
        if carries_tag(live.name, self.ground.workspace.tag):
            return (
                "it carries this workspace's tag, so it was made here and its record is lost: `krakenctl state rebuild`"
            )
        if self.ground.recorded.given_as(account, live):
            return "it was handed over (Removed, action: forget), and is not taken back"
        return self._unfit(live)

    def _unfit(self, live: LiveKey) -> str:
        """Why no manifest could hold it; empty: one could."""
        if live.spec.has_ended(self.now):
            return f"it ended on {show_time(live.spec.valid_until)}"
        if live.spec.unknown_permissions:
            return f"it holds what this krakenctl does not know: {', '.join(sorted(live.spec.unknown_permissions))}"
        return ""

    def _why_not(self, told: Described) -> str:
        if not told.told.iiban and not self.account and not self.to:
            return self._unfit(told.told.live) or f"Kraken does not tell whose it is: {_FIRST}"
        return self._unfit(told.told.live)

    def _wanted(self, labelled: Labelled, told: Described) -> Wanted:
        about = told.told
        return Wanted(
            label=labelled.label,
            live=about.live,
            pair=labelled.pair,
            scale=about.scale,
            findings=told.findings,
            second_factor=self.second_factor,
            is_scale_known=self.is_scale_known,
        )

    def _said(self, keys: Iterable[Wanted]) -> str:
        """The name that the user gave to the account of these keys. Raises UsageError where that is two."""
        names = {self.to[key.label].path[0] for key in keys if key.label in self.to} or {self.account}
        if len(names) > 1:
            raise UsageError(f"these keys belong to one account, and --to names {' and '.join(sorted(names))}")
        return names.pop()

    def _name(self, iiban: str, said: str, taken: list[str], *, several: bool) -> str:
        """Of the account behind an IIBAN: as it is known here, as the user says, or a new one."""
        if known := self._known(iiban):
            if said and said != known and not (several and said == self.account):
                raise UsageError(f"these keys belong to {iiban}, which is the account {known} here, not {said}")
            return known
        declared = self.ground.desired.accounts
        if said and not (several and said == self.account):
            self._refuse_other(said, iiban)
            return said
        if said:
            raise UsageError(
                "these keys belong to several accounts, and --account names one",
                hint="name each: --to ApiKey/ACCOUNT/KEY=LABEL, once for every key; or a file for each account",
            )
        return naming.unique(USUAL, {*declared, *self.ground.recorded.accounts, *taken})

    def _known(self, iiban: str) -> str:
        pins = {account.iiban: name for name, account in self.ground.desired.accounts.items()}
        seen = {account.iiban: name for name, account in self.ground.recorded.accounts.items()}
        return (pins.get(iiban) or seen.get(iiban, "")) if iiban else ""

    def _refuse_other(self, name: str, iiban: str) -> None:
        pin = pin_of(self.ground.desired.accounts.get(name), self.ground.recorded.accounts.get(name))
        if pin and iiban and pin != iiban:
            raise UsageError(f"{name} is the account {pin}, and these keys belong to {iiban}", hint="check --account")

    def _draft(self, name: str, iiban: str, wanted: Iterable[Wanted]) -> AccountDraft:
        declared = self.ground.desired.accounts.get(name)
        placing = Placing(self.ground, self.open_store, self.to)
        keys: list[KeyDraft] = []
        for one in wanted:
            placed = placing.of(name, one, [key.name for key in keys])
            if isinstance(placed, LeftOut):
                self.left.append(placed)
            else:
                keys.append(placed)
        surface = declared.surface if declared else BY_HAND
        return AccountDraft(
            name=name,
            iiban=iiban,
            surface=surface,
            keys=tuple(keys),
            is_new=declared is None,
            inherited=self.ground.inherited(name),
        )
