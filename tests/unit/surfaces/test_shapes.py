"""Keys as Kraken writes them, in every spelling its sources show."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakenctl.errors import ExchangeError
from krakenctl.model.key import KeySpec
from krakenctl.model.permission import ON_CONNECT, Permission
from krakenctl.surfaces.kraken.shapes import allowlist, fast_key_body, live_key, number, permissions
from krakenctl.validate.networks import canonical

# docs.kraken.com, GetApiKeyInfo: the reference page's example
DOCUMENTED = {
    "apiKeyName": "my-api-key",
    "apiKey": "4/SDrDBcOOPnm3nPlNfEMMJDeRcIVqPz+QhRxIodyZbI9po/aVRiHsgX",
    "nonce": "1772627060997",
    "nonceWindow": 0,
    "permissions": ["query-funds", "withdraw-funds", "query-open-trades", "modify-trades"],
    "iban": "AA88 N84G WOAK NMOI",
    "validUntil": "0",
    "queryFrom": "0",
    "queryTo": "0",
    "createdTime": "1772542900",
    "modifiedTime": "1772543095",
    "ipAllowlist": [],
    "lastUsed": "1772627061",
}
# JKorf/Kraken.Net: what looks like a live answer
CAPTURED = {
    "api_key_name": "TestKey",
    "api_key": "123",
    "nonce": "123",
    "nonce_window": "15",
    "permissions": ["query-funds", "add-funds"],
    "iban": "123",
    "valid_until": "0",
    "query_from": "0",
    "query_to": "0",
    "created_time": "1522132642",
    "modified_time": "1618230358",
    "ip_allowlist": [""],
    "last_used": "1774350056",
}
LISTED = {
    "api_key_name": "mm-btc.a7.g1",
    "created_time": "1800000000",
    "ip_allowlist": ["203.0.113.10"],
    "permissions": {"funds_query": True, "trades_modify": False},
    "valid_until": 1815552000,
}
moments = st.integers(0, 2**53)
public = st.ip_addresses().filter(lambda address: not (address.version == 6 and address.ipv4_mapped))
networks = public.map(str) | st.ip_addresses(network="198.51.100.0/24").map(
    lambda address: f"{str(address).rpartition('.')[0]}.0/24"
)
specs = st.builds(
    KeySpec,
    permissions=st.frozensets(st.sampled_from(sorted(ON_CONNECT))),
    ip_allowlist=st.lists(networks, max_size=4).map(allowlist),
    valid_until=moments,
    query_from=moments,
    query_to=moments,
    nonce_window=moments,
)


def test_the_documented_key():
    live = live_key(DOCUMENTED)
    wanted = {Permission.QUERY_FUNDS, Permission.WITHDRAW_FUNDS, Permission.QUERY_OPEN_TRADES, Permission.MODIFY_TRADES}
    assert live.spec == KeySpec(permissions=frozenset(wanted))
    assert (live.name, live.created, live.public_key) == ("my-api-key", 1772542900, DOCUMENTED["apiKey"])


def test_the_captured_key():
    live = live_key(CAPTURED)
    wanted = frozenset({Permission.QUERY_FUNDS, Permission.ADD_FUNDS})
    assert live.spec == KeySpec(permissions=wanted, nonce_window=15)
    assert (live.name, live.created, live.public_key) == ("TestKey", 1522132642, "123")


def test_a_listed_key_has_flags_and_no_public_key():
    live = live_key(LISTED)
    assert live.spec == KeySpec(
        permissions=frozenset({Permission.QUERY_FUNDS}), ip_allowlist=("203.0.113.10",), valid_until=1815552000
    )
    assert live.public_key == ""


def camel(snake):
    first, *rest = snake.split("_")
    return first + "".join(word.capitalize() for word in rest)


SPELLINGS = {"snake_case": lambda name: name, "camelCase": camel}


@settings(derandomize=True, database=None, deadline=None)
@given(spec=specs, spelling=st.sampled_from(sorted(SPELLINGS)), texts=st.booleans())
def test_what_was_asked_for_is_what_is_read_in_either_spelling_with_numbers_or_texts(spec, spelling, texts):
    row = json.loads(json.dumps(fast_key_body("mm-btc", spec)))
    row = {name: str(value) if texts and isinstance(value, int) else value for name, value in row.items()}
    row = {SPELLINGS[spelling](name): value for name, value in row.items()}
    live = live_key(row | {SPELLINGS[spelling]("created_time"): "1800000000"})
    assert (live.name, live.spec, live.created) == ("mm-btc", spec, 1_800_000_000)


@settings(derandomize=True, database=None, deadline=None)
@given(spec=specs)
def test_a_body_says_everything_because_nobody_knows_what_absent_means(spec):
    body = fast_key_body("mm-btc", spec)
    assert body.keys() == {
        "api_key_name", "permissions", "ip_allowlist", "valid_until", "query_from", "query_to", "nonce_window"
    }  # fmt: skip
    assert len(body["permissions"]) == 10
    assert all(isinstance(granted, bool) for granted in body["permissions"].values())
    assert "null" not in json.dumps(body)


@pytest.mark.parametrize("absent", [{}, dict.fromkeys(["valid_until", "query_from", "query_to", "nonce_window"])])
def test_null_and_missing_are_not_set(absent):
    spec = live_key({"api_key_name": "k", "permissions": {}, "ip_allowlist": None} | absent).spec
    assert spec == KeySpec(permissions=frozenset())


@pytest.mark.parametrize("raw", [["query-funds", "teleport-funds"], {"funds_query": True, "teleport-funds": True}])
def test_a_permission_of_a_newer_kraken_is_kept_and_never_dropped(raw):
    spec = live_key({"api_key_name": "k", "permissions": raw}).spec
    assert (spec.permissions, spec.unknown_permissions) == ({Permission.QUERY_FUNDS}, {"teleport-funds"})


@pytest.mark.parametrize("raw", [{"teleport_funds": "yes"}, {"teleport_funds": 1}, {"teleport_funds": "false"}])
def test_a_flag_counts_as_granted_unless_it_clearly_is_not(raw):
    assert permissions(raw) == (frozenset(), {"teleport_funds"})


@pytest.mark.parametrize("raw", [{"teleport_funds": False}, {"teleport_funds": None}, {}, []])
def test_what_is_not_granted_is_not_there(raw):
    assert permissions(raw) == (frozenset(), frozenset())


@pytest.mark.parametrize("raw", [[], [""], None, ["", ""], [None]])
def test_every_way_to_write_the_whole_world(raw):
    assert allowlist(raw) == ()


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (["203.0.113.10/32", "203.0.113.10"], ("203.0.113.10",)),
        (["203.0.113.10", "198.51.100.0/28"], ("198.51.100.0/28", "203.0.113.10")),
        (["198.51.100.9/28"], ("198.51.100.0/28",)),
        (["2001:DB8:0:0::1"], ("2001:db8::1",)),
        (["2001:db8::/128", "", "2001:db8::/32"], ("2001:db8::/32", "2001:db8::")),
        (["2001:db8::1", "10.0.0.1", "9.0.0.1"], ("9.0.0.1", "10.0.0.1", "2001:db8::1")),
    ],
)
def test_one_allow_list_has_one_reading(raw, canonical):
    assert allowlist(raw) == canonical


@pytest.mark.parametrize("world", ["0.0.0.0/0", "::/0"])
def test_a_range_that_is_the_whole_world_is_not_mistaken_for_a_small_one(world):
    assert set(allowlist([world, "203.0.113.10"])) == {world, "203.0.113.10"}


@settings(derandomize=True, database=None, deadline=None)
@given(written=st.lists(networks, max_size=5))
def test_kraken_s_list_and_the_manifest_s_are_brought_into_the_same_form(written):
    """Else a plan would show a change that no apply can make."""
    assert allowlist(written[::-1]) == canonical(written).entries


def test_what_is_no_address_stays_and_so_differs_from_whatever_was_declared():
    assert set(allowlist(["corp-vpn", "203.0.113.10"])) == {"203.0.113.10", "corp-vpn"}


@pytest.mark.parametrize(
    ("raw", "read"), [(5, 5), ("5", 5), (0, 0), ("0", 0), ("", 0), (None, 0), (5.0, 5), (2**63, 2**63)]
)
def test_numbers_may_be_texts(raw, read):
    assert number(raw) == read


@pytest.mark.parametrize(
    "told",
    [
        1_616_665_496, "1616665496", "1616665496.78", "1616665496.0", 1_616_665_496.78, "2021-03-25T09:44:56Z",
        "2021-03-25T09:44:56.789Z", "2021-03-25T09:44:56", "2021-03-25 09:44:56", "2021-03-25T10:44:56+01:00",
    ],
)  # fmt: skip
def test_a_creation_time_is_read_however_kraken_writes_it(told):
    assert live_key({"api_key_name": "k", "permissions": {}, "created_time": told}).created == 1_616_665_496


@pytest.mark.parametrize("told", ["", None, 0, "0"])
def test_a_creation_time_that_is_not_told_is_0(told):
    assert live_key({"api_key_name": "k", "permissions": {}, "created_time": told}).created == 0


@pytest.mark.parametrize("told", ["yesterday", "nan", "inf", "-1e999", "2021-13-01T00:00:00Z", [], {}])
def test_a_creation_time_that_is_none_is_an_error(told):
    with pytest.raises(ExchangeError):
        live_key({"api_key_name": "k", "permissions": {}, "created_time": told or ["x"]})


@pytest.mark.parametrize(
    "row",
    [
        None, [], "text", 1, {}, {"api_key_name": "k"}, {"api_key_name": "", "permissions": {}},
        {"api_key_name": None, "permissions": {}}, {"api_key_name": ["k"], "permissions": {}},
        {"api_key_name": "k", "permissions": None}, {"api_key_name": "k", "permissions": "query-funds"},
        {"api_key_name": "k", "permissions": {}, "valid_until": "tomorrow"},
        {"api_key_name": "k", "permissions": {}, "valid_until": [0]},
        {"api_key_name": "k", "permissions": {}, "valid_until": float("inf")},
        {"api_key_name": "k", "permissions": {}, "created_time": float("nan")},
        {"api_key_name": "k", "permissions": {}, "ip_allowlist": "203.0.113.10"},
        {"api_key_name": "k", "permissions": {}, "ip_allowlist": {"203.0.113.10": True}},
        {"api_key_name": "k", "permissions": {}, "ip_allowlist": 7},
        {"api_key_name": "k", "permissions": {}, "ip_allowlist": False},
    ],
)  # fmt: skip
def test_what_is_no_key_is_an_error_that_says_so(row):
    with pytest.raises(ExchangeError):
        live_key(row)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(derandomize=True, database=None, deadline=None, max_examples=150)
@given(row=st.dictionaries(st.sampled_from(sorted(DOCUMENTED | CAPTURED)), json_values) | json_values)
def test_no_answer_makes_it_stumble(row):
    with suppress(ExchangeError):
        live_key(row)
