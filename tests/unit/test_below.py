"""Which accounts lie below a node, told from whatever is left."""

from __future__ import annotations

import pytest

from krakenctl.model.recorded import RecordedAccount
from krakenctl.project import open_project
from krakenctl.tasks.containment.below import AccountsGround, below, credentialed
from running import krakenctl

MASTER = {"acme": RecordedAccount(name="acme")}
SUBS = {name: RecordedAccount(name=name, kind="SubAccount") for name in ("mm", "arb")}
OTHER = {"beta": RecordedAccount(name="beta")}


def ground(recorded=None, credentials=()):
    return AccountsGround(declared=None, recorded=recorded or {}, credentialed=credentials)


def test_with_one_master_all_recorded_sub_accounts_are_its_own():
    found = below("acme", ground(MASTER | SUBS))
    assert (found.accounts, found.doubtful) == (("acme", "arb", "mm"), ())


def test_below_a_sub_account_there_is_nothing_but_itself():
    assert below("mm", ground(MASTER | SUBS)).accounts == ("mm",)


def test_with_two_masters_nobody_can_tell_whose_a_recorded_sub_account_is():
    found = below("acme", ground(MASTER | OTHER | SUBS))
    assert found.accounts == ("acme",)
    assert [blind.account for blind in found.doubtful] == ["arb", "mm"]


def test_of_accounts_that_only_have_a_credential_nobody_can_tell():
    found = below("acme", ground(credentials=("acme", "mm")))
    assert (found.accounts, [blind.account for blind in found.doubtful]) == (("acme",), ["mm"])


def test_what_nobody_knows_has_nothing_below_it():
    assert below("nobody", ground(MASTER | SUBS)).accounts == ()


def test_sound_manifests_settle_it(workspace):
    project = open_project(workspace)
    known = AccountsGround(declared=project.desired.accounts, recorded=OTHER, credentialed=("stale",))
    assert (below("acme", known).accounts, below("acme", known).doubtful) == (("acme",), ())


@pytest.mark.parametrize("name", ["mm-desk", "a"])
def test_a_credentials_file_names_its_account(workspace, name):
    (workspace / f".krakenctl/credentials/{name}.json").write_text("{}")
    assert krakenctl("-C", workspace, "validate").code == 0
    assert credentialed(workspace, open_project(workspace).workspace) == tuple(sorted(["acme", name]))
