"""Who is let in, held against Kraken's reference as a person copied it: every signed call, every set that matters."""

from __future__ import annotations

import itertools

import answers
import pytest
import scene
from answers import errors
from sandbox_caller import Caller

import kraken_calls
import kraken_permissions
from krakenctl.model.permission import Permission
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

ROWS = {row.endpoint: row for row in kraken_permissions.read()}
CODES = frozenset(code.value for code in Permission)
DENIED = "EGeneral:Permission denied"
USED = {"nonce", "counter", "counter_at", "last_used"}


class Door:
    """A key of a person's whose permissions a test sets as it likes, and whose counter is never full."""

    def __init__(self, kraken: Caller) -> None:
        self.kraken = kraken
        self.key = seed.seed_website_key(kraken.sandbox, "acme", "door", [])

    def hold(self, codes) -> None:
        with self.kraken.sandbox.database.write() as connection:
            connection.execute(
                "UPDATE key SET permissions = ?, counter = 0 WHERE public_key = ?", (" ".join(codes), self.key[0])
            )

    def knock(self, endpoint: str, arguments=None):
        method, path = endpoint.split(" ")
        return self.kraken.at(f"{method} {kraken_calls.filled(path)}", self.key, arguments)


@pytest.fixture
def door(kraken):
    return Door(kraken)


def sets(row):
    """Every choice among the codes that any source names for the call, with none and with all of the others beside."""
    ways = kraken_permissions.ways(row.requirement) | kraken_permissions.ways(row.guide)
    named = sorted(frozenset().union(*ways))
    for count in range(len(named) + 1):
        for chosen in itertools.combinations(named, count):
            yield frozenset(chosen)
            yield frozenset(chosen) | (CODES - set(named))


def rows_of(sandbox, *, but=frozenset()):
    """Everything in the database, without some columns."""
    connection = sandbox.database.connection()
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    found = {}
    for table in tables:
        columns = [column[1] for column in connection.execute(f"PRAGMA table_info({table})") if column[1] not in but]
        found[table] = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
    return found


@pytest.mark.parametrize("by", ["spec", "guide"])
@pytest.mark.parametrize("endpoint", ROWS)
def test_a_call_is_refused_exactly_when_the_key_does_not_hold_what_it_takes(door, endpoint, by):
    set_switch(door.kraken.sandbox, "permissions-by", by)
    set_switch(door.kraken.sandbox, "address-update-permission", "add-withdraw-address")  # as the reference has it
    row = ROWS[endpoint]
    requirement = row.guide if by == "guide" and row.guide else row.requirement
    for held in sets(row):
        door.hold(held)
        before = rows_of(door.kraken.sandbox, but=USED)
        denied = errors(door.knock(endpoint)) == [DENIED]
        assert denied is not kraken_permissions.suffices(held, requirement), sorted(held)
        assert not denied or rows_of(door.kraken.sandbox, but=USED) == before


@pytest.mark.parametrize("code", ["withdraw-funds", "modify-trades"])
def test_the_permission_that_makes_sub_accounts_is_a_switch(door, code):
    set_switch(door.kraken.sandbox, "create-subaccount-permission", code)
    door.hold(CODES - {code})
    assert door.knock("POST /0/private/CreateSubaccount").error == DENIED
    door.hold({code})
    assert door.knock("POST /0/private/CreateSubaccount").error != DENIED


@pytest.mark.parametrize(
    ("switch", "codes"),
    [
        ("either", {"add-withdraw-address", "update-withdraw-address"}),
        ("add-withdraw-address", {"add-withdraw-address"}),
        ("update-withdraw-address", {"update-withdraw-address"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_permission_that_changes_addresses_is_a_switch(door, method, switch, codes):
    set_switch(door.kraken.sandbox, "address-update-permission", switch)
    door.hold(CODES - codes)
    assert door.knock(f"{method} /funding/v1/addresses/1").error == DENIED
    for code in codes:
        door.hold({code})
        assert errors(door.knock(f"{method} /funding/v1/addresses/1")) != [DENIED]


@pytest.mark.parametrize(("by", "is_denied"), [("spec", False), ("guide", True)])
def test_a_wallet_transfer_is_cancelled_without_a_permission_unless_the_guide_is_right(door, by, is_denied):
    set_switch(door.kraken.sandbox, "permissions-by", by)
    door.hold(CODES)
    plausible, _ = kraken_calls.arguments("POST /0/private/WalletTransfer")
    refid = door.knock("POST /0/private/WalletTransfer", plausible).result["refid"]
    door.hold([])
    told = errors(door.knock("POST /0/private/WithdrawCancel", {"asset": "XBT", "refid": refid}))
    assert (told == [DENIED]) is is_denied


@pytest.mark.parametrize("endpoint", ROWS)
def test_every_call_answers_a_fitting_key(door, endpoint):
    scene.play(door.kraken)
    door.hold(CODES)
    plausible, _ = kraken_calls.arguments(endpoint)
    reply = door.knock(endpoint, plausible)
    assert reply.status == 200
    assert errors(reply) == answers.SAYS_NO.get(endpoint, [])


def test_a_bearer_token_opens_no_signed_call(kraken):
    for endpoint in ROWS:
        method, path = endpoint.split(" ")
        reply = kraken.oauth(method, kraken_calls.filled(path), {} if method in {"POST", "PUT"} else None)
        assert reply.error == "EAPI:Invalid key"
        with kraken.sandbox.database.write() as connection:
            connection.execute("DELETE FROM failure")
