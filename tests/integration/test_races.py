"""Two applies that go for the same workspace in the same moment, the one as far along as it may be: real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

import desk as d
import racer
from desk import Desk, make_desk
from krakenctl.model.recorded import Recorded
from krakenctl.model.secret import Secret
from krakenctl.state.postgres import PostgresHome
from postgres import DSN, Server

BOTH = ["ApiKey/acme/bot", "ApiKey/acme/view"]
STEPS = range(0, 40, 2)  # of the first one; there are some forty
PATIENT = ["--lock-timeout", "1m"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = make_desk(tmp_path_factory.mktemp("races") / "acme")
    desk.declare(d.account(), d.key("bot"), d.key("view"))
    return desk


def test_with_a_file_one_waits_or_leaves_and_nothing_is_done_twice(template: Desk, tmp_path: Path):
    check_races({step: template.copy(tmp_path / str(step)) for step in STEPS})


class SharedDesk(Desk):
    """A desk whose state is in PostgreSQL."""

    def recorded(self) -> Recorded:
        return PostgresHome(lambda: Secret(os.environ[DSN]), "env:DSN", f"races_{self.root.name}").read()


def test_with_postgresql_one_waits_or_leaves_and_nothing_is_done_twice(
    postgres: Server, template: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(DSN, postgres.dsn)
    desks = {step: SharedDesk(template.copy(tmp_path / str(step)).root) for step in STEPS[1::2]}
    for step, desk in desks.items():
        desk.settings(state={"type": "postgres", "dsn": f"env:{DSN}", "schema": f"races_{step}"})
    check_races(desks)


def check_races(desks: Mapping[int, Desk]) -> None:
    """In every other one the one that comes second leaves with 6, if somebody is there; in the others it waits."""
    told = run_races(desks)
    for number, (desk, ended) in enumerate(zip(desks.values(), told, strict=True)):
        codes = {code for code, _ in ended}
        assert codes in ({0}, {0, 6}), ended
        assert codes == {0} or not number % 2, ended
        check_peace(desk)
    assert any(6 in {code for code, _ in ended} for ended in told)
    assert any("waiting up to 60 s" in said for ended in told for _, said in ended)


def run_races(desks: Mapping[int, Desk]) -> list[list[tuple[int, str]]]:
    """For each its two exit codes, and what was said."""
    races = [
        {"root": str(desk.root), "step": step, "words": PATIENT if number % 2 else []}
        for number, (step, desk) in enumerate(desks.items())
    ]
    lines = "\n".join(map(json.dumps, races))
    told = subprocess.run([sys.executable, racer.__file__], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in told.stdout.splitlines()]


def check_peace(desk: Desk) -> None:
    """Every key was asked for once, and told once; and every promise is kept."""
    desk.check_promises(BOTH, {"master": desk.rows()["master"]})
    assert desk.ours() == ["bot.a7.g1", "view.a7.g1"]
    lines = [json.loads(line) for line in desk.run("log", "-o", "json").out.splitlines()]
    assert Counter(line["name"] for line in lines if line["verb"] == "issue") == Counter(desk.ours())
    assert desk.run("log", "verify").code == 0
