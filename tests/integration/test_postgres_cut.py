"""An apply whose line to PostgreSQL is cut at each of its commits, so that nobody knows whether it was done."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import desk as d
from desk import Desk, Wire
from krakenctl.model.recorded import Recorded
from krakenctl.model.secret import Secret
from krakenctl.state.postgres import PostgresHome
from krakenctl.state.tables import COUNT_UP
from line import AFTER, BEFORE, DURING, MOMENTS, Judge, Line, line_to
from postgres import DSN, Server

COMMIT = b"COMMIT\0"
DESKS = tuple(f"d{number}" for number in range(8))


class SharedDesk(Desk):
    """A desk whose state is in PostgreSQL."""

    dsn = ""

    def recorded(self) -> Recorded:
        return PostgresHome(lambda: Secret(self.dsn), "env:DSN", "krakenctl_acme").read()


@pytest.fixture
def line(postgres: Server) -> Iterator[Line]:
    with line_to(postgres.port) as line:
        yield line


@pytest.fixture
def desk(postgres: Server, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SharedDesk:
    """Its state is reached over the line. No heart beats meanwhile: its commits would come in between at any time."""
    d.stop_time(monkeypatch)
    dsn = postgres.fresh_database("cut")
    monkeypatch.setattr(SharedDesk, "dsn", dsn)
    monkeypatch.setenv(DSN, dsn.replace(f"port={postgres.port}", f"port={line.port}"))
    made = d.make_desk(tmp_path / "acme")
    made.settings(state={"type": "postgres", "dsn": f"env:{DSN}", "lease": "24h"})
    return SharedDesk(made.root)


def commits(moments: Iterable[str]) -> Judge:
    """What becomes of one commit after another."""
    ahead = iter(moments)
    return lambda said: next(ahead) if COMMIT in said else ""


def from_write(number: int) -> Judge:
    """That write's commit is done or not done, and nobody hears which; whatever is written later never arrives."""
    ahead = itertools.chain([""] * number, [(DURING, AFTER)[number % 2]], itertools.repeat(BEFORE))
    counted = False

    def judge(said: bytes) -> str:
        nonlocal counted
        moment = next(ahead) if counted and COMMIT in said else ""
        counted = COUNT_UP.encode() in said  # which is the last that a write says before its COMMIT
        return moment

    return judge


def calm(_: bytes) -> str:
    return ""


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("scene", [d.replace_create_first, d.replace_revoke_first])
def test_each_commit_may_be_cut_once(desk: SharedDesk, line: Line, monkeypatch, scene: d.Scene, moment: str):
    declared, strangers = scene(desk), desk.strangers()
    wire = Wire().install(monkeypatch)
    line.judge = commits(itertools.cycle([moment, ""]))
    ran = desk.apply()
    line.judge = calm
    assert ran.code == 0, ran.out + ran.err
    assert done_once(wire)
    assert told_once(desk)
    assert desk.run("log", "verify").code == 0
    desk.check_promises(declared, strangers)


def test_from_any_write_on_the_line_may_stay_cut(
    postgres: Server, desk: SharedDesk, line: Line, tmp_path: Path, monkeypatch
):
    declared, strangers = d.replace_create_first(desk), desk.strangers()
    postgres.fresh_database("ready", like="cut")
    wire = Wire().install(monkeypatch)
    for number in itertools.count():
        copy = SharedDesk(desk.copy(tmp_path / str(number)).root)
        postgres.fresh_database("cut", like="ready")
        wire.clear()
        line.judge = from_write(number)
        broken = copy.apply()
        line.judge = calm
        if broken.code == 0 and copy.recorded().lease is None:  # it has no more writes than that
            assert number > sum(deed != "list" for deed in wire.deeds())
            return
        recover(copy)
        assert done_once(wire), wire.deeds()
        assert copy.run("log", "verify").code == 0
        copy.check_promises(declared, strangers)


@pytest.mark.parametrize("moment", MOMENTS)
def test_eight_accounts_at_once_lose_nothing_where_the_line_is_cut_again_and_again(
    desk: SharedDesk, line: Line, monkeypatch, moment: str
):
    """Their writes share transactions. A cut that strikes the second try as well ends the run."""
    accounts = [d.account(), *(d.subaccount(name) for name in DESKS)]
    desk.declare(*accounts)
    desk.applied()
    wire = Wire().install(monkeypatch)
    for rights in (["query-funds"], ["query-ledger"]):
        desk.declare(*accounts, *(d.key(f"{name}-{on}", *rights, on=on) for on in DESKS for name in "ab"))
        line.judge = commits(itertools.cycle([moment, "", ""]))
        ran = desk.apply("--parallelism", "8")
        line.judge = calm
        assert ran.code in (0, 1, 4), ran.out + ran.err
        recover(desk)
    assert done_once(wire), wire.deeds()
    assert desk.run("log", "verify").code == 0
    assert desk.changes() == {}
    keys = desk.recorded().keys.values()
    assert len(keys) == 2 * len(DESKS)
    for name in DESKS:
        rows = {row.name: row.secret for row in desk.rows(f"u-{name}").values()}
        kept = [desk.entry(key.secret.path) for key in keys if key.account == name]
        assert {entry.live_name: entry.secret.reveal() for entry in kept if entry} == rows


def recover(desk: Desk) -> None:
    """A run that could not give its lease back has to be taken for dead: its process, which is this one, goes on."""
    desk.run("state", "unlock", "--yes", "--reason", "its process has ended")
    d.recover(desk)


def done_once(wire: Wire) -> bool:
    """Whatever changes something: names are never used twice."""
    deeds = [deed for deed in wire.deeds() if deed.partition(" ")[0] in ("issue", "revoke")]
    return len(deeds) == len(set(deeds))


def told_once(desk: Desk) -> bool:
    """A line that was written and not heard of is not written again."""
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    told = [(line["verb"], line["name"]) for line in lines]
    return len(told) > 4 and len(told) == len(set(told))
