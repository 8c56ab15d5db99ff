"""krakenctl's own key, which requests sub-accounts: its refused calls count like those of any key of the account."""

from __future__ import annotations

import json

import pytest

from desk import account, key, make_desk, subaccount
from krakenctl.sandbox.people import operate


@pytest.fixture
def desk(tmp_path):
    made = make_desk(tmp_path)
    made.declare(account(), key("bot"))
    made.applied()
    made.declare(account(), key("bot"), subaccount("desk-b"))
    return made


def own_key(desk, *permissions, **spec):
    made = operate.make_key(desk.db, "acme", f"own-{'-'.join(permissions)}{len(spec)}", permissions, **spec)
    place = desk.root / ".krakenctl/credentials/acme.key.json"
    place.write_text(json.dumps({"apiKey": made["apiKey"], "secret": made["secret"]}))
    return made["apiKey"]


def calls(desk):
    found = desk.recorded().rows.get("acme")
    return found.calls if found else 0


def refused(desk, public_key):
    return [said.said for (each, _), said in desk.recorded().refused.items() if each == public_key]


def test_a_refused_request_counts_and_doctor_knows_of_it(desk):
    unfit = own_key(desk, "withdraw-funds", ip_allowlist=("198.51.100.7",))
    assert desk.run("apply", "--yes").code == 1
    assert (calls(desk), refused(desk, unfit)) == (1, ["EAPI:Invalid key"])
    assert "refused from here" in desk.run("doctor").out


def test_what_is_refused_for_another_reason_counts_and_says_nothing_of_the_key(desk):
    weak = own_key(desk, "query-funds")
    assert desk.run("apply", "--yes").code == 1
    assert (calls(desk), refused(desk, weak)) == (1, [])


def test_a_request_that_is_answered_ends_the_row(desk):
    own_key(desk, "withdraw-funds", ip_allowlist=("198.51.100.7",))
    desk.run("apply", "--yes")
    good = own_key(desk, "withdraw-funds")
    desk.run("apply", "--yes")
    assert (calls(desk), refused(desk, good)) == (0, [])
    assert "SubAccount/desk-b" not in desk.changes()


def test_a_locked_account_is_not_asked_for_a_sub_account(desk):
    own_key(desk, "withdraw-funds")
    desk.fault("lockout")
    assert desk.run("apply", "--yes").code == 1
    assert "acme" in desk.recorded().lockouts
    ran = desk.run("apply", "--yes")
    assert (ran.code, "Kraken locked acme" in " ".join((ran.out + ran.err).split())) == (1, True), ran.out + ran.err
