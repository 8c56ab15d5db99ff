"""The port to the state. Each method is one durable transaction: whoever is killed between two loses neither."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from krakenctl.model.address import Address
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.plan import Ended, Mark
from krakenctl.model.recorded import (
    Announced,
    Containment,
    EndProof,
    Given,
    Recorded,
    RecordedAccount,
    RecordedKey,
    SeenLimit,
)
from krakenctl.model.run import Deed, Lease, Run
from krakenctl.model.silence import UNTOLD, Answer, Refusal

Told = Deed | Ended  # what a write of the state takes along: to the log, and to the marks of a saved plan


class Log(Protocol):
    """One JSON line per deed, each hashed over the one before. Lines are added and never changed."""

    def append(self, deed: Deed, *more: Deed) -> str:
        """Durable, all or none. Returns the hash of the last new line, which is the new head."""
        ...

    def head(self) -> str:
        """The hash of the last line; empty: there is none."""
        ...

    def lines(self) -> Iterator[str]:
        """Each as it was written, the oldest first."""
        ...


class Leases(Protocol):
    """At most one holder at a time. While a state's lease is held, whoever else writes is refused."""

    def acquire(self, run: Run, seconds: float) -> Lease:
        """Raises LockHeld, saying who holds it, unless nobody does or its holder is dead.

        From here on, every write of this state is refused with LeaseLost once somebody else has taken over.
        """
        ...

    def renew(self) -> None:
        """Tell that the holder lives; any thread may. Raises LeaseLost."""
        ...

    def release(self) -> None:
        """Nobody holds it now, unless it was lost before."""
        ...

    def holder(self) -> Lease | None: ...

    def unlock(self) -> Lease | None:
        """Take it from whoever holds it, dead or alive. Returns what was taken."""
        ...


class State(Protocol):
    """Remembers; decides nothing. Every method raises StateError. Threads of one process may share it.

    `deeds` are told in the log by the very transaction that remembers what they led to: both are there, or neither is.
    The same holds for what ends a change of a saved plan; one that was not marked as begun is not marked at all.
    """

    @property
    def log(self) -> Log: ...

    @property
    def leases(self) -> Leases: ...

    def check(self) -> None:
        """May we still act? To be asked before every mutation elsewhere.

        Raises LeaseLost, or Contained when the kill switch was used since the lease was taken. Without a lease: yes.
        """
        ...

    def read(self) -> Recorded: ...

    def remember_account(
        self, account: RecordedAccount, *more: RecordedAccount, deeds: Sequence[Told] = ()
    ) -> None: ...

    def begin(self, intent: Intent, *, deeds: Sequence[Told] = ()) -> None:
        """Before the first deed of a change; again, to replace it. Burns the generation of a key to be issued.

        Raises what `check` raises: what the kill switch cannot see in the journal must not begin after it.
        """
        ...

    def advance(
        self,
        address: Address,
        live_name: str,
        stage: Stage,
        verdict: str = "",
        public_key: str = "",
        *,
        deeds: Sequence[Told] = (),
    ) -> None:
        """How far an intent has come. A public key that is not told stays as it was."""
        ...

    def promote(
        self,
        key: RecordedKey,
        retired: RecordedKey | None,
        former: Address | None = None,
        *,
        deeds: Sequence[Told] = (),
    ) -> None:
        """The issued key becomes the current one; `retired` is the one before, until it is revoked.

        With a retired one the intent stays, at PROMOTED; else it has come to its end. `former` is the address under
        which the one before was recorded, when that is another one.
        """
        ...

    def update(
        self, key: RecordedKey, former: Address | None = None, *, ends: str = "", deeds: Sequence[Told] = ()
    ) -> None:
        """What is recorded of a key (current, or retired) changes in place; it may move from a former address.

        `ends`: as in `revoked`.
        """
        ...

    def revoked(self, address: Address, live_name: str, *, ends: str = "", deeds: Sequence[Told] = ()) -> None:
        """This key is gone from the exchange: forget it, whether current, retired, only intended, or handed over.

        `ends`: the live name of the address's intent that comes to its end with this.
        """
        ...

    def forget(self, address: Address, given: Given | None = None, *, deeds: Sequence[Told] = ()) -> None:
        """The current key is no longer ours. `given`: it lives on, and is not to be taken for ours again."""
        ...

    def announce(self, *keys: Announced) -> None:
        """Before an import declares them. Each is forgotten as soon as a key of its address is recorded."""
        ...

    def finish(self, address: Address, live_name: str, *, free: int = 0, deeds: Sequence[Told] = ()) -> None:
        """An intent has come to its end.

        `free`: its generation, where it is sure that nothing was made of it: unless a later one is burned, it may be
        meant once more.
        """
        ...

    def learn_limit(self, account: str, seen: SeenLimit | None) -> None:
        """None: it holds no longer."""
        ...

    def hear(self, public_key: str, host: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        """The key with this public half has answered that host; `answers` False: what was known is worth nothing.

        One that answers is neither refused nor gone, whatever was noted. This and the next five are what was seen on
        the exchange: they need no lease. What is of a key is forgotten with it.
        """
        ...

    def refused(self, public_key: str, host: str, refusal: Refusal) -> None:
        """That it has answered there before stays known."""
        ...

    def count_refused(self, account: str, at: int) -> None:
        """One more call of the account was refused, at `at` on Kraken's clock, and follows on those before it.

        Whoever counts at the same time is counted as well.
        """
        ...

    def end_row(self, account: str) -> None:
        """A key of the account has answered."""
        ...

    def gone(self, public_key: str, proof: EndProof) -> None:
        """The key with this public half has ended, and that is proved."""
        ...

    def locked_out(self, account: str, at: int) -> None:
        """Kraken has just said so, at `at` on its clock."""
        ...

    def contain(self, addresses: Collection[Address], accounts: Collection[str], by: Containment) -> None:
        """The kill switch is used: on these keys, and on all that is recorded or under way on these accounts.

        Needs no lease. Whoever holds one is told by `check`.
        """
        ...

    def mark(self, plan: str, mark: Mark) -> None:
        """How far one change of a saved plan has come; `plan` is the plan's digest. What is done stays done."""
        ...

    def marks(self, plan: str) -> tuple[Mark, ...]:
        """What is remembered of the changes of one saved plan."""
        ...

    def restore(self, recorded: Recorded) -> None:
        """All keys and intents are these, and so is the lineage, unless it is empty. What was burned stays burned, and
        what was handed over stays so, unless it is among these keys.

        Accounts that it does not speak of, what the kill switch did and the log stay as they are.
        """
        ...

    def set_aside(self) -> str:
        """Make a copy of everything beside the state, for people. Returns what it is called."""
        ...

    def close(self) -> None: ...


class StateHome(Protocol):
    """Where a workspace keeps its state, before it is opened."""

    def read(self) -> Recorded:
        """What is recorded, without making or changing anything. No state yet: an empty one without a lineage."""
        ...

    def look(self) -> AbstractContextManager[State | None]:
        """The state, to be read only, without a lease and without making anything; None: there is none yet."""
        ...

    def jot(self, deed: Callable[[State], None]) -> bool:
        """Write down what was seen, without a lease, if that is possible at once: nothing is made or upgraded for it.

        False: it could not be, and nobody is told. What it says then is only forgotten.
        """
        ...

    def open(self) -> State:
        """Make it, with a lineage of its own, if it is not there. Raises StateError."""
        ...

    def remove(self) -> None:
        """Nothing is left of it, and whoever opens it makes a new one. Raises StateError."""
        ...
