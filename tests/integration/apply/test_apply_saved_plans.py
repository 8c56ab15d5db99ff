"""Saved plans: compared with the world before they are applied, applied once, and over when their time is over."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from desk import DAY, Desk, Wire, account, key, lost_after, lost_before, refused, removed, subaccount
from running import ROOT, krakenctl

BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"


def save(desk: Desk, *args: str) -> Path:
    file = desk.root / "tonight.plan"
    ran = desk.run("plan", "--out", file, *args)
    assert ran.code == 0, ran.err
    return file


def said(text: str) -> str:
    return " ".join(text.split())


def lines(text: str) -> list[str]:
    """What moved."""
    return [line.removeprefix("  - ") for line in text.splitlines() if line.startswith("  - ")]


# --- stale


def test_a_plan_of_the_future_is_shown_and_never_applied(workspace: Path) -> None:
    krakenctl("-C", workspace, "apply", "--yes")
    future = workspace / "future.plan"
    told = krakenctl("-C", workspace, "plan", "--as-of", "2090-01-01", "--out", future)
    assert "as of 2090-01-01T00:00:00Z" in told.out
    applied = krakenctl("-C", workspace, "apply", future, "--yes")
    assert applied.code == 7
    assert "still to come; nothing of it was done" in said(applied.err)
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
    assert [line.split(":")[0] for line in lines(told.err)] == ["ApiKey/acme/dashboard", "ApiKey/acme/first-bot"]
    as_json = krakenctl("-C", workspace, "apply", saved, "--yes", "-o", "json").json
    assert len(as_json["differences"]) == 2


def test_a_stale_plan_says_field_by_field_what_moved(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    desk.declare(account(), key("bot", "query-funds", "query-ledger", nonceWindow=5))
    told = desk.apply(saved)
    assert told.code == 5
    assert lines(said(told.err).replace(" - ", "\n  - ").replace(" → ", "\n→ ")) == [
        f"{BOT}: permissions: planned query-funds, now query-funds, query-ledger; nonceWindow: planned as it is, now 5"
    ]
    assert desk.ours() == []


def test_a_change_that_was_taken_back_is_not_applied_from_an_old_plan(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view"))
    saved = save(desk)
    desk.declare(account(), key("view"))
    assert desk.apply(saved).code == 5
    assert desk.ours() == []


def test_a_manifest_that_only_reads_differently_does_not_make_a_plan_stale(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    manifest = desk.root / "manifests/all.yaml"
    manifest.write_text("# approved by the desk's lead\n" + manifest.read_text())
    assert desk.apply(saved).code == 0


def test_a_grant_that_has_ended_is_told(workspace: Path) -> None:
    manifest = workspace / "manifests/account.yaml"
    manifest.write_text(manifest.read_text().replace("validFor: 180d", "validUntil: 2020-01-01"))
    told = krakenctl("-C", workspace, "plan")
    assert told.out.count("grant-ended") == 2


# --- its time


def test_a_plan_is_over_a_day_after_it_was_made_on_the_exchanges_clock(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    desk.advance(DAY)
    told = desk.apply(saved)
    assert told.code == 5
    assert "this plan expired at 2027-01-16T08:00:00Z, and it is 2027-01-16T08:00:00Z; nothing of it was done" in said(
        told.err
    )
    assert desk.ours() == []


def test_whoever_makes_a_plan_says_how_long_it_may_wait(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk, "--expires", "72h")
    desk.advance(3 * DAY - 1)
    assert desk.apply(saved).code == 0


@pytest.mark.parametrize("never", ["0", "0s", "never", "-1h"])
def test_no_plan_is_good_for_ever(desk: Desk, never: str) -> None:
    assert desk.run("plan", "--out", "x.plan", f"--expires={never}").code == 64


def test_how_long_a_plan_may_wait_can_be_set_in_the_environment(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKENCTL_PLAN_EXPIRES", "1h")
    assert json.loads(save(desk).read_text())["expires"] == "2027-01-15T09:00:00Z"


def test_the_time_counts_from_when_it_was_made_and_not_from_what_it_is_as_of(desk: Desk) -> None:
    assert json.loads(save(desk, "--as-of", "2027-01-01").read_text())["expires"] == "2027-01-16T08:00:00Z"


def test_showing_a_plan_says_its_digest_and_whether_its_time_is_over(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    digest = json.loads(saved.read_text())["digest"]
    told = desk.run("show", saved)
    assert (told.code, f"Digest {digest}" in told.out) == (0, True)
    assert "Can be applied until 2027-01-16T08:00:00Z" in told.out
    desk.advance(DAY)
    assert "Expired at 2027-01-16T08:00:00Z: apply refuses it" in desk.run("show", saved).out
    assert "**Expired at 2027-01-16T08:00:00Z" in desk.run("show", saved, "-o", "markdown").out
    assert desk.run("show", saved, "-o", "json").json == json.loads(saved.read_text())


# --- where it was made


def test_only_its_owner_can_read_a_saved_plan(desk: Desk) -> None:
    assert save(desk).stat().st_mode & 0o777 == 0o600


def test_anybody_can_check_the_digest_as_the_manual_says(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    [recipe] = re.findall(r"^\$ python3 -c '(.+)' < tonight.plan$", (ROOT / "docs/plans.md").read_text(), re.MULTILINE)
    with saved.open() as file:
        told, computed = subprocess.check_output([sys.executable, "-c", recipe], stdin=file, text=True).split()
    assert told == f"sha256:{computed}" == json.loads(saved.read_text())["digest"]


def test_an_edited_plan_is_refused_before_anything_is_contacted(desk: Desk, wire: Wire) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    wire.clear()
    saved.write_text(saved.read_text().replace("query-funds", "query-ledger"))
    for command in ("apply", "show"):
        told = desk.run(command, saved, *(["--yes"] if command == "apply" else []))
        assert (told.code, "does not match its digest" in said(told.err)) == (1, True)
    assert wire.calls == []


def test_a_plan_for_another_workspace_of_the_same_account_is_refused_and_says_which(desk: Desk, tmp_path: Path) -> None:
    desk.declare(account(), key("bot"))
    desk.applied()
    saved = save(desk)
    other = desk.copy(tmp_path / "other")
    text = (other.root / "krakenctl.yaml").read_text()
    (other.root / "krakenctl.yaml").write_text(text.replace('"name": "acme"', '"name": "globex"'))
    told = other.apply(saved)
    assert (told.code, lines(told.err)) == (5, ["workspace: planned “acme”, now “globex”"])


def test_a_plan_for_another_state_is_refused_and_says_which(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    desk.applied()
    saved = save(desk)
    lineage = desk.recorded().lineage
    for file in desk.state_path.parent.glob("state.db*"):
        file.unlink()
    told = desk.apply(saved)
    assert told.code == 5
    assert lines(said(told.err).replace(" - ", "\n  - ").replace(" → ", "\n→ "))[0].startswith(
        f"lineage of the state: planned “{lineage}”, now “"
    )


def test_a_plan_for_another_account_behind_the_same_name_is_refused(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    document = json.loads(saved.read_text())
    desk.declare(account(iiban="AA99 N84G EXAM PLE9"), key("bot"))
    told = desk.apply(saved)
    assert told.code == 7  # observed before anything else: the credential opens another account than the pinned one
    assert document["accounts"][0]["iiban"] in told.err
    assert desk.ours() == []


# --- once


def test_a_plan_is_applied_once_and_says_so_the_second_time(desk: Desk, wire: Wire) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    assert desk.apply(saved).code == 0
    wire.clear()
    told = desk.apply(saved)
    assert told.code == 0
    assert "This plan was applied already, at 2027-01-15T08:00:00Z by " in told.err
    assert wire.deeds() == []
    assert desk.apply(saved, "-o", "json").json["outcomes"] == []


def test_a_plan_that_was_applied_is_not_applied_to_what_became_of_the_world_since(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    assert desk.apply(saved).code == 0
    desk.declare(account(), removed(BOT, "revoke"))
    desk.applied()
    desk.declare(account(), key("bot"))
    assert "applied already" in desk.apply(saved).err
    assert desk.ours() == []


def test_what_failed_is_still_open_and_what_was_done_is_not_done_twice(desk: Desk, wire: Wire) -> None:
    desk.declare(account(), key("bot"), key("view"))
    saved = save(desk)
    wire.clear()
    issues = 0

    def strike(word: str) -> None:
        nonlocal issues
        issues += word.startswith("issue")
        if word.startswith("issue") and issues == 2:
            wire.faults[len(wire.calls) - 1] = refused

    wire.before = strike
    assert desk.apply(saved).code == 4
    assert desk.ours() == ["bot.a7.g1"]
    told = desk.apply(saved)
    assert told.code == 0, told.err
    assert "1 of the 2 changes of this plan were done already" in told.err
    assert [name.rpartition(".")[0] for name in desk.ours()] == ["bot.a7", "view.a7"]
    assert "applied already" in desk.apply(saved).err


def test_a_key_whose_answer_was_lost_is_made_with_the_next_number_from_the_same_plan(desk: Desk, wire: Wire) -> None:
    desk.declare(account(), key("bot"))
    saved = save(desk)
    wire.clear()
    wire.before = lambda word: word.startswith("issue") and wire.faults.update({len(wire.calls) - 1: lost_after})
    assert desk.apply(saved).code in (1, 4)
    wire.before = lambda word: None
    wire.clear()
    told = desk.apply(saved)
    assert told.code == 0, told.err
    assert desk.ours() == ["bot.a7.g2"]


# --- begun, and not done

ISSUE, REVOKE = "POST /oauth/fast-api-key", "DELETE /oauth/fast-api-key"


@pytest.fixture
def begun(desk: Desk) -> Path:
    """A saved plan that replaces a key; the answer to the issue of the new one was lost."""
    desk.declare(account(), key("bot"))
    desk.applied().declare(account(), key("bot", "query-ledger"))
    saved = save(desk)
    desk.fault("answer-lost", endpoint=ISSUE)
    assert desk.apply(saved).code == 1
    return saved


def test_what_was_begun_and_waits_for_its_recovery_is_not_taken_for_done(desk: Desk, begun: Path) -> None:
    desk.fault("error", endpoint=REVOKE, error="EGeneral:Permission denied")
    told = desk.apply(begun)
    assert (told.code, "applied already" in told.err) == (4, False)
    assert "blocked" in told.out
    told = desk.apply(begun)
    assert (told.code, "applied already" in told.err, desk.ours()) == (0, False, ["bot.a7.g3"])
    assert "applied already" in desk.apply(begun).err


def test_what_was_begun_and_is_no_longer_wanted_makes_the_plan_stale(desk: Desk, begun: Path) -> None:
    desk.declare(account(), key("bot"))
    told = desk.apply(begun)
    assert (told.code, lines(told.err)) == (5, [f"{BOT}: planned replace (permissions), now nothing to do"])


def test_what_somebody_else_has_done_meanwhile_was_not_done_in_its_name(desk: Desk, begun: Path) -> None:
    assert desk.apply().code == 0
    assert desk.apply(begun).code == 5


def test_what_a_recovery_finishes_is_done_in_its_name(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    desk.applied().declare(account(), key("bot", "query-ledger"))
    saved = save(desk)
    desk.fault("error", endpoint=REVOKE, error="EGeneral:Permission denied")
    assert desk.apply(saved).code == 4  # promoted, and the old key not revoked
    assert desk.run("recover").code == 0
    told = desk.apply(saved)
    assert (told.code, "applied already" in told.err, desk.ours()) == (0, True, ["bot.a7.g2"])


def test_a_person_who_finds_a_sub_account_that_it_requested_ends_that_change(desk: Desk, wire: Wire) -> None:
    desk.declare(account(), subaccount("mm"))
    saved = save(desk)
    wire.clear()
    wire.before = lambda word: wire.faults.update({len(wire.calls) - 1: lost_before} if word == "request" else {})
    assert desk.apply(saved).code == 1
    wire.before = lambda word: None
    wire.clear()
    assert desk.apply(saved).code == 8  # it waits for an answer
    assert desk.run("recover", "--exists", "SubAccount/mm").code == 0
    assert "applied already" in desk.apply(saved).err


def test_a_change_whose_last_step_somebody_took_is_done(desk: Desk) -> None:
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}))
    desk.applied().declare(account(), key("bot", "query-ledger", rotation={"overlap": "24h"}))
    saved = save(desk)
    desk.fault("error", endpoint="PUT /oauth/fast-api-key", error="EGeneral:Permission denied")
    assert desk.apply(saved).code == 4  # promoted, and the old key not retired
    assert desk.run("sandbox", "key", "revoke", "--account", "acme", "--name", "bot.a7.g1").code == 0
    told = desk.apply(saved)
    assert (told.code, "applied already" in told.err, desk.ours()) == (0, True, ["bot.a7.g2"])


# --- killed

KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from desk import StandingTime
from krakenctl import workflow
from krakenctl.wiring import exchange
from krakenctl.cli import main
from krakenctl.state.sql import SqlState

exchange.time = workflow.time = StandingTime()
left, write = {number}, SqlState._write

def struck(self, *given):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return write(self, *given)

SqlState._write = struck
sys.exit(main(["-C", {root!r}, "apply", {plan!r}, "--yes"]))
"""


