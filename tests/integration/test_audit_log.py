"""The audit log: one line per deed, chained, and nobody can change it without being seen who kept a head."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import desk as d
from desk import Desk
from krakenctl import schema_files
from krakenctl.errors import StateError
from krakenctl.model.chain import hash_of, line_of, walk
from krakenctl.model.run import Deed, Run
from krakenctl.state.log import PAGE
from krakenctl.state.sqlite import SqliteDatabase, open_state

RECIPE = Path(__file__).parents[2] / "docs/audit.md"
RUN = Run(id="r1", who="ann", host="desk-1", command="apply")

deeds = st.builds(
    Deed,
    at=st.integers(0, 2**40),
    run=st.builds(Run, id=st.text(), who=st.text(), host=st.text(), command=st.text(), reason=st.text()),
    verb=st.text(),
    outcome=st.text(),
    message=st.text(),
)
chains = st.lists(deeds, min_size=2, max_size=8)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    d.stop_time(monkeypatch)
    return d.make_desk(tmp_path / "acme")


def lines(desk: Desk, *args: str) -> list[dict[str, Any]]:
    ran = desk.run("log", "-o", "json", *args)
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def chain_of(several: list[Deed]) -> list[str]:
    written: list[str] = []
    for deed in several:
        written.append(line_of(len(written) + 1, hash_of(written[-1]) if written else "", deed))
    return written


def test_every_step_is_a_line_with_who_did_it_in_which_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KRAKENCTL_ACTOR", "ann")
    d.create(desk)
    desk.applied()
    told = lines(desk, "--address", "ApiKey/acme/bot")
    assert [(line["verb"], line["outcome"]) for line in told] == [
        (verb, "done") for verb in ("issue", "store", "check", "promote")
    ]
    assert {(line["who"], line["command"], line["name"]) for line in told} == {("ann", "apply", "bot.a7.g1")}
    assert len({line["run"] for line in told}) == 1
    judge = jsonschema_rs.validator_for(schema_files.load("log"))
    for line in told:
        judge.validate(line)


def test_a_step_that_asked_the_exchange_names_the_request(desk: Desk):
    d.create(desk)
    desk.applied()
    requests = {line["verb"]: line.get("request", "") for line in lines(desk)}
    assert requests["issue"]
    assert not requests["store"]


def test_what_failed_is_a_line_too_and_says_why(desk: Desk):
    desk.fault("misissue", add="withdraw-funds", times="always")
    d.create(desk)
    desk.apply()
    [failed] = [line for line in lines(desk) if line["outcome"] == "failed"]
    assert failed["verb"] == "check"
    assert "withdraw-funds" in failed["message"]


def test_the_same_log_for_people(desk: Desk):
    d.create(desk)
    told = desk.applied().run("log").out
    assert "2027-01-15T08:00:00Z" in told
    assert "issue bot.a7.g1: done" in told


def test_deeds_can_be_asked_for_by_age_on_the_exchanges_clock(desk: Desk):
    desk.declare(d.account(), d.key("bot"))
    desk.applied().advance(10 * d.DAY)
    desk.declare(d.account(), d.key("bot"), d.key("later"))
    desk.applied()
    assert {line["address"] for line in lines(desk, "--since", "2d")} == {"ApiKey/acme/later"}
    assert lines(desk, "--since", "2027-01-15") == lines(desk)
    assert lines(desk, "--since", "2027-02-15") == []


def test_deeds_can_be_asked_for_by_account(desk: Desk):
    desk.declare(d.account(), d.subaccount("mm"), d.key("bot"), d.key("sub", on="mm"))
    desk.applied()
    assert {line["address"] for line in lines(desk, "--address", "SubAccount/mm")} == {
        "SubAccount/mm",
        "ApiKey/mm/sub",
    }


@pytest.mark.parametrize("args", [("--since", "2x"), ("--address", "bot"), ("verify", "--head", "abc")])
def test_a_flag_that_makes_no_sense_is_a_usage_error(desk: Desk, args: tuple[str, ...]):
    assert desk.run("log", *args).code == 64


def test_to_look_at_the_log_makes_no_state(desk: Desk):
    assert desk.run("log").out == ""
    assert desk.run("log", "verify").code == 0
    assert not desk.state_path.exists()


def test_every_report_ends_with_the_head_of_the_log(desk: Desk):
    d.create(desk)
    report = desk.apply("-o", "json").json
    jsonschema_rs.validator_for(schema_files.load("report")).validate(report)
    verified = desk.run("log", "verify", "-o", "json")
    jsonschema_rs.validator_for(schema_files.load("log-verify")).validate(verified.json)
    assert verified.json["head"] == report["logHead"]
    desk.declare(d.account(), d.key("bot", "query-ledger"))
    told = desk.apply().out.splitlines()[-1]
    assert told == f"Log head: {desk.run('log', 'verify', '-o', 'json').json['head']}"
    assert desk.run("log", "verify", "--head", report["logHead"]).code == 0


def test_anybody_can_verify_the_lines_with_the_recipe_in_the_manual(desk: Desk, tmp_path: Path):
    d.create(desk)
    desk.applied()
    (tmp_path / "log.jsonl").write_text(desk.run("log", "-o", "json").out)
    assert _by_hand(tmp_path) == f"head {desk.run('log', 'verify', '-o', 'json').json['head']}"
    text = (tmp_path / "log.jsonl").read_text()
    (tmp_path / "log.jsonl").write_text(text.replace('"verb":"store"', '"verb":"stone"'))
    assert _by_hand(tmp_path).startswith("broken at ")


def _by_hand(folder: Path) -> str:
    recipe = RECIPE.read_text().partition("```sh\nprev=")[2].partition("```")[0]
    shell = shutil.which("sh")
    assert shell is not None
    done = subprocess.run(
        [shell, "-c", f"prev={recipe}"], cwd=folder, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout.strip()


TAMPERING: dict[str, tuple[str, str]] = {
    "changed": ("UPDATE log SET line = replace(line, 'done', 'gone') WHERE seq = 2", "line 3 does not follow"),
    "removed": ("DELETE FROM log WHERE seq = 2", "line 2 is missing"),
    "first removed": ("DELETE FROM log WHERE seq = 1", "line 1 is missing"),
    "reordered": ("UPDATE log SET line = (SELECT line FROM log WHERE seq = 3) WHERE seq = 2", "line 2 is missing"),
    "no json": ("UPDATE log SET line = 'x' WHERE seq = 2", "line 2 is no line"),
    "last changed": ("UPDATE log SET line = replace(line, 'done', 'gone') WHERE seq = 4", "line 4, the last"),
}


@pytest.mark.parametrize(("statement", "where"), TAMPERING.values(), ids=TAMPERING)
def test_verify_says_where_a_tampered_log_breaks(desk: Desk, statement: str, where: str):
    d.create(desk)
    _tamper(desk.applied(), statement)
    ran = desk.run("log", "verify", "-o", "json")
    assert ran.code == 3
    assert where in ran.json["broken"]
    assert desk.run("log").code == 0


def test_lines_cut_off_at_the_end_are_found_with_a_head_that_was_kept(desk: Desk):
    d.create(desk)
    head = desk.apply("-o", "json").json["logHead"]
    _tamper(desk, "DELETE FROM log WHERE seq = 4")
    assert desk.run("log", "verify").code == 0
    ran = desk.run("log", "verify", "--head", head)
    assert ran.code == 3
    assert head in ran.out


def _tamper(desk: Desk, statement: str) -> None:
    with closing(sqlite3.connect(desk.state_path)) as connection, connection:
        connection.execute(statement)


@given(several=chains)
def test_a_chain_of_any_deeds_is_whole_and_each_of_its_heads_is_found(several: list[Deed]):
    written = chain_of(several)
    heads = [hash_of(line) for line in written]
    for head in heads:
        assert walk(written, stored=heads[-1], told=head).broken == ""


@given(several=chains, data=st.data())
def test_a_chain_that_is_not_what_was_written_is_broken_for_whoever_kept_its_head(several: list[Deed], data: Any):
    written = chain_of(several)
    head = hash_of(written[-1])
    damaged = data.draw(
        st.one_of(
            st.permutations(written),
            st.integers(0, len(written) - 1).map(lambda n: written[:n] + written[n + 1 :]),
            st.integers(0, len(written) - 1).map(lambda n: [*written[:n], written[n] + " ", *written[n + 1 :]]),
            st.integers(0, len(written) - 1).map(lambda n: [*written[:n], written[n], *written[n:]]),
        )
    )
    assert (walk(damaged, stored="", told=head).broken == "") == (list(damaged) == written)


@settings(max_examples=1)
@given(deed=deeds)
def test_a_line_is_ascii_so_that_every_terminal_and_file_holds_its_very_bytes(deed: Deed):
    assert line_of(1, "", deed).isascii()


def test_a_line_is_added_once_when_the_answer_to_its_commit_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = SqliteDatabase.write

    def twice(self: SqliteDatabase, deed: Callable[..., Any]) -> Any:
        real(self, deed)
        return real(self, deed)

    monkeypatch.setattr(SqliteDatabase, "write", twice)
    state = open_state(tmp_path / "state.db")
    heads = [state.log.append(Deed(at=n, run=RUN, verb="x", outcome="done")) for n in range(3)]
    assert [hash_of(line) for line in state.log.lines()] == heads
    state.close()


def test_a_long_log_is_read_page_by_page(tmp_path: Path):
    state = open_state(tmp_path / "state.db")
    written = chain_of([Deed(at=n, run=RUN, verb="x", outcome="done") for n in range(2 * PAGE + 1)])
    rows = [(n, str(n), line, hash_of(line)) for n, line in enumerate(written, 1)]
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection, connection:
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
    assert list(state.log.lines()) == written
    reading = state.log.lines()
    assert next(reading) == written[0]
    state.close()
    with pytest.raises(StateError):
        list(reading)


def test_where_there_is_no_state_nothing_is_called_whole(desk: Desk):
    assert desk.run("log", "verify").out == "There is no log here: this workspace has no state yet.\n"
    assert desk.run("log", "verify", "--head", 64 * "a").code == 3
    open_state(desk.state_path).close()
    assert desk.run("log", "verify").out.startswith("The log is empty")


def test_an_address_without_a_line_is_told_on_the_side(desk: Desk):
    d.create(desk)
    ran = desk.applied().run("log", "--address", "ApiKey/acme/nobody")
    assert (ran.code, ran.out, ran.err) == (0, "", "There is no line about ApiKey/acme/nobody.\n")
