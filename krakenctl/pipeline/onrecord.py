"""What a person answers for, written down while the lease is held: limits raised, steps begun or shown, keys seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from krakenctl.apply.steps.check import differences
from krakenctl.model.journal import Intent, Stage, dated
from krakenctl.model.plan import Mark
from krakenctl.model.run import Deed
from krakenctl.plan.human import by_person, shown_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from krakenctl.model.key import KeySpec
    from krakenctl.model.plan import Change, Clock, Plan, Settled
    from krakenctl.model.recorded import Recorded, RecordedKey
    from krakenctl.model.run import Run
    from krakenctl.state.base import State

Seen = TypeVar("Seen", "Settled", "Clock")


def allowed(state: State, run: Run, plan: Plan, now: int) -> None:
    """Whoever raises a safety limit is on the record, before anything is done."""
    if told := "; ".join(f"{block.limit.value}: {block.message}" for block in plan.blocks if block.allowed):
        state.log.append(Deed(at=now, run=run, verb="allow", outcome="done", message=told))


def settled(state: State, run: Run, plan: Plan, now: int) -> None:
    """Keys that were seen to be as declared: a later plan that cannot ask them does not offer the same edit again."""
    for each, record in _recorded(state, plan.settled):
        after = replace(record, spec=each.spec, unverified="")
        _remember(state, run, after, "; ".join(_news(record, each.spec)), now)


def clocks(state: State, run: Run, plan: Plan, now: int) -> None:
    """What programs send now, as declared: once their keys are replaced, no manifest tells of them any more."""
    for each, record in _recorded(state, plan.clocks):
        _remember(state, run, replace(record, nonce=each.nonce), f"consumer.nonce: {record.nonce} → {each.nonce}", now)


def _recorded(state: State, seen: Sequence[Seen]) -> Iterator[tuple[Seen, RecordedKey]]:
    """Each with its record, where that is still of the key that the plan saw."""
    known = state.read().keys if seen else {}
    for each in seen:
        record = known.get(each.address)
        if record is not None and record.live_name == each.name:
            yield each, record


def _remember(state: State, run: Run, after: RecordedKey, told: str, now: int) -> None:
    deed = Deed(
        at=now,
        run=run,
        verb="remember",
        outcome="done",
        address=after.address,
        account=after.account,
        name=after.live_name,
        message=told,
    )
    state.update(after, deeds=[deed])


def _news(record: RecordedKey, seen: KeySpec) -> Iterator[str]:
    if wrong := differences(record.spec, seen):
        yield f"as declared, though it was not sent so: {'; '.join(wrong)}"
    if record.unverified:
        yield f"as declared, as it says itself; it had been taken unseen: {record.unverified}"


def begun(state: State, run: Run, change: Change, now: int) -> None:
    """In the name of the run's saved plan. What ends the change says so itself."""
    state.mark(run.plan, Mark(change=change.handle, at=now, who=run.who, done=False))


def vouching(state: State, run: Run, intent: Intent, what: str, now: int) -> None:
    """Before the store is touched: whoever is killed then has told of it."""
    state.check()
    state.log.append(_attest(run, intent, "begun", what, now))


def shown(state: State, run: Run, plan: Plan, recorded: Recorded, now: int) -> None:
    """The keys that a person is told to make: a later run asks for them under these names, and with these ends."""
    before = shown_of(recorded.intents)
    for change, account in by_person(plan):
        if change.strategy is None or change.new is None:
            continue
        known = before.get((account.name, change.new.name))
        intent = Intent(
            change=change,
            began=known.began if known else now,
            stage=Stage.SHOWN,
            sent=dated(change.new, plan.now, known),
            run=run.id,
            who=run.who,
            plan=run.plan,
        )
        if known is None or (known.change, known.sent) != (intent.change, intent.sent):
            state.begin(intent)


def vouched(state: State, run: Run, intent: Intent, verdict: str, *, public_key: str, now: int) -> None:
    """A key that waits was looked at elsewhere, and is right. `public_key`: of the pair that answered."""
    deeds = [_attest(run, intent, "done", verdict, now)]
    state.advance(intent.address, intent.live_name, Stage.CHECKED, verdict, public_key, deeds=deeds)


def _attest(run: Run, intent: Intent, outcome: str, message: str, now: int) -> Deed:
    return Deed(
        at=now,
        run=run,
        verb="attest",
        outcome=outcome,
        address=intent.address,
        account=intent.account,
        name=intent.live_name,
        message=message,
    )
