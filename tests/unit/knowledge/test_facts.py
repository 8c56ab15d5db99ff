"""The data file: whole, sourced, and in step with the sandbox's table of endpoints and with what krakenctl can say."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import jsonschema_rs
import pytest

import kraken_permissions
from krakenctl import schema_files
from krakenctl.audit.catalogue import RULES
from krakenctl.cli.explain import known
from krakenctl.errors import KrakenctlError
from krakenctl.knowledge import facts, words
from krakenctl.knowledge.facts import Endpoint
from krakenctl.model.coverage import Coverage
from krakenctl.model.drift import Kind
from krakenctl.model.permission import ALL, Permission
from krakenctl.model.safety import Limit
from krakenctl.model.verification import Verdict
from krakenctl.render.knowledge import as_text
from krakenctl.render.paint import Paint
from krakenctl.sandbox.guards import Signed
from krakenctl.sandbox.routes import ROUTES
from krakenctl.tasks.diagnosis.run import CHECKS
from running import ROOT

FACTS = facts()
RAW = tomllib.loads((ROOT / "krakenctl/knowledge/facts.toml").read_text())
SERVED = {f"{route.method} {route.path}": route.guard for route in ROUTES if isinstance(route.guard, Signed)}


def test_the_file_is_as_its_schema_says() -> None:
    schema = schema_files.load("knowledge")
    jsonschema_rs.meta.validate(schema)
    problems = [
        f"{list(each.instance_path)}: {each.message}" for each in jsonschema_rs.validator_for(schema).iter_errors(RAW)
    ]
    assert not problems


def test_every_source_has_a_name_and_is_used() -> None:
    used = {
        source for kind in RAW.values() if isinstance(kind, list) for row in kind for source in row.get("sources", ())
    }
    assert used == set(RAW["sources"])


@pytest.mark.parametrize("kind", [kind for kind, rows in RAW.items() if isinstance(rows, list)])
def test_nothing_is_in_it_twice(kind: str) -> None:
    names = [row.get("code", row.get("call")) for row in RAW[kind]]
    assert sorted(map(str, names)) == sorted(set(map(str, names)))


def test_every_permission_has_words_a_risk_and_something_that_it_opens() -> None:
    assert set(FACTS.permissions) == ALL
    for permission in Permission:
        assert words(permission)
        assert FACTS.unlocked_by(permission) or FACTS.permissions[permission].elsewhere


def test_every_signed_call_of_the_sandbox_is_known_and_no_other() -> None:
    assert set(FACTS.endpoints) == set(SERVED)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("Balance", "1 on the key's"),
        ("CancelAll", "1 (inferred) on"),
        ("WithdrawFee", "not known"),
        ("Pay/", "not known"),
    ],
)
def test_a_cost_that_kraken_does_not_tell_is_not_told_as_if_it_did(call: str, told: str) -> None:
    fact = next(fact for fact in FACTS.endpoints.values() if fact.name.startswith(call))
    assert f"Cost: {told}" in " ".join(as_text([fact], FACTS, Paint()).split())


@pytest.mark.parametrize("call", sorted(SERVED))
def test_a_call_needs_and_costs_what_the_sandbox_says(call: str) -> None:
    fact, guard = FACTS.endpoints[call], SERVED[call]
    held = [frozenset(pair) for one in ALL for other in ALL for pair in [(one, other)]] + [frozenset()]
    for permissions in held:
        assert fact.needs.met_by(permissions) == guard.gate.lets_through(permissions)
        if fact.guide is not None and guard.guide is not None:
            assert fact.guide.met_by(permissions) == guard.guide.lets_through(permissions)
    assert (fact.guide is None) == (guard.guide is None)
    assert (fact.unless, fact.cost, fact.cost_low, fact.cost_high) == (guard.unless, guard.cost, guard.low, guard.high)


@pytest.mark.parametrize("row", kraken_permissions.read(), ids=lambda row: row.endpoint)
def test_a_call_needs_what_a_person_copied_from_the_reference(row: kraken_permissions.Row) -> None:
    fact: Endpoint = FACTS.endpoints[row.endpoint]
    assert {frozenset(way) for way in fact.needs.ways} == kraken_permissions.ways(row.requirement)


def test_every_error_of_krakenctl_has_a_text() -> None:
    def codes(error: type[KrakenctlError]) -> Iterator[str]:
        yield error.code
        for below in error.__subclasses__():
            yield from codes(below)

    shipped = set(codes(KrakenctlError))
    assert shipped <= set(FACTS.words["code"])


def test_every_exit_code_has_a_text() -> None:
    def exits(error: type[KrakenctlError]) -> Iterator[int]:
        yield error.exit_code
        for below in error.__subclasses__():
            yield from exits(below)

    assert {str(code) for code in exits(KrakenctlError)} | {"0", "2", "3", "8", "130"} <= set(FACTS.words["exit"])


def test_every_safety_limit_has_a_text() -> None:
    assert set(FACTS.words["limit"]) == {limit.value for limit in Limit}


@pytest.mark.parametrize(("kind", "words"), [("drift", Kind), ("verdict", Verdict), ("coverage", Coverage)])
def test_every_word_that_a_report_may_use_has_a_text(kind: str, words: type[StrEnum]) -> None:
    assert set(FACTS.words[kind]) == {word.value for word in words}


def test_every_check_of_doctor_has_a_text() -> None:
    assert set(FACTS.words["check"]) == {check.id for check in CHECKS}


def test_every_rule_that_the_code_can_name_has_a_text() -> None:
    """From the source: what a finding is made with, and the rules that schemas give to broken values."""
    named = set(_rules())
    assert {"unknown-field", "exceeds-ceiling", "bad-iiban", "whole-world", "waits-for-room", "too-deep"} <= named
    assert not named - set(known().words["rule"])


def test_every_rule_that_has_a_text_is_one() -> None:
    assert not set(FACTS.words["rule"]) - set(_rules()) - set(RULES)


def test_every_error_string_of_the_sandbox_is_known() -> None:
    for file in (ROOT / "krakenctl/sandbox").rglob("*.py"):
        for text in re.findall(r'"([EW][A-Z][A-Za-z]*:[A-Za-z(][^"{}]*)"', file.read_text()):
            assert any(text.startswith(code) for code in FACTS.errors), text


def test_what_is_copied_into_texts_is_no_permission_that_does_not_exist() -> None:
    told = json.dumps(RAW["permission"]) + json.dumps(RAW["error"])
    for code in re.findall(r"\b(?:query|add|withdraw|earn|modify|close|export|create|update)-[a-z-]+", told):
        assert code in set(Permission)


# --- collecting rule ids from the source

_MAKERS = {"error", "warning", "note", "in_file", "in_line", "_note", "_about", "_twice", "Remark", "_rule", "_bad"}
_ID = re.compile(r"[a-z]+(-[a-z0-9]+)+|unreadable")
_HOMES = ("load", "validate", "plan", "audit", "observe", "pipeline", "tasks", "pairs")


def _rules() -> Iterator[str]:
    files = [*(ROOT / "krakenctl").glob("*.py")]
    for home in _HOMES:
        files += (ROOT / "krakenctl" / home).rglob("*.py")
    for file in files:
        yield from _rules_of(file)
    for schema in (ROOT / "schemas").glob("*.json"):
        yield from re.findall(r'"x-rule": "([^"]+)"', schema.read_text())


def _rules_of(file: Path) -> Iterator[str]:
    tree = ast.parse(file.read_text())
    named = _named(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                said = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                said += node.args if name in _MAKERS else []
                yield from _ids(meant for value in said for meant in named.get(ast.unparse(value), [value]))
            case ast.Yield(value=ast.Tuple() as parts) | ast.Return(value=ast.Tuple() as parts):
                if file.name == "explain.py" and file.parent.name == "validate":
                    yield from _ids(parts.elts[:1])
            case _:
                pass


def _named(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """All that stands behind each name that a file gives to something."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]):
                found.setdefault(name, []).append(node.value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for target, value in zip(names, values, strict=True):
                    found.setdefault(ast.unparse(target), []).append(value)
            case _:
                pass
    return found


def _ids(values: object) -> Iterator[str]:
    for value in values:  # type: ignore[attr-defined]
        for node in ast.walk(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ID.fullmatch(node.value):
                yield node.value
