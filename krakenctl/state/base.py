"""The port to the state. Each method is one durable transaction: whoever is killed between two loses neither."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from krakenctl.model.address import Address
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.recorded import Recorded, RecordedAccount, RecordedKey
from krakenctl.model.run import Deed, Lease, Run


class Log(Protocol):
    """One JSON line per deed, each hashed over the one before. Lines are added and never changed."""

    def append(self, deed: Deed) -> str:
        """Durable. Returns the hash of the new line, which is the new head."""
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
        """Tell that the holder lives. Raises LeaseLost."""
        ...

    def release(self) -> None: ...

    def holder(self) -> Lease | None: ...

    def unlock(self, run: Run) -> Lease | None:
        """Take it from whoever holds it, on the record; `run.reason` says why. Returns what was taken."""
        ...


class State(Protocol):
    """Remembers; decides nothing. Every method raises StateError. Threads of one process may share it."""

    @property
    def log(self) -> Log: ...

    @property
    def leases(self) -> Leases: ...

    def check(self) -> None:
        """May we still act? To be asked before every mutation elsewhere. Raises LeaseLost."""
        ...

    def read(self) -> Recorded: ...

    def remember_account(self, account: RecordedAccount) -> None: ...

    def begin(self, intent: Intent) -> None:
        """Before the first deed of a change; again, to replace it. Burns the generation of a key to be issued."""
        ...

    def advance(self, address: Address, live_name: str, stage: Stage, verdict: str = "") -> None:
        """How far an intent has come."""
        ...

    def promote(self, key: RecordedKey, retired: RecordedKey | None, former: Address | None = None) -> None:
        """The issued key becomes the current one; `retired` is the one before, until it is revoked.

        With a retired one the intent stays, at PROMOTED; else it has come to its end. `former` is the address under
        which the one before was recorded, when that is another one.
        """
        ...

    def update(self, key: RecordedKey, former: Address | None = None) -> None:
        """What is recorded of a key (current, or retired) changes in place; it may move from a former address."""
        ...

    def revoked(self, address: Address, live_name: str) -> None:
        """This key is gone from the exchange: forget it, whether current, retired or only intended."""
        ...

    def forget(self, address: Address) -> None:
        """The current key lives on and is no longer ours."""
        ...

    def finish(self, address: Address, live_name: str) -> None:
        """An intent has come to its end."""
        ...

    def close(self) -> None: ...


class StateHome(Protocol):
    """Where a workspace keeps its state, before it is opened."""

    def read(self) -> Recorded:
        """What is recorded, without making or changing anything. No state yet: an empty one without a lineage."""
        ...

    def open(self) -> State:
        """Make it, with a lineage of its own, if it is not there. Raises StateError."""
        ...