def killed_before_write(number: int, desk: Desk, plan: Path) -> bool:
    """Apply it in a process that dies just before the n-th time the state is written. False: it came to its end."""
    script = KILLED.format(paths=[str(ROOT / "tests/helpers")], number=number, root=str(desk.root), plan=str(plan))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode != 0


def test_a_plan_whose_apply_was_killed_anywhere_is_applied_to_its_end_and_nothing_twice(
    desk: Desk, tmp_path: Path
) -> None:
    desk.declare(account(), key("bot"), key("old"))
    desk.applied().declare(account(), key("bot", "query-ledger"), key("view"))
    saved, strangers, number = save(desk), desk.strangers(), 0
    while True:
        one = desk.copy(tmp_path / f"killed-{number}")
        if not killed_before_write(number, one, saved):
            break
        told = one.apply(saved)
        assert told.code == 0, (number, told.out, told.err)
        assert sorted(name.partition(".")[0] for name in one.ours()) == ["bot", "view"], number
        one.check_promises([BOT, VIEW], strangers)
        assert "applied already" in one.apply(saved).err, number
        number += 3
    assert number > 10


def test_a_plan_made_while_something_is_under_way_is_not_stale_after_that_was_recovered(
    desk: Desk, tmp_path: Path
) -> None:
    strangers = desk.strangers()
    desk.declare(account(), key("bot"))
    first = save(desk)
    assert killed_before_write(5, desk, first)
    desk.declare(account(), key("bot"), key("view"))
    second = desk.root / "second.plan"
    assert desk.run("plan", "--out", second).code == 0
    told = desk.apply(second)
    assert told.code == 0, told.err
    desk.check_promises([BOT, VIEW], strangers)
