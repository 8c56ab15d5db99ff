"""explain, from the shell: offline, without a workspace, and its JSON as the schemas say."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from krakenctl import schema_files
from krakenctl.cli.explain import known
from krakenctl.knowledge import facts
from krakenctl.render.knowledge_page import page
from running import ROOT, Ran, krakenctl

JUDGES = {
    name: jsonschema_rs.validator_for(schema_files.load(name))
    for name in ("explanation", "explanation-log", "explanation-list", "why")
}
FACTS = known()


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that is no workspace, with nothing to be reached."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def explain(*args: str) -> Ran:
    return krakenctl("explain", *args)


def told(schema: str, *args: str) -> Any:
    ran = explain(*args, "-o", "json")
    assert ran.code == 0, ran.out + ran.err
    JUDGES[schema].validate(ran.json)
    return ran.json


def test_an_error_string_is_explained_with_causes_deeds_and_sources() -> None:
    out = explain("EAPI:Invalid nonce").out
    for part in (
        "What causes it, the likeliest first",
        "  1. two programs",
        "What to do",
        "Try again: once",
        "Sources:",
    ):
        assert part in out


def test_words_need_no_quotes() -> None:
    assert explain("EAPI:Invalid", "nonce").out == explain("EAPI:Invalid nonce").out
    assert explain("exit", "4").out == explain("exit 4").out


def test_a_permission_says_what_it_unlocks_and_risks() -> None:
    out = explain("withdraw-funds").out
    for part in ("Risk:", "Lets it do", "Withdraw", "AccountTransfer", "On the website: Funds permissions – Withdraw"):
        assert part in out


def test_a_call_says_what_it_needs_and_where_sources_disagree() -> None:
    out = explain("AddOrderBatch").out
    assert "Needs: modify-trades and close-trades" in out
    assert "its guide says modify-trades" in out


def test_a_rule_about_live_keys_is_explained_too() -> None:
    [entry] = told("explanation", "withdraw-and-trade")["entries"]
    assert (entry["kind"], entry["stage"]) == ("rule", "audit")


def test_everything_that_can_be_listed_can_be_asked_for() -> None:
    for row in told("explanation-list", "--list")["entries"]:
        asked = f"E{row['code']}" if row["kind"] == "category" else row["code"]
        entries = told("explanation", asked)["entries"]
        assert (row["kind"], row["code"]) in {(entry["kind"], entry["code"]) for entry in entries}


def test_one_kind_can_be_listed() -> None:
    rows = told("explanation-list", "--list", "permission")["entries"]
    assert len(rows) == 13
    assert "withdraw-funds" in explain("--list", "permission").out


def test_an_unknown_kind_is_refused_with_those_there_are() -> None:
    ran = explain("--list", "nonsense")
    assert (ran.code, "permission, endpoint, rule" in ran.err) == (64, True)


def test_what_nobody_knows_is_refused_with_what_was_probably_meant() -> None:
    ran = explain("AddOder")
    assert ran.code == 64
    assert "did you mean AddOrder" in ran.err


def test_nothing_asked_is_a_mistake() -> None:
    assert explain().code == 64


def test_a_log_is_explained_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    log = "ok\nx {'error': ['EAPI:Invalid nonce']}\nEAPI:Invalid nonce\nEGeneral:Temporary lockout\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(log))
    document = told("explanation-log", "-")
    assert [(row["code"], row["count"], row["firstLine"]) for row in document["errors"]] == [
        ("EAPI:Invalid nonce", 2, 2),
        ("EGeneral:Temporary lockout", 1, 4),
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO(log))
    assert explain("-").out.startswith("2 distinct errors of Kraken's in 4 lines.")


def test_a_log_without_errors_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("all is well\n"))
    assert explain("-").out == "No error string of Kraken's in 1 line.\n"


def test_a_secret_in_a_log_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"EOrder:Odd {secret}\nEAPI:Invalid key:{secret}\n"))
    ran = explain("-")
    assert secret[:16] not in ran.out + ran.err


def test_what_looks_like_a_secret_is_not_repeated() -> None:
    secret = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
    for ran in (explain(secret), explain(f"EAPI:Invalid key {secret}", "-o", "json")):
        assert secret[:16] not in ran.out + ran.err


def test_a_log_may_hold_any_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.BytesIO(b"\xff\xfe\x00 EAPI:Invalid nonce\n\x80\n")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(log, encoding="utf-8"))
    assert explain("-").out.startswith("1 distinct error of Kraken's in 2 lines.")


def test_an_address_needs_a_workspace(workspace: Path) -> None:
    assert explain("ApiKey/acme/trader", "AddOrder").code == 1
    ran = krakenctl("-C", workspace, "explain", "Account/acme", "AddOrder")
    assert ran.code == 0, ran.err
    assert "Account/acme allows it" in ran.out
    JUDGES["why"].validate(krakenctl("-C", workspace, "explain", "Account/acme", "AddOrder", "-o", "json").json)


def test_an_address_alone_is_asked_back(workspace: Path) -> None:
    ran = krakenctl("-C", workspace, "explain", "Account/acme")
    assert (ran.code, "withdraw-funds" in ran.err) == (64, True)


@pytest.mark.parametrize("name", ["explanation", "explanation-log", "explanation-list", "why", "who-can", "knowledge"])
def test_a_schema_is_sound_and_has_its_name(name: str) -> None:
    schema = schema_files.load(name)
    jsonschema_rs.meta.validate(schema)
    assert schema["properties"]["format"]["const"] == f"krakenctl.{name}/v1"


def test_every_command_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "examples/02-trading-desk", tmp_path / "desk")
    monkeypatch.chdir(tmp_path / "desk")
    assert krakenctl("init").code == 0
    (tmp_path / "desk/bot.log").write_text("EAPI:Invalid nonce\n")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page(facts()), re.DOTALL) for line in block.splitlines()]
    assert len(lines) > 10
    for line in lines:
        command, _, file = line.partition(" < ")
        monkeypatch.setattr(sys, "stdin", io.StringIO(Path(file).read_text() if file else ""))
        ran = krakenctl(*shlex.split(command)[1:])
        assert ran.code == 0, f"{line}: {ran.err}"


def test_the_page_in_the_docs_is_the_data_file() -> None:
    assert (ROOT / "docs/explain.md").read_text() == page(facts())
