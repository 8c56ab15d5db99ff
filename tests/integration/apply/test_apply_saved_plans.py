"""Saved plans: of the future, of an empty state, and what a stale one says."""

from __future__ import annotations

from pathlib import Path

from running import krakenctl


def test_a_plan_of_the_future_is_shown_and_never_applied(workspace: Path) -> None:
    krakenctl("-C", workspace, "apply", "--yes")
    future = workspace / "future.plan"
    told = krakenctl("-C", workspace, "plan", "--as-of", "2090-01-01", "--out", future)
    assert "as of 2090-01-01T00:00:00Z" in told.out
    applied = krakenctl("-C", workspace, "apply", future, "--yes")
    assert applied.code == 7
    assert "still to come; nothing was done" in " ".join(applied.err.split())
    assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0


def test_a_first_plan_survives_an_apply_that_did_nothing(workspace: Path) -> None:
    saved, recipients = workspace / "a.plan", workspace / "recipients.txt"
    krakenctl("-C", workspace, "plan", "--out", saved)
    recipients.rename(workspace / "away")
    assert krakenctl("-C", workspace, "apply", saved, "--yes").code == 1
    (workspace / "away").rename(recipients)
    assert krakenctl("-C", workspace, "apply", saved, "--yes").code == 0


def test_a_stale_plan_says_line_by_line_what_moved(workspace: Path) -> None:
    saved = workspace / "a.plan"
    krakenctl("-C", workspace, "plan", "--out", saved)
    krakenctl("-C", workspace, "apply", "--yes")
    told = krakenctl("-C", workspace, "apply", saved, "--yes")
    assert told.code == 5
    lines = [line for line in told.err.splitlines() if line.startswith("  - ")]
    assert [line.split(":")[0] for line in lines] == ["  - ApiKey/acme/dashboard", "  - ApiKey/acme/first-bot"]
    as_json = krakenctl("-C", workspace, "apply", saved, "--yes", "-o", "json").json
    assert len(as_json["differences"]) == 2


def test_a_grant_that_has_ended_is_told(workspace: Path) -> None:
    manifest = workspace / "manifests/account.yaml"
    manifest.write_text(manifest.read_text().replace("validFor: 180d", "validUntil: 2020-01-01"))
    told = krakenctl("-C", workspace, "plan")
    assert told.out.count("grant-ended") == 2
