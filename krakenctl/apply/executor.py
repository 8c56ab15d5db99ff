"""The whole run: stores proved, sub-accounts requested, then accounts at the same time, and on each one change after
another. Never raises what a change can be blamed for: that is in the report."""

from __future__ import annotations

from collections.abc import Sequence

from krakenctl.apply import queue
from krakenctl.apply.fence import fenced
from krakenctl.apply.journal import Journal
from krakenctl.apply.lanes import lanes, secrets
from krakenctl.apply.patience import PatientSurface, patiently
from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.session import Memory, Session, end_all, memories
from krakenctl.apply.steps.tidy import tidy
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, KrakenctlError, StoreError
from krakenctl.model.journal import Intent
from krakenctl.model.live import Phase
from krakenctl.model.outcome import Report, Result
from krakenctl.model.plan import Action, Plan, PlannedAccount, Verb
from krakenctl.model.recorded import Recorded, RecordedAccount
from krakenctl.parallel import each
from krakenctl.surfaces.base import Surface


def execute(plan: Plan, recorded: Recorded, ports: Ports) -> Report:
    """Do what the plan says, on each account in its order, and tell what became of each change."""
    ports = fenced(ports)
    journal = Journal(ports)
    works = [Work(change, ports.tell, journal) for change in plan.changes]
    _end_blocked(works)
    _prove_stores(works, ports)
    accounts = {account.name: account for account in plan.accounts}
    _request_subaccounts(works, accounts, ports)
    _hold_back(works, ports)
    places = Places.of(recorded)
    _run_accounts(works, accounts, recorded, places, ports)
    if not ports.interrupted() and not ports.halt.reason:
        tidy(plan, recorded, places, ports)
    return Report(outcomes=tuple(work.outcome() for work in works))


def _end_blocked(works: Sequence[Work]) -> None:
    for work in works:
        if work.change.action is Action.BLOCKED:
            work.end(Result.BLOCKED, "; ".join(work.change.reasons))


def _prove_stores(works: Sequence[Work], ports: Ports) -> None:
    """Step 1 of 8. No key is issued whose secret would have nowhere to go."""
    issuing = [work for work in works if any(step.verb is Verb.STORE for step in work.change.steps)]
    for name in sorted({work.change.secret.store for work in issuing if work.change.secret}):
        try:
            ports.store(name).prove_writable()
        except KrakenctlError as problem:
            for work in issuing:
                if work.change.secret and work.change.secret.store == name:
                    work.fail(StoreError(f"{problem.message}; no key was issued", hint=problem.hint))


def _request_subaccounts(works: Sequence[Work], accounts: dict[str, PlannedAccount], ports: Ports) -> None:
    for work in works:
        if work.open and work.change.address.kind == "SubAccount":
            if ports.interrupted():
                work.end(Result.SKIPPED, "interrupted before its turn")
                continue
            with work.step(Verb.REQUEST, work.change.steps[0].name) as leave:
                leave()
                _request(work, accounts[work.change.address.name], ports)
            work.end(Result.DONE)


def _request(work: Work, account: PlannedAccount, ports: Ports) -> None:
    """Remembered before it is sent: asking twice would make two, or leave a person with two e-mails."""
    run = ports.run
    ports.state.begin(Intent(change=work.change, began=ports.now(), run=run.id, who=run.who, plan=run.plan))
    memory = RecordedAccount(name=account.name, kind="SubAccount", username=account.username, requested=True)
    ports.state.remember_account(memory)
    try:
        master = ports.master(work.change.account)
        work.take_request = master.take_request
        patiently(lambda: master.request_subaccount(account.username, account.email), ports, abandon=True)
    except AnswerLost as problem:
        hint = f"look on the website whether {account.username} exists; `krakenctl recover` says how to answer"
        raise AnswerLost(problem.message, hint=hint) from None
    except KrakenctlError:
        ports.state.remember_account(RecordedAccount(name=account.name, kind="SubAccount"))
        ports.state.finish(work.change.address, account.username)
        raise
    with work.telling() as deeds:
        ports.state.finish(work.change.address, account.username, deeds=deeds)


def _hold_back(works: Sequence[Work], ports: Ports) -> None:
    """Keys below a sub-account that this run requested: they go on if it is ready, and wait or are skipped if not."""
    requests = {work.change.address: work for work in works if work.change.address.kind == "SubAccount"}
    waiting = [(work, requests[work.change.waits_for]) for work in works if work.change.waits_for in requests]
    for work, above in waiting:
        if work.open and above.result is not Result.DONE:
            work.end(Result.SKIPPED, f"{above.change.address} was not requested")
    names = list(dict.fromkeys(work.change.account for work, _ in waiting if work.open))
    seen = dict(zip(names, each(lambda name: _look(name, ports), names, ports.parallelism), strict=True))
    for work, _ in waiting:
        if work.open:
            _end_unless_ready(work, seen[work.change.account])


def _end_unless_ready(work: Work, seen: str | KrakenctlError) -> None:
    if isinstance(seen, KrakenctlError):
        work.fail(seen)
    elif seen:
        work.end(Result.BLOCKED, seen)


def _look(account: str, ports: Ports) -> str | KrakenctlError:
    """The empty text means that keys can be made there."""
    try:
        live = ports.look_again(account)
    except KrakenctlError as problem:
        return problem
    return "" if live.phase is Phase.READY else live.reason


def _run_accounts(
    works: Sequence[Work], accounts: dict[str, PlannedAccount], recorded: Recorded, places: Places, ports: Ports
) -> None:
    """Accounts at the same time, but for those that hand a place in a store over: they go in the plan's order."""
    groups: dict[str, list[Work]] = {}
    for work in works:
        if work.open and work.change.address.kind == "ApiKey":
            groups.setdefault(work.change.account, []).append(work)
    memory = {name: Memory() for name in groups} | memories(recorded)

    def run_lane(names: list[str]) -> None:
        for name in names:
            if (surface := _opened(name, groups[name], ports)) is not None:
                session = Session(accounts[name], surface, ports, memory[name], places, recorded.lineage)
                _run(session, groups[name])

    uses: dict[str, list[object]] = {
        name: [*secrets((work.change for work in group), memory[name]), *_turns(accounts[name])]
        for name, group in groups.items()
    }
    each(run_lane, lanes(uses), ports.parallelism)


def _turns(account: PlannedAccount) -> Sequence[str]:
    """What accounts of its sort cannot have at the same time."""
    return [turns] if (turns := account.traits.takes_turns_for) else []


def _opened(account: str, works: list[Work], ports: Ports) -> Surface | None:
    try:
        surface = PatientSurface(ports.surface(account), ports)
    except KrakenctlError as problem:
        end_all(works, problem)
        return None
    for work in works:
        work.take_request = surface.take_request
    return surface


def _run(session: Session, works: list[Work]) -> None:
    """After a bug the other accounts finish the step in hand, and then it is raised."""
    try:
        queue.run(session, works)
    except BaseException:
        session.ports.halt.order("not tried: krakenctl itself failed on another account")
        raise
