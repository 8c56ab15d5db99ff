"""One intent of a run that died, on its way to its end: what is left of its change, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from krakenctl.apply.findings import Findings
from krakenctl.apply.journal import Journal
from krakenctl.apply.ports import Ports
from krakenctl.apply.recovery.decide import closed
from krakenctl.apply.recovery.evidence import Decided
from krakenctl.apply.work import Work
from krakenctl.errors import KrakenctlError
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.key import LiveKey
from krakenctl.model.live import LiveAccount
from krakenctl.model.outcome import Recovered, Result
from krakenctl.model.plan import Action, Change, Ended, OldKey, Step, Verb
from krakenctl.model.recovery import Move

_VERBS = {
    Move.PROMOTE: (Verb.CHECK, Verb.PROMOTE, Verb.RETIRE, Verb.REVOKE),
    Move.CLOSE: (Verb.RETIRE, Verb.REVOKE),
    Move.ISSUE: (Verb.ISSUE, Verb.STORE, Verb.CHECK, Verb.PROMOTE),
}


class Task:
    """One intent on its way to its end."""

    def __init__(self, decided: Decided, seen: LiveAccount, ports: Ports, findings: Findings) -> None:
        self.intent, self.kept, self.recovery = decided.intent, decided.kept, decided.recovery
        self.fresh = decided.fresh
        self.move = decided.recovery.move
        self.live = find(seen, self.intent.live_name)
        self.work = Work(rest(self.intent, self.move, seen), ports.tell, Journal(ports), intent=self.intent)
        self.work.findings = self.found = partial(findings.of, self.intent)
        self.work.ending = self._ending

    def ended(self) -> Ended:
        """That the change is done, for the saved plan in whose name it was begun."""
        return self.work.journal.ended(self.intent.change, self.intent.plan)

    @property
    def is_closed(self) -> bool:
        """The new key is in use, and somebody else saw to the old one: nothing was left to do of it."""
        return self.move is Move.DROP and self.intent.stage is Stage.PROMOTED and self.live is not None

    def _ending(self) -> Sequence[Ended]:
        """A new key that is taken back is no end of it: another one may come."""
        taken_back = self.work.change.action is Action.REVOKE
        return () if taken_back else [self.ended()]

    def told(self) -> Recovered:
        work, recovery, result = self.work, self.recovery, self.work.result or Result.DONE
        if self.move is Move.CLOSE and result is Result.DONE:
            recovery = replace(recovery, why=closed(self.intent) + (f"; {work.note}" if work.note else ""))
        return Recovered(
            recovery=recovery,
            result=result,
            message=work.message,
            hint=work.hint,
            code=work.code,
        )

    def attempt(self, deed: Callable[[], None]) -> None:
        """What is no step: an error of ours ends this one and no other."""
        try:
            deed()
        except KrakenctlError as problem:
            self.work.fail(problem)

    def finished(self, deed: Callable[[], None]) -> None:
        self.attempt(deed)
        self.work.end(Result.DONE)


def rest(intent: Intent, move: Move, seen: LiveAccount) -> Change:
    """What is left of a change. The old key is given its end as it is now, not as it was once planned."""
    change, old = intent.change, intent.change.old
    if move is Move.REVOKE and (live := find(seen, intent.live_name)):
        return taking_back(intent, live)
    if move not in _VERBS:
        return change
    gone = {Verb.REVOKE} if change.gap else set()
    steps = tuple(step for step in change.steps if step.verb in _VERBS[move] and step.verb not in gone)
    if old is None or change.gap:
        return replace(change, steps=steps)
    live = find(seen, old.name)
    if live is not None and live.created == old.created:
        return replace(change, steps=steps, old=replace(old, spec=live.spec))
    if live is None and not change.overlap:  # somebody was quicker: to revoke it is to forget it
        return replace(change, steps=steps)
    return replace(change, steps=tuple(step for step in steps if step.name != old.name), old=None, overlap=0)


def taking_back(intent: Intent, live: LiveKey) -> Change:
    return Change(
        address=intent.address,
        account=intent.account,
        action=Action.REVOKE,
        steps=(Step(Verb.REVOKE, live.name),),
        old=OldKey(name=live.name, created=live.created, spec=live.spec),
    )


def find(seen: LiveAccount, name: str) -> LiveKey | None:
    return next((key for key in seen.keys if key.name == name), None)
