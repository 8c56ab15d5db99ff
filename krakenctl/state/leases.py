"""The lease in SQL: one row, whose fence rises with every holder."""

from __future__ import annotations

from krakenctl.errors import LeaseLost
from krakenctl.model.run import Lease, Run
from krakenctl.state.database import Database, Execute


class SqlLeases:
    """See `base.Leases`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._fence = 0  # ours; 0: we hold none, and write unguarded

    def must_hold(self, run: Execute) -> None:
        """To be run in the transaction of every write. Raises LeaseLost."""
        if self._fence and run("SELECT fence FROM lease")[0][0] != self._fence:
            raise LeaseLost("another krakenctl has taken over this workspace while this one was away")

    def acquire(self, run: Run, seconds: float) -> Lease:
        raise NotImplementedError

    def renew(self) -> None:
        raise NotImplementedError

    def release(self) -> None:
        raise NotImplementedError

    def holder(self) -> Lease | None:
        raise NotImplementedError

    def unlock(self, run: Run) -> Lease | None:
        raise NotImplementedError
