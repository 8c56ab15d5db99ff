"""An account by another name in its manifest: told as what it is, and no way round the kill switch."""

from __future__ import annotations

import pytest

from by_hand import OPEN, a_key, by_hand, planned, run
from desk import Desk, account
from krakenctl.testing.person import Robot

BOT = "ApiKey/two/bot"


def named(name: str, iiban: str, *keys: str):
    on = account(name, surface="website", keyDefaults={"ipAllowlist": OPEN, "validFor": "180d"}, iiban=iiban)
    return [on, *(a_key(key, on=name) for key in keys)]


@pytest.fixture
def iiban(desk: Desk) -> str:
    """Two keys on acme, and what their account is."""
    desk.declare(by_hand(), a_key("bot"), a_key("peer"))
    for _ in range(2):  # the second asks a key whose account it is
        run(desk, Robot(desk.db))
        desk.advance(60)
    return desk.recorded().accounts["acme"].iiban


def test_the_plan_says_that_it_is_the_same_account(desk: Desk, iiban: str):
    desk.declare(*named("two", iiban, "bot", "peer"))
    [told] = [finding for finding in planned(desk).findings if finding.rule == "account-renamed"]
    assert f"two is the account {iiban}, which is recorded as acme" in told.message
    assert (told.hint, told.address) == ("name it acme again, and nothing is replaced", "Account/two")


def test_by_its_own_name_nothing_is_said(desk: Desk, iiban: str):
    desk.declare(*named("acme", iiban, "bot", "peer"))
    assert (planned(desk).changes, planned(desk).findings) == ((), ())


def test_another_account_is_none_that_was_renamed(desk: Desk, iiban: str):
    desk.declare(by_hand(), a_key("bot"), a_key("peer"), *named("two", "AA99 N84G EXAM PLE9", "bot"))
    assert "account-renamed" not in [finding.rule for finding in planned(desk).findings]


def test_a_key_that_the_kill_switch_ended_stays_blocked_until_somebody_allows_it(desk: Desk, iiban: str):
    desk.run("revoke", "ApiKey/acme/bot", "--yes")
    desk.declare(*named("two", iiban, "bot", "peer"))
    assert BOT in {str(address) for block in planned(desk).blocks for address in block.addresses}
    ran = desk.run("apply", "--yes")
    assert (ran.code, "contained" in ran.out + ran.err) == (7, True), ran.out + ran.err
