"""A run that was stopped, and replaced, and wakes: wherever that was, it changes nothing more. Real processes.

The one that takes over goes by a clock of the state that is an hour ahead: nobody has to wait for a lease to end.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import desk as d
from desk import Desk, make_desk
from holder import at, stopped, wake
from krakenctl.errors import StateError
from krakenctl.state.leases import SqlLeases
from krakenctl.state.sqlite import SqliteDatabase

ISSUE, REVOKE, UPDATE = (f"{method} /oauth/fast-api-key" for method in ("POST", "DELETE", "PUT"))
AWAY = "the lease of this workspace was taken away while this krakenctl was at work"
ONLY = ["ApiKey/acme/bot"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    desk = make_desk(tmp_path_factory.mktemp("fence") / "acme")
    desk.declare(d.account(), d.key("bot"))
    return desk


@pytest.fixture
def desk(template: Desk, tmp_path: Path) -> Desk:
    return template.copy(tmp_path / "acme")


@pytest.fixture(autouse=True)
def an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """For this process: to it, a lease that somebody holds and does not tell of is over."""
    now = SqliteDatabase.now
    monkeypatch.setattr(SqliteDatabase, "now", lambda database: now(database) + 3600)


def files(desk: Desk) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in (desk.root / "secrets").rglob("*.age")}


@contextmanager
def asleep(desk: Desk, point: str) -> Iterator[subprocess.Popen[str]]:
    """An apply that was stopped there."""
    with at(desk, point, "stop") as running:
        stopped(running)
        yield running


@contextmanager
def overtaken(desk: Desk, point: str) -> Iterator[subprocess.Popen[str]]:
    """And another one that has taken over and ended meanwhile."""
    with asleep(desk, point) as running:
        desk.applied()
        yield running


def wakes_and_does_nothing(desk: Desk, running: subprocess.Popen[str]) -> None:
    """Everything is as the one that took over has left it, and the one that wakes did not even try to change it."""
    before = desk.standing(), files(desk)
    code, told, did = wake(running)
    assert did == []
    assert (desk.standing(), files(desk)) == before
    assert code == 4
    assert AWAY in told


def check_peace(desk: Desk) -> None:
    desk.check_promises(ONLY, {name: row for name, row in desk.rows().items() if not row.client})


def issued_so_far(desk: Desk) -> list[int]:
    return list(desk.recorded().generations.values())


def test_between_two_tries_of_an_issue(desk: Desk):
    desk.fault("rate-limit", endpoint=ISSUE)
    with overtaken(desk, "nap:1") as running:
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_between_an_issue_and_its_secret(desk: Desk):
    """Nobody has the secret then. Whoever took over has revoked the key and issued another one."""
    with overtaken(desk, "after-issue:1") as running:
        assert desk.ours() == ["bot.a7.g2"]
        wakes_and_does_nothing(desk, running)
    check_peace(desk)
    assert issued_so_far(desk) == [2]


def test_between_an_issue_and_its_secret_where_nobody_has_come_yet(desk: Desk):
    """Its lease was only taken away. The key stays in the journal, and the next run takes it back."""
    with asleep(desk, "after-issue:1") as running:
        assert desk.run("state", "unlock", "--yes", "--reason", "it hangs").code == 0
        wakes_and_does_nothing(desk, running)
    assert desk.ours() == ["bot.a7.g1"]
    assert [intent.live_name for intent in desk.recorded().intents] == ["bot.a7.g1"]
    desk.applied()
    assert desk.ours() == ["bot.a7.g2"]
    check_peace(desk)


def test_in_the_write_of_a_secret(desk: Desk):
    """Between its last look at its fence and the file's rename nothing can be checked. A dead secret is
    left in pending: nobody is handed it, and the next one is written over it."""
    with overtaken(desk, "put:1") as running:
        rows, used = desk.rows(), desk.entry("acme/bot")
        code, told, did = wake(running)
        assert (code, AWAY in told, did) == (4, True, [])
    assert (desk.rows(), desk.entry("acme/bot")) == (rows, used)
    desk.declare(d.account(), d.key("bot", "query-ledger"))
    desk.applied()
    check_peace(desk)


def test_between_a_secret_and_its_check(desk: Desk):
    """What was stored is finished by whoever takes over: nothing is issued twice."""
    with overtaken(desk, "list:3") as running:
        assert desk.ours() == ["bot.a7.g1"]
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_a_secret_is_kept_although_the_state_cannot_be_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Whether the lease is still ours is not known then; that the secret is shown once is. The next run finishes."""
    wire, real = d.Wire().install(monkeypatch), SqlLeases.check

    def check(leases: SqlLeases) -> None:
        if "issue bot.a7.g1" in wire.calls:
            raise StateError("the connection broke")
        real(leases)

    monkeypatch.setattr(SqlLeases, "check", check)
    assert desk.apply().code == 4
    assert (desk.ours(), desk.slots()) == (["bot.a7.g1"], ["acme/bot/pending"])
    monkeypatch.setattr(SqlLeases, "check", real)
    desk.applied()
    check_peace(desk)
    assert issued_so_far(desk) == [1]


