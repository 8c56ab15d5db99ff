"""What a plan asks of people: its steps on accounts whose keys no API makes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from krakenctl.model.human import HumanStep
from krakenctl.model.key import KeySpec
from krakenctl.model.plan import Change, NewKey, Plan, PlannedAccount, Step, Verb
from krakenctl.model.surface import SURFACES, Traits

_BY_HAND = (Verb.ISSUE, Verb.UPDATE, Verb.REVOKE)


def human_steps(plan: Plan) -> tuple[HumanStep, ...]:
    """In the order of apply; an expiry that is counted from the issue as if that were at the plan's time."""
    accounts = {account.name: account for account in plan.accounts}
    found = [step for change in plan.changes for step in _steps(plan, change, accounts.get(change.account))]
    of, seen = Counter(step.account for step in found), Counter[str]()
    numbered: list[HumanStep] = []
    for step in found:
        seen[step.account] += 1
        numbered.append(replace(step, number=seen[step.account], of=of[step.account]))
    return tuple(numbered)


def _steps(plan: Plan, change: Change, account: PlannedAccount | None) -> Iterator[HumanStep]:
    traits = SURFACES[account.surface] if account is not None and change.address.kind == "ApiKey" else None
    if account is None or traits is None or not traits.by_person:
        return
    for step in change.steps:
        if step.verb in _BY_HAND:
            yield _step(plan, change, step, account, traits)


def _step(plan: Plan, change: Change, step: Step, account: PlannedAccount, traits: Traits) -> HumanStep:
    is_update = step.verb is Verb.UPDATE
    return HumanStep(
        verb=step.verb,
        account=account.name,
        username=account.username,
        name=step.name,
        page=traits.page,
        before=change.old.spec if is_update and change.old else None,
        wanted=None if step.verb is Verb.REVOKE or change.new is None else _dated(change.new, plan.now),
    )


def _dated(new: NewKey, now: int) -> KeySpec:
    return new.spec if new.valid_for is None else replace(new.spec, valid_until=now + new.valid_for)
