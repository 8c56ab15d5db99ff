"""What a plan asks of people: its steps on accounts whose keys no API makes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from krakenctl.model.address import Address
from krakenctl.model.human import HumanStep, Successor
from krakenctl.model.journal import Intent, Stage, dated
from krakenctl.model.key import KeySpec
from krakenctl.model.page import keys_page
from krakenctl.model.plan import Change, Plan, PlannedAccount, Step, Verb
from krakenctl.model.recorded import RecordedKey

_BY_HAND = (Verb.ISSUE, Verb.UPDATE, Verb.REVOKE)

NO_KEYS: Mapping[Address, RecordedKey] = MappingProxyType({})

Shown = Mapping[tuple[str, str], Intent]  # by account and live name


def human_steps(
    plan: Plan, begun: Iterable[Intent] = (), keys: Mapping[Address, RecordedKey] = NO_KEYS
) -> tuple[HumanStep, ...]:
    """In the order of apply. `keys`: those in use. `begun`: what people were told to make before.

    Their ends hold, see `dated`. Any other end that is counted from the issue is shown as if that were at the plan's
    time.
    """
    shown = shown_of(begun)
    found = [
        replace(_step(plan, change, step, account, shown), successor=_successor(change, step, keys))
        for change, account in by_person(plan)
        for step in change.steps
        if step.verb in _BY_HAND
    ]
    of, seen = Counter(step.account for step in found), Counter[str]()
    numbered: list[HumanStep] = []
    for step in found:
        seen[step.account] += 1
        numbered.append(replace(step, number=seen[step.account], of=of[step.account]))
    return tuple(numbered)


def by_person(plan: Plan) -> Iterator[tuple[Change, PlannedAccount]]:
    """The changes of keys that people make."""
    accounts = {account.name: account for account in plan.accounts}
    for change in plan.changes:
        account = accounts.get(change.account)
        if account is not None and account.by_person and change.address.kind == "ApiKey":
            yield change, account


def shown_of(intents: Iterable[Intent]) -> Shown:
    return {(intent.account, intent.live_name): intent for intent in intents if intent.stage is Stage.SHOWN}


def _step(plan: Plan, change: Change, step: Step, account: PlannedAccount, shown: Shown) -> HumanStep:
    is_update = step.verb is Verb.UPDATE
    before = shown.get((account.name, step.name))
    wanted = None if step.verb is Verb.REVOKE or change.new is None else dated(change.new, plan.now, before)
    return HumanStep(
        verb=step.verb,
        account=account.name,
        username=account.username,
        iiban=account.iiban,
        name=step.name,
        page=keys_page(plan.endpoint),
        before=change.old.spec if is_update and change.old else None,
        wanted=wanted,
        moved_from=_moved_from(wanted, before),
    )


def _successor(change: Change, step: Step, keys: Mapping[Address, RecordedKey]) -> Successor | None:
    """What its program uses by then. Where there is no room for two keys it has none for a while."""
    if step.verb is not Verb.REVOKE or change.gap or change.old is None:
        return None
    if change.new is not None and change.secret is not None:
        return Successor(change.address, change.new.name, change.secret)
    return Successor.to(change.old.name, keys.get(change.address))


def _moved_from(wanted: KeySpec | None, before: Intent | None) -> int:
    if wanted is None or before is None or before.sent is None or before.sent.valid_until == wanted.valid_until:
        return 0
    return before.sent.valid_until