def replacing(desk: Desk, **more: object) -> None:
    desk.declare(d.account(), d.key("bot", **more))
    desk.applied().declare(d.account(), d.key("bot", "query-ledger", **more))


@pytest.mark.parametrize("point", ["promote:1", "list:4"], ids=["in the promotion", "after it"])
def test_between_a_promotion_and_the_revoke_of_the_old_key(desk: Desk, point: str):
    replacing(desk)
    with overtaken(desk, point) as running:
        assert desk.ours() == ["bot.a7.g2"]
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_between_two_tries_of_a_revoke(desk: Desk):
    replacing(desk)
    desk.fault("rate-limit", endpoint=REVOKE)
    with overtaken(desk, "nap:1") as running:
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_between_a_revoke_and_the_removal_of_its_secret(desk: Desk):
    """The place has been handed on: what lies there now is a later key's."""
    replacing(desk)
    with asleep(desk, "after-revoke:1") as running:
        desk.applied().declare(d.account(), d.key("bot", "query-ledger", "query-funds"))
        desk.applied()
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_between_two_tries_of_an_update(desk: Desk):
    """What it would have set is not what is declared any more."""
    declared = [d.key("bot", ipAllowlist=[d.HOME, more]) for more in ("198.51.100.7", "198.51.100.8")]
    desk.applied().declare(d.account(), declared[0])
    desk.fault("rate-limit", endpoint=UPDATE)
    with asleep(desk, "nap:1") as running:
        desk.declare(d.account(), declared[1])
        desk.applied()
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_between_two_tries_of_setting_an_overlaps_end(desk: Desk):
    replacing(desk, rotation={"overlap": "24h"})
    desk.fault("rate-limit", endpoint=UPDATE)
    with overtaken(desk, "nap:1") as running:
        wakes_and_does_nothing(desk, running)
    desk.advance(86_400)
    desk.applied()
    check_peace(desk)


def test_between_two_tries_of_asking_for_a_sub_account(desk: Desk):
    """A second request would be a second account, or a second e-mail to a person."""
    desk.declare(d.account(), d.subaccount("mm"))
    desk.fault("rate-limit", endpoint="CreateSubaccount")
    with asleep(desk, "nap:1") as running:
        asked = desk.apply()
        assert "--absent SubAccount/mm" in asked.out + asked.err
        assert desk.run("recover", "--absent", "SubAccount/mm").code == 0
        desk.applied()
        before = desk.usernames()
        code, told, did = wake(running)
        assert (code, AWAY in told, did) == (4, True, [])
    assert desk.usernames() == before


def test_in_a_recovery(desk: Desk):
    """A run that is itself busy with what another one had left behind."""
    with at(desk, "after-issue:1", "kill") as running:
        running.wait()
    desk.fault("rate-limit", endpoint=REVOKE)
    with overtaken(desk, "nap:1") as running:
        wakes_and_does_nothing(desk, running)
    check_peace(desk)


def test_a_lease_that_nobody_took_is_still_its_own(desk: Desk):
    with asleep(desk, "after-issue:1") as running:
        code, _, did = wake(running)
        assert (code, [word.partition(" ")[0] for word in did]) == (0, ["put", "promote"])
    check_peace(desk)
    assert issued_so_far(desk) == [1]
