"""What the kill switch ended under one name of an account stays ended under another, until somebody allows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from krakenctl.model.address import key_address
from krakenctl.model.recorded import Containment, RecordedAccount
from krakenctl.plan import renamed
from plan_builders import NOW, account, bot, memory, on, recorded, wish

IIBAN = "AA12 N84G EXAM PLE1"
BY = Containment(at=NOW, who="alice")
OLD, NEW = key_address("two", "bot"), key_address("acme", "bot")
KEY = bot()


def known(*records, **iibans):
    remembered = {name: RecordedAccount.of(account(name), iiban) for name, iiban in iibans.items()}
    return replace(memory(*records, accounts=remembered), contained={OLD: BY})


@pytest.mark.parametrize(("pin", "live"), [(IIBAN, on(iiban="")), ("", on(iiban=IIBAN))], ids=["declared", "seen"])
def test_an_account_is_known_by_its_iiban(pin, live):
    desired = wish(KEY, accounts=[account(iiban=pin)])
    assert renamed.carried(desired, known(two=IIBAN), {"acme": live}).contained == {OLD: BY, NEW: BY}


def test_two_declared_accounts_are_two():
    desired = wish(KEY, accounts=[account(iiban=IIBAN), account("two")])
    assert renamed.carried(desired, known(two=IIBAN), {}).contained == {OLD: BY}


def test_accounts_of_which_nobody_knows_the_iiban_are_not_taken_for_one():
    desired = wish(KEY, accounts=[account()])
    assert renamed.carried(desired, known(two=""), {}).contained == {OLD: BY}


@pytest.mark.parametrize(("issued", "holds"), [(NOW - 1, True), (NOW + 1, False)])
def test_a_key_that_was_issued_later_was_allowed(issued, holds):
    desired = wish(KEY, accounts=[account(iiban=IIBAN)])
    found = renamed.carried(desired, known(recorded(KEY, issued=issued), two=IIBAN), {})
    assert (NEW in found.contained) is holds
