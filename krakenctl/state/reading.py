"""Everything that a state in SQL remembers, in one look."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.model.address import Address
from krakenctl.model.recorded import Announced, EndProof, Given, Recorded, SeenLimit
from krakenctl.model.silence import Answer, Refusal, RefusalRow
from krakenctl.state import leases, rows
from krakenctl.state.database import Execute


def read(run: Execute, now: float) -> Recorded:
    """Everything that is remembered. Raises ValueError, KeyError or TypeError for rows that we never wrote."""
    meta: dict[str, str] = dict(run("SELECT name, value FROM meta"))
    if leases.MOVED in meta:
        raise leases.moved(meta[leases.MOVED])
    keys = [rows.key(row) for row in run("SELECT * FROM key ORDER BY address, generation")]
    return Recorded(
        lineage=meta["lineage"],
        serial=int(meta["serial"]),
        accounts={row[0]: rows.account(row) for row in run("SELECT * FROM account ORDER BY name")},
        keys={key.address: key for key in keys if not key.retired_until},
        retired=tuple(key for key in keys if key.retired_until),
        intents=tuple(rows.intent(row) for row in run("SELECT * FROM journal ORDER BY address, live_name")),
        generations={Address.parse(a): n for a, n in run("SELECT address, highest FROM generation")},
        limits={name: SeenLimit(keys, declared) for name, keys, declared in run("SELECT * FROM room")},
        contained=dict(map(rows.containment, run("SELECT * FROM contained ORDER BY address"))),
        given=tuple(rows.handle(Given, row) for row in run("SELECT * FROM given ORDER BY address, live_name")),
        announced={key.address: key for key in _announced(run)},
        answered={(key, host): Answer(*rest) for key, host, *rest in run("SELECT * FROM answered")},
        refused={(key, host): Refusal(*rest) for key, host, *rest in run("SELECT * FROM refused")},
        rows={account: RefusalRow(*rest) for account, *rest in run("SELECT account, at, calls FROM refusal_row")},
        lockouts=dict(run("SELECT account, at FROM lockout")),
        gone={key: EndProof(since=at, host=host, said=said) for key, at, host, said in run("SELECT * FROM gone")},
        lease=leases.read(run, now),
    )


def _announced(run: Execute) -> Iterator[Announced]:
    return (rows.handle(Announced, row) for row in run("SELECT * FROM announced ORDER BY address"))
