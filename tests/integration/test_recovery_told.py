"""What a run recovered is told whatever comes after it; and what a dry run says before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import desk as d
from desk import Desk, make_desk, stop_time
from holder import at, go_on
from krakenctl import schema_files
from krakenctl.stores.age import AgeStore

ERROR = jsonschema_rs.validator_for(schema_files.load("error"))
RECOVERY = jsonschema_rs.validator_for(schema_files.load("recovery"))
BOT = "ApiKey/acme/bot"


class Death(BaseException):
    """Nothing of ours catches it."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A run has died between the check of a new key and its promotion."""
    stop_time(monkeypatch)
    desk = make_desk(tmp_path / "acme")
    d.replace_create_first(desk)

    def die(*_: Any) -> None:
        raise Death

    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "promote", die)
        with pytest.raises(Death):
            desk.apply()
    return desk


def _head(desk: Desk) -> str:
    return str(desk.run("log", "verify", "-o", "json").json["head"])


def _empty(desk: Desk) -> None:
    """So that the next plan is refused."""
    desk.settings(safety={"maxRevokes": 0})
    desk.declare(d.account(), d.key("bot", "query-ledger"))


def test_an_error_after_it_carries_what_was_recovered_and_the_head_of_the_log(desk: Desk):
    _empty(desk)
    ran = desk.run("apply", "--yes", "-o", "json")
    assert ran.code == 7
    assert [error.message for error in ERROR.iter_errors(ran.json)] == []
    assert [(one["address"], one["move"]) for one in ran.json["recovered"]] == [(BOT, "promote")]
    assert ran.json["logHead"] == _head(desk)


def test_in_words_too(desk: Desk):
    _empty(desk)
    ran = desk.run("apply", "--yes")
    assert ran.code == 7
    assert "finished with bot.a7.g2" in ran.err
    assert ran.err.endswith(f"Log head: {_head(desk)}\n")


def test_an_error_with_nothing_recovered_before_it_is_as_ever(desk: Desk):
    assert desk.run("recover").code == 0
    _empty(desk)
    ran = desk.run("apply", "--yes", "-o", "json")
    assert set(ran.json) == {"format", "error", "blocks"}


@pytest.mark.parametrize("command", [("apply", "--yes"), ("tick",)])
def test_a_run_that_only_recovered_ends_with_the_head_of_the_log(desk: Desk, command: tuple[str, ...]):
    ran = desk.run(*command)
    assert ran.code == 0
    assert ran.out.endswith(f"Log head: {_head(desk)}\n")
    assert "Log head" not in desk.run(*command).out, "nothing was done"


def test_a_dry_run_leaves_with_2_while_there_is_something_to_do(desk: Desk):
    assert desk.run("recover", "--dry-run").code == 2
    assert desk.run("recover").code == 0
    assert desk.run("recover", "--dry-run").code == 0


def test_it_leaves_with_4_where_it_would_have_to_wait(desk: Desk):
    (desk.root / ".krakenctl/credentials/acme.json").write_text('{"access_token": "dead"}')
    assert desk.run("recover", "--dry-run").code == 4


def test_a_dry_run_names_the_run_whose_work_it_sees(desk: Desk):
    assert desk.run("recover").code == 0
    desk.declare(d.account(), d.key("bot", "query-ledger"), d.key("view"), d.key("new"))
    with at(desk, "issue:1", "wait") as running:
        ran = desk.run("recover", "--dry-run", "-o", "json")
        assert [error.message for error in RECOVERY.iter_errors(ran.json)] == []
        assert "is changing this workspace (`krakenctl apply` on" in ran.json["running"]
        assert "what is under way may be theirs" in ran.err
        assert go_on(running)[0] == 0
    assert "running" not in desk.run("recover", "--dry-run", "-o", "json").json


@pytest.mark.parametrize("command", [("recover",), ("revoke", "--under", "acme", "--yes"), ("state", "rebuild")])
def test_many_accounts_may_be_looked_at_at_once(desk: Desk, command: tuple[str, ...]):
    assert desk.run(*command, "--parallelism", "0").code == 64
    assert desk.run(*command, "--parallelism", "3").code != 64
