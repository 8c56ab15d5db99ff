"""At the workspace: a key that waits is asked, or taken at somebody's word; what the store keeps of it is put right;
and what was begun is finished.

The order makes it safe to be killed anywhere: the pair that answered is kept before the journal says that it did.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from krakenctl.actor import new_run
from krakenctl.errors import CredentialError, LockedOut, NonceRefused, RateLimited, Refused, StoreError
from krakenctl.model.attestation import Attestation, Attested, Keeping
from krakenctl.model.description import CLOCKS
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.journal import ACCEPTED, ATTESTED, Verdict
from krakenctl.model.key import KeyPair
from krakenctl.model.recorded import pin_of
from krakenctl.model.silence import MOST_BY_WORD, MOST_REFUSED, Answer
from krakenctl.model.time import show_time
from krakenctl.observe.holdings import declared_as, record_of
from krakenctl.pipeline import onrecord
from krakenctl.plan.clocks import clock_of
from krakenctl.surfaces.kraken import answers
from krakenctl.surfaces.kraken.row import Row
from krakenctl.tasks import remembered
from krakenctl.tasks.attesting import judging
from krakenctl.tasks.attesting.asking import MOST_CALLS, Way, look
from krakenctl.tasks.attesting.keeping import Place, only_written, place
from krakenctl.tasks.attesting.peers import peer
from krakenctl.tasks.attesting.waiting import Waiting, find, owner
from krakenctl.tasks.nonces import Nonce
from krakenctl.wiring import opening
from krakenctl.workflow import Desk, open_desk

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.model.outcome import Event
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.secret import Secret
    from krakenctl.observe.estate import Share
    from krakenctl.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Ears:
    """Who hears how it goes, and how long another run is waited for."""

    tell: Callable[[Event], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    patience: float = 0


QUIET = Ears()


def attest(
    project: Project,
    address: Address,
    given: Callable[[], KeyPair] | None,
    nonce: Nonce = None,
    ears: Ears = QUIET,
    *,
    otp: Secret | None = None,
) -> Attested:
    """Ask the key, here. `given`: the pair, where it is not the store's word that counts. Raises KrakenctlError.

    Where it is not what was asked for, nothing is done. Else it goes on as after any other check.
    """
    with _case(project, address, ears) as case:
        pair = case.pair(given)
        said = case.asked(pair, nonce, otp)
        if wrong := case.differences(said, brought=False):
            return wrong
        keeping = case.keep(pair)
        case.vouch(_verdict(said, keeping), said)
        done = case.result(said, keeping, brought=False)
        return case.left(done) if done.claimed else case.finished(done)


def take(project: Project, address: Address, said: Attestation, ears: Ears = QUIET) -> Attested:
    """What the key has said elsewhere, as somebody brings it. Raises KrakenctlError."""
    with _case(project, address, ears) as case:
        if wrong := case.differences(said, brought=True):
            return wrong
        case.vouch(str(Verdict(ACCEPTED, f"attested by {_by(said)}, as {new_run('attest').who} says")), said)
        done = case.result(said, Keeping.UNTRIED, brought=True)
        return case.finished(done) if case.place.is_in_reach else case.left(done)


@contextmanager
def _case(project: Project, address: Address, ears: Ears) -> Iterator[_Case]:
    if _seen(project, remembered.recorded(project.root), address)[1].is_blind:
        project = only_written(project)
    with open_desk(project) as desk, desk.lease(new_run("attest"), ears.patience, ears.say):
        state, _ = desk.holding
        recorded = state.read()
        yield _Case(project, desk, ears, recorded, *_seen(project, recorded, address))


def _seen(project: Project, recorded: Recorded, address: Address) -> tuple[Waiting, Place]:
    """What waits, and what can be seen of it here. Raises UsageError."""
    waiting = find(recorded, address)
    return waiting, place(waiting, recorded.lineage, opening.stores(project, os.environ))


@dataclass(frozen=True, slots=True)
class _Case:
    """One key that waits, while the lease is held."""

    project: Project
    desk: Desk
    ears: Ears
    recorded: Recorded
    waiting: Waiting
    place: Place

    def pair(self, given: Callable[[], KeyPair] | None) -> KeyPair:
        """What is to be asked. Raises CredentialError."""
        pair = given() if given else self.place.pair
        if pair is None:
            raise CredentialError(
                self.place.problem, hint="give the pair with --stdin, --env-file FILE or --env KEY,SECRET"
            )
        if other := owner(self.recorded, self.waiting, pair.public_key):
            raise CredentialError(
                f"this is the pair of {other}, another key of this workspace; nothing was asked or done",
                hint=f"give that of {self.waiting.name}",
            )
        return pair

    def asked(self, pair: KeyPair, nonce: Nonce, otp: Secret | None) -> Attestation:
        """In harmless calls, of which two at most are refused. What came of it is remembered. Raises ExchangeError."""
        share = self.desk.known_of(self.waiting.intent.account)
        if why := share.rests(pair.public_key, named=True):
            raise LockedOut(f"{why}; nothing was done")
        way = self._way(share, pair, nonce, otp)
        try:
            told = look(self.project.root, pair, way=way, heard=lambda problem: _note(share, pair, problem))
        except (LockedOut, NonceRefused, RateLimited):  # it is let in, or nobody is
            raise
        except Refused as problem:
            problem.hint = self._hint(problem, pair)
            raise
        answer = Answer(iiban=told.said.iiban, spent=told.spent, nonce=told.seen)
        share.note(pair.public_key, answers=True, told=answer)
        share.keep_nonces([pair.public_key])
        return told.said

    def _way(self, share: Share, pair: KeyPair, nonce: Nonce, otp: Secret | None) -> Way:
        """A clock only for the very key that was declared to have a consumer with that clock. Raises RateLimited."""
        waiting = self.waiting
        record = record_of(waiting.intent, waiting.secret, waiting.sent)
        key, seen = declared_as(waiting.address, self.project.desired.keys), share.nonce(pair.public_key)
        scale = clock_of(record, key, self.desk.now(), seen=seen)
        is_it = pair.public_key == self._public_key and scale in CLOCKS
        spent = [answer.spent for (key, _), answer in self.recorded.answered.items() if key == pair.public_key]
        return Way(
            nonce=nonce or (scale if is_it else None),
            otp=otp,
            spent=max(spent, default=0),
            calls=self._calls(share, pair, is_told_more=nonce is not None or otp is not None),
            row=Row(held=share),
            seen=seen,
        )

    def _calls(self, share: Share, pair: KeyPair, *, is_told_more: bool) -> int:
        """How many may be made now. A full row leaves one, for whoever says something new: more, another pair or host.

        But first a key that is sure to answer is asked: a refusal would keep it from that, and its answer ends the row.
        """
        if not (why := share.enough()):
            return min(MOST_CALLS, MOST_REFUSED - share.refusals())
        may_be_more = share.is_quiet() or share.refusals() < MOST_BY_WORD
        is_another = self.place.pair not in (None, pair) or share.refusal(pair.public_key) is None
        if share.refusals() < MOST_BY_WORD and (well := peer(share, self.desk.now())):
            hint = f"run `krakenctl verify {well}` first: that key has answered this host, and its answer ends the row"
        elif may_be_more and (is_told_more or is_another):
            return 1
        else:
            hint = "--otp, --nonce, or another pair with --env, is worth one call now" if may_be_more else ""
        raise RateLimited(f"{why}; nothing was done", hint=hint)

    def _hint(self, problem: Refused, pair: KeyPair) -> str:
        """The next step, before what may be said of any key."""
        where, kept = ", ".join(self.waiting.sent.ip_allowlist), pair == self.place.pair
        hints = [
            f"unless this host is there, run it where the key may be used: {where}" if where else "",
            "if the pair that is kept was mistyped, give the right one with --env or --stdin" if kept else "",
            problem.hint,
        ]
        return "; ".join(filter(None, hints))

    @property
    def _public_key(self) -> str:
        return self.place.pair.public_key if self.place.pair else self.waiting.intent.public_key

    def differences(self, said: Attestation, *, brought: bool) -> Attested | None:
        """None: it is the key that was asked for."""
        wanted, now = self._wanted(), self.desk.now()
        wrong = judging.differences(wanted, said, now, brought=brought)
        if not wrong:
            return None
        done = self.result(said, Keeping.UNTRIED, brought=brought)
        return replace(done, differences=wrong, hint=judging.advice(wanted, said, now, brought=brought))

    def _wanted(self) -> judging.Wanted:
        account = self.waiting.intent.account
        desired, known = self.project.desired.accounts, self.recorded.accounts
        names = sorted(desired.keys() | known.keys())
        iibans = {name: pin_of(desired.get(name), known.get(name)) for name in names}
        return judging.Wanted(
            intent=self.waiting.intent,
            public_key=self._public_key,
            iiban=normal_iiban(iibans.get(account, "")),
            others={normal_iiban(iiban): name for name, iiban in iibans.items() if iiban and name != account},
            endpoint=self.project.workspace.endpoint,
        )

    def keep(self, pair: KeyPair) -> Keeping:
        """The pair that answered is what consumers will read. Raises StoreError where the store keeps a wrong one."""
        if not self.place.is_to_be_written(pair):
            return Keeping.SAME if self.place.pair else self._unseen(pair)
        state, run = self.desk.holding
        onrecord.vouching(
            state, run, self.waiting.intent, f"the pair that answered goes to {self.place}", self.desk.now()
        )
        try:
            self.place.write(pair)
        except StoreError as problem:
            if self.place.pair is None:
                return self._unseen(pair)
            raise StoreError(
                f"the store keeps another private key than the one that answered, and {problem.message}",
                hint="run it where the store can be written; nothing else was done",
            ) from None
        return Keeping.MENDED if self.place.pair else Keeping.WRITTEN

    def _unseen(self, pair: KeyPair) -> Keeping:
        """What is kept is out of reach here. By its public key it may be known for wrong all the same."""
        if self._public_key in ("", pair.public_key):
            return Keeping.UNTRIED
        raise StoreError(
            f"the public key that is kept was mistyped, and {self.place.problem}",
            hint="run it where the store is, with this pair; or `krakenctl apply` at a terminal there takes the pair"
            " again, with [k]; nothing else was done",
        )

    def vouch(self, verdict: str, said: Attestation) -> None:
        state, run = self.desk.holding
        onrecord.vouched(state, run, self.waiting.intent, verdict, public_key=said.public_key, now=self.desk.now())

    def result(self, said: Attestation, keeping: Keeping, *, brought: bool) -> Attested:
        return Attested(
            address=self.waiting.address,
            name=self.waiting.name,
            said=said,
            secret=keeping,
            brought=brought,
            log_head=self.desk.log_head(),
        )

    def left(self, done: Attested) -> Attested:
        """To a host that has the store: a run that does not find the secret here would give the key up."""
        return replace(done, left=self.place.problem, log_head=self.desk.log_head())

    def finished(self, done: Attested) -> Attested:
        """Promote it, as any run would that finds it checked."""
        told = self.desk.recover(self.ears.tell, self.ears.say, lambda: False)
        recovered = tuple(one for one in told if one.recovery.address == done.address)
        return replace(done, recovered=recovered, log_head=self.desk.log_head())


def _note(share: Share, pair: KeyPair, problem: Refused) -> None:
    """To be asked to wait, or locked out, tells nothing of the key."""
    if not isinstance(problem, (LockedOut, RateLimited)):
        share.note_refused(pair.public_key, answers.said(problem))


def _by(said: Attestation) -> str:
    return f"{said.who} on {said.host} at {show_time(said.at)}"


def _verdict(said: Attestation, keeping: Keeping) -> str:
    """What nobody has tried is somebody's word: the key stays marked as taken unseen."""
    kind, told = {
        Keeping.SAME: (ATTESTED, ""),
        Keeping.MENDED: (ATTESTED, "; the kept pair was mistyped: the one that answered is kept now"),
        Keeping.WRITTEN: (ATTESTED, "; the pair that answered was put into the store, unread"),
        Keeping.UNTRIED: (ACCEPTED, "; what the store keeps was not compared with that pair"),
    }[keeping]
    by = f"by {_by(said)}{told}"
    return str(Verdict(kind, f"attested {by}" if kind == ACCEPTED else by))
