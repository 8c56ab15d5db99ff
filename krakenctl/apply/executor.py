"""The whole run: stores proved, sub-accounts requested, then one account after another. Never raises what a change
can be blamed for: that is in the report."""

from __future__ import annotations

from collections.abc import Sequence

from krakenctl.apply import queue
from krakenctl.apply.journal import Journal
from krakenctl.apply.patience import PatientSurface, patiently
from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.session import Memory, Session
from krakenctl.apply.tidy import tidy
from krakenctl.apply.work import Work
from krakenctl.errors import AnswerLost, KrakenctlError, StoreError
from krakenctl.model.live import Phase
from krakenctl.model.outcome import Report, Result
from krakenctl.model.plan import Action, Plan, PlannedAccount, Verb
from krakenctl.model.recorded import Recorded, RecordedAccount


def execute(plan: Plan, recorded: Recorded, ports: Ports) -> Report:
    """Do what the plan says, in its order, and tell what became of each change."""
    journal = Journal(ports)
    works = [Work(change, ports.tell, journal) for change in plan.changes]
    _end_blocked(works)
    _prove_stores(works, ports)
    accounts = {account.name: account for account in plan.accounts}
    _request_subaccounts(works, accounts, ports)
    _hold_back(works, ports)
    places = Places.of(recorded)
    _run_accounts(works, accounts, recorded, places, ports)
    if not ports.interrupted():
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
            with work.step(Verb.REQUEST, work.change.steps[0].name):
                _request(work, accounts[work.change.address.name], ports)
            work.end(Result.DONE)


def _request(work: Work, account: PlannedAccount, ports: Ports) -> None:
    """Remembered before it is sent: asking twice would make two, or leave a person with two e-mails."""
    memory = RecordedAccount(name=account.name, kind="SubAccount", username=account.username, requested=True)
    ports.state.remember_account(memory)
    try:
        master = ports.master(work.change.account)
        patiently(lambda: master.request_subaccount(account.username, account.email), ports, abandon=True)
    except AnswerLost as problem:
        hint = f"look on the website whether {account.username} exists; krakenctl treats it as requested from now on"
        raise AnswerLost(problem.message, hint=hint) from None
    except KrakenctlError:
        ports.state.remember_account(RecordedAccount(name=account.name, kind="SubAccount"))
        raise


def _hold_back(works: Sequence[Work], ports: Ports) -> None:
    """Keys below a sub-account that this run requested: they go on if it is ready, and wait or are skipped if not."""
    requests = {work.change.address: work for work in works if work.change.address.kind == "SubAccount"}
    ready: dict[str, str | KrakenctlError] = {}
    for work in works:
        above = requests.get(work.change.waits_for) if work.change.waits_for else None
        if above is None or not work.open:
            continue
        if above.result is not Result.DONE:
            work.end(Result.SKIPPED, f"{above.change.address} was not requested")
        else:
            _end_unless_ready(work, ready, ports)


def _end_unless_ready(work: Work, seen: dict[str, str | KrakenctlError], ports: Ports) -> None:
    """Each account is looked at once; the empty text means that keys can be made there."""
    account = work.change.account
    if account not in seen:
        seen[account] = _look(account, ports)
    match seen[account]:
        case KrakenctlError() as problem:
            work.fail(problem)
        case reason if reason:
            work.end(Result.BLOCKED, str(reason))


def _look(account: str, ports: Ports) -> str | KrakenctlError:
    try:
        live = ports.look_again(account)
    except KrakenctlError as problem:
        return problem
    return "" if live.phase is Phase.READY else live.reason


def _run_accounts(
    works: Sequence[Work], accounts: dict[str, PlannedAccount], recorded: Recorded, places: Places, ports: Ports
) -> None:
    groups: dict[str, list[Work]] = {}
    for work in works:
        if work.open and work.change.address.kind == "ApiKey":
            groups.setdefault(work.change.account, []).append(work)
    memories = _memories(recorded)
    for name, group in groups.items():
        try:
            surface = PatientSurface(ports.surface(name), ports)
        except KrakenctlError as problem:
            for work in group:
                work.fail(problem)
            continue
        memory = memories.get(name, Memory())
        queue.run(Session(accounts[name], surface, ports, memory, places, recorded.lineage), group)


def _memories(recorded: Recorded) -> dict[str, Memory]:
    memories: dict[str, Memory] = {}
    for key in (*recorded.keys.values(), *recorded.retired):
        memory = memories.setdefault(key.account, Memory())
        memory.by_name[key.live_name] = key
        if not key.retired_until:
            memory.current[key.address] = key
    for intent in recorded.intents:
        memories.setdefault(intent.account, Memory()).intents[intent.live_name] = intent
    return memories
