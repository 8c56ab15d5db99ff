"""Would the plan after this import change anything? Drawn in memory, before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from krakenctl import schema_files, validate
from krakenctl.errors import InvalidManifests
from krakenctl.model.address import Address
from krakenctl.model.desired import DesiredAccount, DesiredKey
from krakenctl.model.document import Document
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.key import same_creation
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.recorded import Recorded, RecordedAccount, RecordedKey
from krakenctl.model.surface import traits
from krakenctl.plan.names import generation_of
from krakenctl.plan.planner import Inputs, plan
from krakenctl.tasks.importing.draft import AccountDraft, KeyDraft
from krakenctl.tasks.importing.ground import ImportGround

Look = Callable[[], Mapping[str, LiveAccount]]  # what Kraken lists; asked only where it lists anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`wrong`: keys that cannot be declared as they are, and why. Without any, the rest is to be written."""

    wrong: Mapping[Address, str]
    accounts: tuple[RecordedAccount, ...] = ()
    records: tuple[RecordedKey, ...] = ()


def judge(
    ground: ImportGround, written: Iterable[Document], drafts: Sequence[AccountDraft], now: int, look: Look
) -> Judgement:
    """Raises InvalidManifests where it is not for one of the keys that the manifests would not be sound."""
    keys = {key.address: key for account in drafts for key in account.keys}
    documents = (*ground.documents, *written)
    desired, findings = validate.desired(documents, ground.workspace, "", schema_files.load_kinds())
    if desired is None:
        return Judgement(wrong=_unsound(findings, keys))
    accounts = tuple(RecordedAccount.of(desired.accounts[draft.name], draft.iiban) for draft in drafts)
    records = tuple(_record(key, desired.keys[address], ground, now) for address, key in keys.items())
    live = {draft.name: _live(desired.accounts[draft.name], draft, ground.recorded, look) for draft in drafts}
    after = _after(ground.recorded, accounts, records)
    inputs = Inputs(workspace=ground.workspace, desired=desired, live=live, recorded=after, now=now)
    wrong = _unlisted(keys, live) or _changes(inputs, keys.keys())
    return Judgement(wrong=wrong, accounts=accounts, records=records)


def _unsound(findings: Iterable[Finding], keys: Mapping[Address, KeyDraft]) -> dict[Address, str]:
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    ours = {str(address): address for address in keys}
    wrong: dict[Address, str] = {}
    for finding in errors:
        if finding.address in ours:
            wrong.setdefault(ours[finding.address], f"no manifest can declare it here as it is: {finding.message}")
    if not wrong:
        raise InvalidManifests("the manifests would not be sound with these keys", errors, hint="nothing was written")
    return wrong


def _after(recorded: Recorded, accounts: Iterable[RecordedAccount], records: Iterable[RecordedKey]) -> Recorded:
    return replace(
        recorded,
        accounts={**recorded.accounts, **{account.name: account for account in accounts}},
        keys={**recorded.keys, **{record.address: record for record in records}},
    )


def _changes(inputs: Inputs, new: Collection[Address]) -> dict[Address, str]:
    return {
        change.address: f"the next plan would {change.action} it: {'; '.join(change.reasons)}"
        for change in plan(inputs).changes
        if change.address in new
    }


def _unlisted(keys: Mapping[Address, KeyDraft], live: Mapping[str, LiveAccount]) -> dict[Address, str]:
    """Keys made on the website of an account whose keys are made through an API: its list never shows them."""
    wrong = {}
    for address, key in keys.items():
        account = live[key.account]
        same = (one for one in account.keys if one.name == key.live.name)
        if not any(same_creation(one.created, key.live.created) for one in same):
            called = traits(account.surface).called
            wrong[address] = f"{key.account} has its keys made through {called}, and Kraken does not list it there"
    return wrong


def _live(account: DesiredAccount, draft: AccountDraft, recorded: Recorded, look: Look) -> LiveAccount:
    if not traits(account.surface).proved_by_pair:
        return look()[account.name]
    known = [key for key in recorded.ours if key.account == account.name]
    names = {key.live.name for key in draft.keys}
    kept = [key.as_live() for key in known if key.live_name not in names]
    return LiveAccount(
        name=account.name,
        phase=Phase.READY,
        iiban=draft.iiban,
        coverage=traits(account.surface).coverage,
        keys=(*kept, *(key.live for key in draft.keys)),
        surface=account.surface,
    )


def _record(key: KeyDraft, desired: DesiredKey, ground: ImportGround, now: int) -> RecordedKey:
    """It keeps its live name; if that is one that this workspace gives, its generation too."""
    if key.pair and (adopted := ground.recorded.keys.get(key.address)):
        return replace(adopted, public_key=key.pair.public_key, without_secret=False)
    return RecordedKey(
        address=key.address,
        live_name=key.live.name,
        generation=generation_of(key.live.name, key.name, ground.workspace.tag),
        created=key.live.created,
        public_key=key.pair.public_key if key.pair else key.live.public_key,
        spec=key.live.spec,
        secret=desired.secret,
        issued=key.live.created or now,
        trigger=desired.rotation.trigger,
        protect=desired.protect,
        nonce=desired.nonce,
        without_secret=key.pair is None,
    )
