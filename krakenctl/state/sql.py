"""A state in any database that speaks our SQL."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

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
from krakenctl.model.run import Deed
from krakenctl.model.silence import UNTOLD, Answer, Refusal
from krakenctl.state import leases, rows, witness
from krakenctl.state.base import Told
from krakenctl.state.database import Database, Execute
from krakenctl.state.leases import SqlLeases
from krakenctl.state.log import SqlLog, telling
from krakenctl.state.reading import read
from krakenctl.state.together import Together

_UPSERT_ACCOUNT = (
    "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind,"
    " surface = excluded.surface, username = excluded.username, iiban = excluded.iiban, requested = excluded.requested"
)
_BURN = (
    "INSERT INTO generation VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET highest ="
    " CASE WHEN excluded.highest > generation.highest THEN excluded.highest ELSE generation.highest END"
)
_FREE = "UPDATE generation SET highest = ? WHERE address = ? AND highest = ?"
_NEVER_BURNED = "DELETE FROM generation WHERE address = ? AND highest = 0"
_DROP_KEY = "DELETE FROM key WHERE address = ? AND live_name = ?"
_DROP_GIVEN = "DELETE FROM given WHERE address = ? AND live_name = ?"
_DROP_ANNOUNCED = "DELETE FROM announced WHERE address = ?"
_DROP_SEEN = tuple(
    f"DELETE FROM {table} WHERE public_key IN (SELECT public_key FROM key WHERE address = ? AND live_name = ?)"  # noqa: S608
    for table in ("answered", "refused", "gone")
)
_DROP_INTENT = "DELETE FROM journal WHERE address = ? AND live_name = ?"
_ADVANCE = (
    "UPDATE journal SET stage = ?, verdict = ?, public_key = CASE WHEN ? = '' THEN public_key ELSE ? END"
    " WHERE address = ? AND live_name = ?"
)
_PROMOTED = "UPDATE journal SET stage = 'promoted' WHERE address = ? AND live_name = ?"
_ANY_ADDRESS = "SELECT address FROM key UNION SELECT address FROM journal"
_CONTAIN = (
    "INSERT INTO contained VALUES (?, ?, ?, ?) ON CONFLICT (address) DO UPDATE SET at = excluded.at,"
    " who = excluded.who, reason = excluded.reason"
)

_MARK = (
    "INSERT INTO mark VALUES (?, ?, ?, ?, ?) ON CONFLICT (plan, change) DO UPDATE SET at = excluded.at,"
    " who = excluded.who, done = excluded.done WHERE mark.done = 0"
)
_END = "UPDATE mark SET at = ?, who = ?, done = 1 WHERE plan = ? AND change = ? AND done = 0"


class SqlState:
    """See `base.State`."""

    def __init__(self, database: Database) -> None:
        self._database = database = Together(database)
        self.database: Database = database  # for whoever takes all of it: `moving`
        self.leases = SqlLeases(database)
        self.log = SqlLog(database, self.leases)

    def check(self) -> None:
        self.leases.check()

    def read(self) -> Recorded:
        return self._database.read(lambda run: read(run, self._database.now()))

    def remember_account(self, account: RecordedAccount, *more: RecordedAccount, deeds: Sequence[Told] = ()) -> None:
        def deed(run: Execute) -> None:
            for each in (account, *more):
                run(_UPSERT_ACCOUNT, *rows.account_row(each))

        self._write(deed, deeds)

    def begin(self, intent: Intent, *, deeds: Sequence[Told] = ()) -> None:
        def deed(run: Execute) -> None:
            self.leases.must_be_calm(run)
            run(_DROP_INTENT, str(intent.address), intent.live_name)
            _put_intent(run, intent)
            if intent.issues:
                run(_BURN, str(intent.address), intent.generation)

        self._write(deed, deeds)

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
        handle = (str(address), live_name)
        self._write(lambda run: run(_ADVANCE, stage.value, verdict, public_key, public_key, *handle), deeds)

    def promote(
        self,
        key: RecordedKey,
        retired: RecordedKey | None,
        former: Address | None = None,
        *,
        deeds: Sequence[Told] = (),
    ) -> None:
        def deed(run: Execute) -> None:
            _drop_current(run, key.address)
            _drop_current(run, former)
            _put(run, key)
            run(_BURN, str(key.address), key.generation)
            if self.leases.is_calm(run):  # else it was contained while this very key was on its way
                run("DELETE FROM contained WHERE address = ?", str(key.address))
            handle = (str(key.address), key.live_name)
            if retired is None:
                run(_DROP_INTENT, *handle)
            else:
                _put(run, retired)
                run(_PROMOTED, *handle)

        self._write(deed, deeds)

    def update(
        self, key: RecordedKey, former: Address | None = None, *, ends: str = "", deeds: Sequence[Told] = ()
    ) -> None:
        def deed(run: Execute) -> None:
            _drop_current(run, former)
            if not key.retired_until:
                _drop_current(run, key.address)  # under whichever name: an address has one current key
            _put(run, key)
            run(_DROP_INTENT, str(key.address), ends)

        self._write(deed, deeds)

    def revoked(self, address: Address, live_name: str, *, ends: str = "", deeds: Sequence[Told] = ()) -> None:
        def deed(run: Execute) -> None:
            for drop in (*_DROP_SEEN, _DROP_KEY, _DROP_INTENT, _DROP_GIVEN):
                run(drop, str(address), live_name)
            run(_DROP_INTENT, str(address), ends)

        self._write(deed, deeds)

    def forget(self, address: Address, given: Given | None = None, *, deeds: Sequence[Told] = ()) -> None:
        def deed(run: Execute) -> None:
            _drop_current(run, address)
            if given is not None:
                _give(run, given)

        self._write(deed, deeds)

    def announce(self, *keys: Announced) -> None:
        def deed(run: Execute) -> None:
            for key in keys:
                run(_DROP_ANNOUNCED, str(key.address))
                run("INSERT INTO announced VALUES (?, ?, ?)", *rows.handle_row(key))

        self._write(deed)

    def finish(self, address: Address, live_name: str, *, free: int = 0, deeds: Sequence[Told] = ()) -> None:
        def deed(run: Execute) -> None:
            run(_DROP_INTENT, str(address), live_name)
            if free:
                run(_FREE, free - 1, str(address), free)
                run(_NEVER_BURNED, str(address))

        self._write(deed, deeds)

    def hear(self, public_key: str, host: str, *, answers: bool, told: Answer = UNTOLD) -> None:
        self._witness(witness.heard(public_key, host, answers, told))

    def refused(self, public_key: str, host: str, refusal: Refusal) -> None:
        self._witness(witness.refused(public_key, host, refusal))

    def count_refused(self, account: str, at: int) -> None:
        self._witness(witness.one_more_refused(account, at))

    def end_row(self, account: str) -> None:
        self._witness(witness.row_ended(account))

    def locked_out(self, account: str, at: int) -> None:
        self._witness(witness.locked_out(account, at))

    def gone(self, public_key: str, proof: EndProof) -> None:
        self._witness(witness.gone(public_key, proof))

    def learn_limit(self, account: str, seen: SeenLimit | None) -> None:
        def deed(run: Execute) -> None:
            run("DELETE FROM room WHERE account = ?", account)
            if seen is not None:
                run("INSERT INTO room VALUES (?, ?, ?)", account, seen.keys, seen.declared)

        self._write(deed)

    def contain(self, addresses: Collection[Address], accounts: Collection[str], by: Containment) -> None:
        def deed(run: Execute) -> None:
            leases.refuse_moved(run)
            known = {Address.parse(address) for (address,) in run(_ANY_ADDRESS)}
            below = {each for each in known if each.kind == "ApiKey" and each.path[0] in accounts}
            for address in sorted({*addresses, *below}):
                run(_CONTAIN, str(address), by.at, by.who, by.reason)
            run("UPDATE lease SET alarms = alarms + 1")

        self._database.write(deed)

    def mark(self, plan: str, mark: Mark) -> None:
        self._write(lambda run: run(_MARK, plan, *rows.mark_row(mark)))

    def marks(self, plan: str) -> tuple[Mark, ...]:
        query = "SELECT change, at, who, done FROM mark WHERE plan = ? ORDER BY change"
        return self._database.read(lambda run: tuple(rows.mark(row) for row in run(query, plan)))

    def restore(self, recorded: Recorded) -> None:
        def deed(run: Execute) -> None:
            run("DELETE FROM key")
            run("DELETE FROM journal")
            for account in recorded.accounts.values():
                run(_UPSERT_ACCOUNT, *rows.account_row(account))
            for key in recorded.ours:
                _put(run, key)
            for intent in recorded.intents:
                _put_intent(run, intent)
            for given in recorded.given:
                _give(run, given)
            for address, highest in recorded.generations.items():
                run(_BURN, str(address), highest)
            if recorded.lineage:
                run("UPDATE meta SET value = ? WHERE name = 'lineage'", recorded.lineage)

        self._write(deed)

    def set_aside(self) -> str:
        return self._database.copy(f"aside_{self.read().serial}")

    def close(self) -> None:
        self.leases.close()
        self._database.close()

    def _witness(self, deed: Callable[[Execute], object]) -> None:
        """What was seen on the exchange stays true, whoever has the lease."""

        def seen(run: Execute) -> None:
            leases.refuse_moved(run)
            deed(run)

        self._database.write(seen)

    def _write(self, deed: Callable[[Execute], object], deeds: Sequence[Told] = ()) -> None:
        tell = telling([deed for deed in deeds if isinstance(deed, Deed)])
        ended = [deed for deed in deeds if isinstance(deed, Ended)]

        def guarded(run: Execute) -> None:
            self.leases.must_hold(run)
            deed(run)
            tell(run)
            for one in ended:
                run(_END, one.mark.at, one.mark.who, one.plan, one.mark.change)

        self._database.write(guarded)


def _drop_current(run: Execute, address: Address | None) -> None:
    run("DELETE FROM key WHERE address = ? AND retired_until = 0", str(address))


def _put(run: Execute, key: RecordedKey) -> None:
    run(_DROP_KEY, str(key.address), key.live_name)
    run("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *rows.key_row(key))
    run(_DROP_GIVEN, str(key.address), key.live_name)  # it is ours again
    run(_DROP_ANNOUNCED, str(key.address))


def _give(run: Execute, given: Given) -> None:
    run(_DROP_GIVEN, str(given.address), given.live_name)
    run("INSERT INTO given VALUES (?, ?, ?)", *rows.handle_row(given))


def _put_intent(run: Execute, intent: Intent) -> None:
    run("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *rows.intent_row(intent))
