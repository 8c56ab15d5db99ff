"""Whatever kills a run: each key that Kraken issued or revoked for us has one line in the log that says so."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

import desk as d
from chaos.boundaries import Boundaries, Boundary
from desk import MEANT, Desk
from krakenctl.cli import main

HAPPENED = ("done", "found")
WATCH = """
CREATE TABLE deed (verb TEXT, name TEXT);
CREATE TRIGGER issued AFTER INSERT ON key BEGIN INSERT INTO deed VALUES ('issue', NEW.name); END;
CREATE TRIGGER revoked AFTER DELETE ON key BEGIN INSERT INTO deed VALUES ('revoke', OLD.name); END;
"""


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    d.stop_time(monkeypatch)


def watched(root: Path, scene: d.Scene) -> Desk:
    """The scene, on a sandbox whose own database notes from now on what was done to its keys."""
    desk = d.make_desk(root)
    scene(desk)
    with closing(sqlite3.connect(desk.db)) as connection:
        connection.executescript(WATCH)
    return desk


def deeds(desk: Desk) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(desk.db)) as connection:
        return sorted(connection.execute("SELECT verb, name FROM deed"))


def told(desk: Desk, since: int) -> list[tuple[str, str]]:
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()][since:]
    verbs = ("issue", "revoke")
    return sorted((x["verb"], x["name"]) for x in lines if x["verb"] in verbs and x["outcome"] in HAPPENED)


def boundaries(desk: Desk) -> list[Boundary]:
    """Where an apply may be killed: before each thing that changes exchange, store or state, or after it."""
    reached = desk.root.with_name("reached")

    def note(here: Boundary) -> None:
        with reached.open("a") as file:
            file.write(json.dumps([here.number, here.sort, here.what, here.after]) + "\n")

    _applied_in_a_child(desk, note)
    every = [Boundary(*json.loads(line)) for line in reached.read_text().splitlines()]
    return [here for here in every if here.sort in ("http", "store", "state") and not here.what.startswith("GET")]


def killed(desk: Desk, number: int) -> None:
    def strike(here: Boundary) -> None:
        if here.number == number:
            os.kill(os.getpid(), signal.SIGKILL)

    assert _applied_in_a_child(desk, strike) == -signal.SIGKILL


def _applied_in_a_child(desk: Desk, reached: Callable[[Boundary], None]) -> int:
    process = os.fork()
    if process == 0:
        code = 70
        try:
            Boundaries(desk.root, reached).install()
            code = main(["-C", str(desk.root), "apply", "--yes", *MEANT])
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


SCENES = (d.create, d.replace_create_first, d.replace_revoke_first, d.replace_with_overlap, d.revoke)


@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_wherever_a_run_is_killed_each_issue_and_each_revoke_is_told_once(tmp_path: Path, scene: d.Scene):
    template = watched(tmp_path / "acme", scene)
    _is_told_wherever_it_is_killed(template, tmp_path)


def _is_told_wherever_it_is_killed(template: Desk, folder: Path) -> None:
    since = len(template.run("log", "-o", "json").out.splitlines())
    for here in boundaries(template.copy(folder / "rehearsal/acme")):
        if here.after and here.sort != "http":
            continue  # nothing that lasts happens between this and what comes next
        desk = template.copy(folder / f"{here.number}/acme")
        killed(desk, here.number)
        desk.mend()
        d.recover(desk)
        assert told(desk, since) == deeds(desk) != [], here


def _killed_after(desk: Desk, what: str) -> None:
    [here] = [one for one in boundaries(desk.copy(desk.root.parent / "r/acme")) if what in one.what and one.after]
    killed(desk, here.number)


def test_a_deed_that_is_found_names_who_had_begun_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    desk = watched(tmp_path / "acme", d.create)
    saved = desk.root / "saved.plan"
    desk.run("plan", "--out", saved)
    monkeypatch.setenv("KRAKENCTL_ACTOR", "ann")
    _killed_after(desk, "put")
    [begun] = desk.recorded().intents
    monkeypatch.setenv("KRAKENCTL_ACTOR", "bob")
    desk.applied()
    lines = [
        json.loads(line) for line in desk.run("log", "-o", "json", "--address", "ApiKey/acme/bot").out.splitlines()
    ]
    found = [line for line in lines if line["outcome"] == "found"]
    assert [line["verb"] for line in found] == ["issue", "store"]
    assert {line["message"] for line in found} == {f"found done; begun by ann's run {begun.run}"}
    assert {(line["who"], line["plan"]) for line in found} == {("bob", begun.plan)}
    assert [line["verb"] for line in lines if line["outcome"] == "done"] == ["check", "promote", "recover"]


def test_a_key_that_was_taken_back_has_its_lines_wherever_that_is_interrupted(tmp_path: Path):
    template = watched(tmp_path / "acme", d.create)
    template.fault("misissue", add="withdraw-funds", times="always")
    _is_told_wherever_it_is_killed(template, tmp_path)


def test_so_has_one_that_is_declared_no_more_when_its_run_was_killed(tmp_path: Path):
    template = watched(tmp_path / "acme", d.create)
    _killed_after(template, "put")
    template.declare(d.account())
    _is_told_wherever_it_is_killed(template, tmp_path)


def test_so_has_one_that_came_to_be_after_it_had_been_given_up(tmp_path: Path):
    template = watched(tmp_path / "acme", d.create)
    template.fault("late-deed", endpoint="POST /oauth/fast-api-key", seconds=600)
    template.apply()
    template.mend()
    assert template.run("recover").code == 0
    template.declare(d.account())
    template.advance(601)
    _is_told_wherever_it_is_killed(template, tmp_path)
