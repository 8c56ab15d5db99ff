"""A plan tells of secrets that are gone and of stores that an apply could not use."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from running import krakenctl


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    krakenctl("-C", tmp_path, "init", "--name", "acme", "--tag", "a7")
    krakenctl("-C", tmp_path, "apply", "--yes")
    return tmp_path


def rules(workspace: Path) -> list[str]:
    return [finding["rule"] for finding in krakenctl("-C", workspace, "plan", "-o", "json").json["findings"]]


def test_every_secret_is_where_it_should_be(workspace: Path) -> None:
    assert rules(workspace) == []


def test_a_secret_that_is_gone_is_told(workspace: Path) -> None:
    (workspace / "secrets/acme/dashboard/current.age").unlink()
    [finding] = krakenctl("-C", workspace, "plan", "-o", "json").json["findings"]
    assert (finding["rule"], finding["address"]) == ("secret-missing", "ApiKey/acme/dashboard")


def test_a_whole_store_that_is_gone_is_told_key_by_key(workspace: Path) -> None:
    shutil.rmtree(workspace / "secrets")
    assert rules(workspace) == ["secret-missing"] * 2


@pytest.mark.parametrize("text", ["", "garbage\n", "age1nonsense\n"])
def test_a_store_that_cannot_be_used_is_told_before_anything_is_applied(workspace: Path, text: str) -> None:
    (workspace / "recipients.txt").write_text(text)
    assert rules(workspace) == ["store-unusable"]


def test_losing_the_state_doubles_no_key(workspace: Path) -> None:
    for file in workspace.glob(".krakenctl/state.db*"):
        file.unlink()
    assert krakenctl("-C", workspace, "apply", "--yes").code == 8
    assert krakenctl("-C", workspace, "state", "list").out.count("dashboard") == 0
