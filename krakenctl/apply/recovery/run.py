"""Finish or undo what an earlier run has begun: each intent re-enters at the step it had reached, never past the check.

What is done about each is decided in evidence.py and decide.py; the steps themselves are those of every other run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from krakenctl.apply.fence import fenced
from krakenctl.apply.findings import Findings
from krakenctl.apply.patience import PatientSurface
from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.recovery.ends import Ends
from krakenctl.apply.recovery.evidence import Decided
from krakenctl.apply.recovery.task import Task, rest, taking_back
from krakenctl.apply.recovery.undo import give_back
from krakenctl.apply.session import Memory, Session, finish, memories
from krakenctl.apply.steps import waves
from krakenctl.apply.steps.foreign import refuse_foreign
from krakenctl.apply.steps.issue import kept_key
from krakenctl.apply.steps.revoke import clear_slots, revoke_old
from krakenctl.apply.work import KeptKey
from krakenctl.errors import KrakenctlError
from krakenctl.model.journal import MISMATCH, Intent, Stage
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.plan import PlannedAccount, Verb
from krakenctl.model.recorded import Recorded
from krakenctl.model.recovery import Move
from krakenctl.model.run import Deed
from krakenctl.surfaces.base import Listing


def recover(
    decided: Sequence[Decided], recorded: Recorded, live: Mapping[str, LiveAccount], ports: Ports
) -> tuple[Recovered, ...]:
    """Do it, one account after another. What one change can be blamed for is told of it; nothing else stops for it.

    Raises LeaseLost, Contained or StateError when nothing may be done any more.
    """
    ports = fenced(ports)
    places, findings, told = Places.of(recorded), Findings(ports), list[Recovered]()
    for name, group in _by_account(decided).items():
        seen = live.get(name) or LiveAccount(name=name, phase=Phase.ABSENT)
        tasks = [Task(one, seen, ports, findings) for one in group]
        _Hand(tasks, seen, recorded, places, ports).recover()
        for task in tasks:
            told.append(task.told())
            _log(told[-1], ports)
    return tuple(sorted(told, key=lambda one: (one.recovery.address, one.recovery.name)))


def _by_account(decided: Iterable[Decided]) -> dict[str, list[Decided]]:
    groups: dict[str, list[Decided]] = {}
    for one in decided:
        groups.setdefault(one.intent.account, []).append(one)
    return groups


def _log(told: Recovered, ports: Ports) -> None:
    """What waits is told again by every run, and logged by none."""
    recovery = told.recovery
    if not recovery.move.stays and recovery.move is not Move.SHOW:
        deed = Deed(
            at=ports.now(),
            run=ports.run,
            verb="recover",
            outcome=told.result.value,
            address=recovery.address,
            account=recovery.account,
            name=recovery.name,
            message=told.message or f"{recovery.move}: {recovery.why}",
        )
        ports.state.log.append(deed)


class _Hand:
    """Carries out what was decided on one account."""

    def __init__(
        self, tasks: Sequence[Task], seen: LiveAccount, recorded: Recorded, places: Places, ports: Ports
    ) -> None:
        self._tasks = tasks
        self._seen = seen
        self._recorded = recorded
        self._places = places
        self._ports = ports
        self._state = ports.state
        self._ends = Ends(seen, places, ports)

    def recover(self) -> None:
        for task in self._tasks:
            if task.move.stays:
                task.work.end(Result.BLOCKED, task.recovery.why)
            elif task.intent.address.kind == "SubAccount" or task.move is Move.DROP:  # needs no account to be there
                task.finished(partial(self._ends.finish, task))
        tasks = [task for task in self._tasks if task.work.open]
        if not tasks:
            return
        for task in tasks:
            self._claim_pending(task)
        try:
            self._on_exchange(self._session(), tasks)
        except KrakenctlError as problem:
            for task in tasks:
                task.work.fail(problem)

    def _claim_pending(self, task: Task) -> None:
        """A run that died before step 5 left a secret there that the journal does not speak of."""
        intent, pending = task.intent, task.kept.pending
        if intent.secret is not None and pending is not None and pending.live_name == intent.live_name:
            self._places.stored(intent.secret, (intent.account, intent.live_name))

    def _session(self) -> Session:
        seen = self._seen
        account = PlannedAccount(
            name=seen.name,
            phase=seen.phase,
            coverage=seen.coverage,
            iiban=seen.iiban,
            surface=seen.surface,
        )
        surface = PatientSurface(self._ports.surface(seen.name), self._ports)
        memory = memories(self._recorded).get(seen.name, Memory())
        session = Session(account, surface, self._ports, memory, self._places, self._recorded.lineage)
        session.take(Listing(seen.keys, seen.coverage, seen.asides))
        return session

    def _on_exchange(self, session: Session, tasks: Sequence[Task]) -> None:
        by_move: dict[Move, list[Task]] = {move: [task for task in tasks if task.move is move] for move in Move}
        if not self._ports.interrupted():
            for task in (*by_move[Move.REVOKE], *by_move[Move.ISSUE]):
                verb = Verb.REVOKE if task.move is Move.REVOKE else Verb.ISSUE
                task.attempt(partial(session.surface.ready, verb, task.intent.live_name))
            self._take_back(session, by_move[Move.REVOKE])
            self._go_on(session, [*by_move[Move.PROMOTE], *by_move[Move.CLOSE]])
            for task in by_move[Move.ISSUE]:
                self._issue(session, task)
            for task in tasks:
                self._ends.settle(session, task)
        session.skip(task.work for task in tasks)

    def _take_back(self, session: Session, tasks: Sequence[Task]) -> None:
        for task in tasks:
            task.attempt(partial(give_back, session, task.intent))
            task.attempt(partial(self._doom, task))
        revoke_old(session, [task.work for task in tasks])
        finish(task.work for task in tasks)

    def _doom(self, task: Task) -> None:
        """Before it is revoked: else a run that finds it gone could tell neither that it was nor by whom."""
        intent = task.intent
        if task.work.open:
            deeds = task.found(Verb.ISSUE, intent.live_name)
            self._state.advance(intent.address, intent.live_name, intent.stage, MISMATCH, deeds=deeds)

    def _go_on(self, session: Session, tasks: Sequence[Task]) -> None:
        for task in tasks:
            if task.move is Move.PROMOTE:
                task.attempt(partial(self._stored, task))
        live = {key.name: key for key in self._seen.keys}
        waves.complete(session, [task.work for task in tasks], live)

    def _stored(self, task: Task) -> None:
        """Step 5, if the run died just before it. A key that its consumer may use already is not called again."""
        intent, entry = task.intent, task.kept.entry(task.intent.live_name)
        if task.live is None:
            return
        if entry is not None and intent.stage in (Stage.BEGUN, Stage.REVOKED):
            deeds = [*task.found(Verb.ISSUE, entry.live_name), *task.found(Verb.STORE, entry.live_name)]
            self._state.advance(
                intent.address, intent.live_name, Stage.STORED, public_key=entry.public_key, deeds=deeds
            )
        if intent.secret is not None and intent.stage is not Stage.CHECKED:
            self._places.stored(intent.secret, (intent.account, intent.live_name))
        if entry is not None and intent.stage is not Stage.CHECKED:
            task.work.kept = kept_key(entry)
        else:
            public_key = entry.public_key if entry else intent.public_key
            task.work.kept = KeptKey(created=task.live.created, public_key=public_key, pair=None)

    def _issue(self, session: Session, task: Task) -> None:
        """Under its next name where its own was asked for already: that one stays burned, and looked for."""
        intent = task.fresh
        task.attempt(partial(self._forget_old, session, task))
        task.attempt(partial(self._renew, session, task, intent))
        task.attempt(partial(self._refuse_foreign, session, intent))
        task.work.change = rest(intent, Move.ISSUE, self._seen)
        task.work.intent = intent
        if task.work.open:
            waves.wave(session, [task.work])

    def _refuse_foreign(self, session: Session, intent: Intent) -> None:
        if place := intent.secret:
            refuse_foreign(self._ports.store(place.store), place, session.lineage, session.places)

    def _forget_old(self, session: Session, task: Task) -> None:
        """It is gone, unless that is only claimed; the run may have died before it had cleared its slots."""
        old = task.intent.old_name
        record = session.memory.by_name.get(old)
        if record is not None and not (record.claimed_by and old in session.names):
            clear_slots(session, old)
            self._state.revoked(task.intent.address, old, deeds=task.found(Verb.REVOKE, old))

    def _renew(self, session: Session, task: Task, intent: Intent) -> None:
        before = task.intent
        if intent.live_name == before.live_name:
            return
        self._state.begin(intent)
        if before.sent is None:  # whoever has its name now, it is not ours
            self._state.finish(before.address, before.live_name)
            return
        give_back(session, before)
        self._ends.empty_pending(before)
        if task.live is None:
            self._ends.give_up(task)
            return
        self._doom(task)
        task.work.change = taking_back(before, task.live)
        revoke_old(session, [task.work])
