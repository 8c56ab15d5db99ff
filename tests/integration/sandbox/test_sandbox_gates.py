"""Who is let in, held against Kraken's reference as a person copied it: every signed call, every set that matters."""

from __future__ import annotations

import itertools

import pytest
import scene
from sandbox_caller import Caller

import kraken_calls
import kraken_permissions
from krakenctl.model.permission import Permission
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import set_switch

ROWS = {row.endpoint: row for row in kraken_permissions.read()}
CODES = frozenset(code.value for code in Permission)
BY_HANDLER = {"POST /0/private/WithdrawCancel": "withdraw-funds"}  # it depends on what is cancelled
DENIED = "EGeneral:Permission denied"
SAYS_NO = {  # there is nobody at the desk for over-the-counter trades
    "POST /0/private/CreateOtcQuoteRequest": ["EAccount:Invalid permissions"],
    "POST /0/private/UpdateOtcQuote": ["EGeneral:Invalid arguments:quote_id"],
}
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
    texts = (row.requirement, row.guide, BY_HANDLER.get(row.endpoint, ""))
    named = sorted({code for text in texts for way in kraken_permissions.ways(text) for code in way})
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


def errors(reply):
    """None where the answer is a bare object, as those of Funding (Beta) are, or an export."""
    is_json = reply.headers["Content-Type"].startswith("application/json")
    return reply.json.get("error", []) if is_json else []


@pytest.mark.parametrize("by", ["spec", "guide"])
@pytest.mark.parametrize("endpoint", ROWS)
def test_a_call_is_refused_exactly_when_the_key_does_not_hold_what_it_takes(door, endpoint, by):
    set_switch(door.kraken.sandbox, "permissions-by", by)
    row = ROWS[endpoint]
    requirement = row.guide if by == "guide" and row.guide else BY_HANDLER.get(endpoint, row.requirement)
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


@pytest.mark.parametrize("code", ["add-withdraw-address", "update-withdraw-address"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_permission_that_changes_addresses_is_a_switch(door, method, code):
    set_switch(door.kraken.sandbox, "address-update-permission", code)
    door.hold(CODES - {code})
    assert door.knock(f"{method} /funding/v1/addresses/1").error == DENIED
    door.hold({code})
    assert errors(door.knock(f"{method} /funding/v1/addresses/1")) != [DENIED]


@pytest.mark.parametrize("endpoint", ROWS)
def test_every_call_answers_a_fitting_key(door, endpoint):
    scene.play(door.kraken)
    door.hold(CODES)
    plausible, _ = kraken_calls.arguments(endpoint)
    reply = door.knock(endpoint, plausible)
    assert reply.status == 200
    assert errors(reply) == SAYS_NO.get(endpoint, [])


def test_a_bearer_token_opens_no_signed_call(kraken):
    for endpoint in ROWS:
        method, path = endpoint.split(" ")
        reply = kraken.oauth(method, kraken_calls.filled(path), {} if method in {"POST", "PUT"} else None)
        assert reply.error == "EAPI:Invalid key"
        with kraken.sandbox.database.write() as connection:
            connection.execute("DELETE FROM failure")
