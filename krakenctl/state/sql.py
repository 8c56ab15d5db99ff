"""A state in any database that speaks our SQL."""

from __future__ import annotations

from collections.abc import Callable

from krakenctl.model.address import Address
from krakenctl.model.journal import Intent, Stage
from krakenctl.model.recorded import Recorded, RecordedAccount, RecordedKey
from krakenctl.state import rows
from krakenctl.state.database import Database, Execute
from krakenctl.state.leases import SqlLeases
from krakenctl.state.log import SqlLog

_UPSERT_ACCOUNT = (
    "INSERT INTO account VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind,"
    " surface = excluded.surface, username = excluded.username, iiban = excluded.iiban, requested = excluded.requested"
)
_BURN = (
    "INSERT INTO generation VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET highest ="
    " CASE WHEN excluded.highest > generation.highest THEN excluded.highest ELSE generation.highest END"
)
_DROP_KEY = "DELETE FROM key WHERE address = ? AND live_name = ?"
_DROP_INTENT = "DELETE FROM journal WHERE address = ? AND live_name = ?"
_ADVANCE = "UPDATE journal SET stage = ?, verdict = ? WHERE address = ? AND live_name = ?"
_PROMOTED = "UPDATE journal SET stage = 'promoted' WHERE address = ? AND live_name = ?"


class SqlState:
    """See `base.State`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.leases = SqlLeases(database)
        self.log = SqlLog(database, self.leases)

    def check(self) -> None:
        self._database.read(self.leases.must_hold)

    def read(self) -> Recorded:
        return self._database.read(read)

    def remember_account(self, account: RecordedAccount) -> None:
        self._write(lambda run: run(_UPSERT_ACCOUNT, *rows.account_row(account)))

    def begin(self, intent: Intent) -> None:
        def deed(run: Execute) -> None:
            run(_DROP_INTENT, str(intent.address), intent.live_name)
            run("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *rows.intent_row(intent))
            if intent.issues:
                run(_BURN, str(intent.address), intent.generation)

        self._write(deed)

    def advance(self, address: Address, live_name: str, stage: Stage, verdict: str = "") -> None:
        self._write(lambda run: run(_ADVANCE, stage.value, verdict, str(address), live_name))

    def promote(self, key: RecordedKey, retired: RecordedKey | None, former: Address | None = None) -> None:
        def deed(run: Execute) -> None:
            _drop_current(run, key.address)
            _drop_current(run, former)
            _put(run, key)
            run(_BURN, str(key.address), key.generation)
            handle = (str(key.address), key.live_name)
            if retired is None:
                run(_DROP_INTENT, *handle)
            else:
                _put(run, retired)
                run(_PROMOTED, *handle)

        self._write(deed)

    def update(self, key: RecordedKey, former: Address | None = None) -> None:
        def deed(run: Execute) -> None:
            _drop_current(run, former)
            if not key.retired_until:
                _drop_current(run, key.address)  # under whichever name: an address has one current key
            _put(run, key)

        self._write(deed)

    def revoked(self, address: Address, live_name: str) -> None:
        def deed(run: Execute) -> None:
            run(_DROP_KEY, str(address), live_name)
            run(_DROP_INTENT, str(address), live_name)

        self._write(deed)

    def forget(self, address: Address) -> None:
        self._write(lambda run: _drop_current(run, address))

    def finish(self, address: Address, live_name: str) -> None:
        self._write(lambda run: run(_DROP_INTENT, str(address), live_name))

    def close(self) -> None:
        self._database.close()

    def _write(self, deed: Callable[[Execute], object]) -> None:
        def guarded(run: Execute) -> None:
            self.leases.must_hold(run)
            deed(run)

        self._database.write(guarded)


def read(run: Execute) -> Recorded:
    """Everything that is remembered. Raises ValueError, KeyError or TypeError for rows that we never wrote."""
    meta: dict[str, str] = dict(run("SELECT name, value FROM meta"))
    keys = [rows.key(row) for row in run("SELECT * FROM key ORDER BY address, generation")]
    return Recorded(
        lineage=meta["lineage"],
        serial=int(meta["serial"]),
        accounts={row[0]: rows.account(row) for row in run("SELECT * FROM account ORDER BY name")},
        keys={key.address: key for key in keys if not key.retired_until},
        retired=tuple(key for key in keys if key.retired_until),
        intents=tuple(rows.intent(row) for row in run("SELECT * FROM journal ORDER BY address, live_name")),
        generations={Address.parse(a): n for a, n in run("SELECT address, highest FROM generation")},
    )


def _drop_current(run: Execute, address: Address | None) -> None:
    run("DELETE FROM key WHERE address = ? AND retired_until = 0", str(address))


def _put(run: Execute, key: RecordedKey) -> None:
    run(_DROP_KEY, str(key.address), key.live_name)
    run("INSERT INTO key VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *rows.key_row(key))
