"""How intents end that need no exchange any more: journal, records and slots are put right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from krakenctl.apply.places import Places
from krakenctl.apply.ports import Ports
from krakenctl.apply.recovery.task import Task, find
from krakenctl.apply.recovery.undo import give_back
from krakenctl.apply.session import Session
from krakenctl.apply.steps import update
from krakenctl.apply.steps.revoke import clear_slots
from krakenctl.model.journal import MISMATCH, Intent, Stage
from krakenctl.model.live import LiveAccount
from krakenctl.model.plan import Action, Step, Verb
from krakenctl.model.recovery import Move
from krakenctl.model.run import Deed
from krakenctl.stores.base import Slot

_REVOKING = {  # the stages in which the old key may go, by whether it goes first
    True: (Stage.BEGUN, Stage.REVOKED),
    False: (Stage.PROMOTED,),
}


class Ends:
    """Of one account."""

    def __init__(self, seen: LiveAccount, places: Places, ports: Ports) -> None:
        self._seen = seen
        self._places = places
        self._ports = ports
        self._state = ports.state

    def settle(self, session: Session, task: Task) -> None:
        """What needs no exchange."""
        match task.move:
            case Move.RECORD:
                task.finished(partial(self._record, session, task))
            case Move.WATCH:
                task.finished(partial(self._watch, session, task))
            case Move.SHOW:
                task.finished(partial(self._show, task))
            case Move.UNKNOWN:
                task.finished(partial(self._leave_alone, session, task))

    def _record(self, session: Session, task: Task) -> None:
        intent = task.intent
        if intent.change.action is Action.REVOKE:
            clear_slots(session, intent.live_name)
            deeds = task.found(Verb.REVOKE, intent.live_name)
            self._state.revoked(intent.address, intent.live_name, deeds=[*deeds, task.ended()])
        elif new := intent.change.new:
            deeds = task.found(Verb.UPDATE, new.name)
            update.remember(session, intent.change, new, ends=new.name, deeds=[*deeds, task.ended()])

    def _watch(self, session: Session, task: Task) -> None:
        if task.intent.stage is not Stage.LOST:
            give_back(session, task.intent)
            self.empty_pending(task.intent)
        if task.intent.stage is not Stage.LOST or task.intent.verdict == MISMATCH:  # it had shown up, and is revoked
            self.give_up(task)

    def _show(self, task: Task) -> None:
        if task.intent.stage is not Stage.SHOWN:
            self._state.advance(task.intent.address, task.intent.live_name, Stage.SHOWN)

    def _leave_alone(self, session: Session, task: Task) -> None:
        """The key is; what its consumer reads is ours to put right."""
        give_back(session, task.intent)
        self.give_up(task)

    def finish(self, task: Task) -> None:
        self.empty_pending(task.intent)  # of a key that is proved gone
        requested = task.move is Move.RECORD and task.intent.address.kind == "SubAccount"
        deeds = task.found(Verb.REQUEST, task.intent.live_name) if requested else self._gone(task)
        ended = [task.ended()] if requested or task.is_closed else []
        self._state.finish(task.intent.address, task.intent.live_name, deeds=[*deeds, *ended])

    def give_up(self, task: Task) -> None:
        intent = task.intent
        verdict = intent.verdict if intent.mistaken else ""
        self._state.advance(intent.address, intent.live_name, Stage.LOST, verdict, deeds=self._gone(task))

    def _gone(self, task: Task) -> Sequence[Deed]:
        """What the change had begun to revoke, and no later step will speak of: the new key, or the one before it.

        A new key that no list could show is gone only where its own pair has proved it.
        """
        intent, is_proved = task.intent, task.move is Move.DROP or not self._seen.traits.proved_by_pair
        names = [intent.live_name] if intent.verdict == MISMATCH and is_proved else []
        if intent.stage in _REVOKING[intent.change.gap] and Step(Verb.REVOKE, intent.old_name) in intent.change.steps:
            names.append(intent.old_name)
        gone = [name for name in names if find(self._seen, name) is None]
        return [deed for name in gone for deed in task.found(Verb.REVOKE, name)]

    def empty_pending(self, intent: Intent) -> None:
        """Of a secret that is of no use to anybody; another key's stays."""
        secret, owner = intent.secret, (intent.account, intent.live_name)
        if secret is not None and Slot.PENDING in self._places.of_owner(secret, owner):
            self._ports.store(secret.store).remove(secret.path, Slot.PENDING)
            self._places.emptied(secret, Slot.PENDING)
