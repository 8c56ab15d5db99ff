"""What is found in a key, and only there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl.audit import rules
from krakenctl.audit.catalogue import KEY_RULES, RULES
from krakenctl.audit.rules import DAY, Policy, of_description, of_spec
from krakenctl.model.description import Description, NonceScale
from krakenctl.model.finding import Severity
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.permission import ALL, Permission

NOW = 1_800_000_000
P = Permission
WELL_KEPT = Description(
    live=LiveKey(
        name="bot",
        created=NOW - 10 * DAY,
        spec=KeySpec(
            permissions=frozenset({P.QUERY_OPEN_TRADES, P.MODIFY_TRADES}),
            ip_allowlist=("203.0.113.10", "198.51.100.0/28"),
            valid_until=NOW + 80 * DAY,
        ),
    ),
    iiban="AA12 N84G EXAM PLE1",
    nonce=1,
    modified=NOW - 10 * DAY,
    last_used=NOW - 60,
    scale=NonceScale.MILLISECONDS,
)


def spec(**changes):
    return replace(WELL_KEPT.live.spec, **changes)


def key(**changes):
    return replace(WELL_KEPT, live=replace(WELL_KEPT.live, spec=spec(**changes)))


def ids(found):
    return [finding.rule for finding in found]


def holding(*permissions):
    return {"permissions": frozenset(permissions)}


def test_a_key_that_is_well_kept_has_no_findings():
    assert of_description(WELL_KEPT, NOW) == ()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        (holding(P.WITHDRAW_FUNDS, P.MODIFY_TRADES), ["withdraw-and-trade"]),
        (holding(P.WITHDRAW_FUNDS, P.CLOSE_TRADES), ["withdraw-and-trade"]),
        (holding(P.WITHDRAW_FUNDS), []),
        (holding(P.WITHDRAW_FUNDS, P.ADD_WITHDRAW_ADDRESS), ["withdraw-to-anywhere"]),
        (holding(P.WITHDRAW_FUNDS, P.UPDATE_WITHDRAW_ADDRESS), ["withdraw-to-anywhere"]),
        (holding(P.ADD_WITHDRAW_ADDRESS), ["address-permissions"]),
        (holding(P.UPDATE_WITHDRAW_ADDRESS), ["address-permissions"]),
        (holding(P.QUERY_FUNDS, P.QUERY_LEDGER), ["query-only-but-moves"]),
        (holding(P.QUERY_FUNDS, P.CREATE_WS_TOKEN), ["query-only-but-moves"]),
        (holding(P.QUERY_LEDGER), []),
        (holding(P.QUERY_FUNDS, P.MODIFY_TRADES), []),
        (holding(), ["no-permissions"]),
        ({"unknown_permissions": frozenset({"mint-money"})}, ["unknown-permission"]),
        ({"ip_allowlist": ()}, ["open-to-the-world"]),
        ({"ip_allowlist": ("0.0.0.0/1", "128.0.0.0/1")}, ["open-to-the-world"]),
        ({"ip_allowlist": ("::/0", "203.0.113.10")}, ["open-to-the-world"]),
        ({"ip_allowlist": (), **holding(P.WITHDRAW_FUNDS)}, ["moves-funds-from-anywhere"]),
        (
            {"ip_allowlist": (), **holding(P.UPDATE_WITHDRAW_ADDRESS)},
            ["address-permissions", "open-to-the-world"],
        ),
        ({"ip_allowlist": ("10.0.0.0/16",)}, ["wide-network"]),
        ({"ip_allowlist": ("10.0.0.0/24",)}, []),
        ({"ip_allowlist": ("10.0.0.0/24", "10.0.1.0/24")}, ["wide-network"]),
        ({"ip_allowlist": ("2001:db8::/32",)}, ["wide-network"]),
        ({"ip_allowlist": ("2001:db8::/48",)}, []),
        ({"ip_allowlist": ("the office",)}, ["bad-allow-list-entry"]),
        ({"valid_until": 0}, ["never-expires"]),
        ({"valid_until": NOW + 14 * DAY - 1}, ["expires-soon"]),
        ({"valid_until": NOW + 14 * DAY}, []),
        ({"valid_until": NOW}, ["expired"]),
        ({"query_to": NOW}, ["query-window-closed"]),
        ({"query_to": NOW + 1}, []),
        ({"nonce_window": 60_999}, []),
        ({"nonce_window": 61_000}, ["nonce-window-large"]),
    ],
)
def test_each_rule_holds_exactly_where_it_should(changes, found):
    assert ids(of_description(key(**changes), NOW)) == found


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"last_used": NOW - 90 * DAY}, []),
        ({"last_used": NOW - 90 * DAY - 1}, ["unused"]),
        ({"last_used": 0}, []),
        ({"last_used": 0, "live": replace(WELL_KEPT.live, created=NOW - 91 * DAY)}, ["too-old", "unused"]),
        ({"live": replace(WELL_KEPT.live, created=NOW - 91 * DAY)}, ["too-old"]),
        ({"live": replace(WELL_KEPT.live, created=0)}, []),
    ],
)
def test_age_and_use_are_judged_only_where_they_are_told(changes, found):
    assert ids(of_description(replace(WELL_KEPT, **changes), NOW)) == found


@pytest.mark.parametrize(
    ("scale", "window"),
    [(NonceScale.MICROSECONDS, 61_000_000), (NonceScale.NANOSECONDS, 61_000_000_000), (NonceScale.SECONDS, 61_000)],
)
def test_a_nonce_window_is_measured_in_the_clock_of_who_uses_the_key(scale, window):
    within = replace(key(nonce_window=window - window // 61), scale=scale)
    assert ids(of_description(within, NOW)) == []
    assert ids(of_description(replace(key(nonce_window=window), scale=scale), NOW)) == ["nonce-window-large"]


def test_a_rule_can_be_moved_or_switched_off():
    old = replace(WELL_KEPT, live=replace(WELL_KEPT.live, created=NOW - 400 * DAY), last_used=NOW - 300 * DAY)
    assert ids(of_description(old, NOW, Policy(oldest=0, idle=0))) == []
    assert ids(of_description(old, NOW, Policy(oldest=500 * DAY, idle=200 * DAY))) == ["unused"]
    assert ids(of_description(key(valid_until=NOW + 20 * DAY), NOW, Policy(soon=30 * DAY))) == ["expires-soon"]


def test_a_finding_names_what_it_is_about_and_what_to_do():
    [found] = of_spec(spec(permissions=frozenset({P.WITHDRAW_FUNDS, P.MODIFY_TRADES, P.CLOSE_TRADES})))
    assert found.message == "it holds withdraw-funds together with modify-trades and close-trades"
    assert (found.severity, found.hint) == (Severity.ERROR, RULES["withdraw-and-trade"].do)


networks = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "203.0.113.10", "2001:db8::/20", "::1", "nonsense"])
times = st.sampled_from([0, NOW - 200 * DAY, NOW, NOW + DAY, NOW + 900 * DAY])
described = st.builds(
    Description,
    live=st.builds(
        LiveKey,
        name=st.text(),
        created=times,
        spec=st.builds(
            KeySpec,
            permissions=st.frozensets(st.sampled_from(sorted(ALL))),
            ip_allowlist=st.lists(networks, max_size=3).map(tuple),
            valid_until=times,
            query_from=times,
            query_to=times,
            nonce_window=st.integers(0, 10**15),
            unknown_permissions=st.frozensets(st.text(), max_size=2),
        ),
    ),
    iiban=st.text(),
    nonce=st.integers(0),
    modified=times,
    last_used=times,
    scale=st.sampled_from(NonceScale),
)


@given(described)
def test_of_any_key_every_finding_is_in_the_catalogue_once_and_the_worst_comes_first(told):
    found = of_description(told, NOW)
    assert set(ids(found)) <= set(KEY_RULES)
    assert [one.severity for one in found] == sorted((one.severity for one in found), key=list(Severity).index)
    assert all(one.hint and one.message for one in found)


@given(described)
def test_what_holds_of_a_spec_holds_of_the_key_that_has_it(told):
    timeless = set(ids(of_spec(told.live.spec))) - {"nonce-window-large"}
    assert timeless <= set(ids(of_description(told, NOW)))


@given(described, st.sampled_from(sorted(ALL)))
def test_no_right_that_is_added_takes_an_error_away(told, more):
    wider = replace(told.live.spec, permissions=told.live.spec.permissions | {more})
    errors = {one.rule for one in of_spec(told.live.spec) if one.severity is Severity.ERROR}
    assert errors <= set(ids(of_spec(wider)))


def test_every_rule_about_keys_can_be_found():
    reached = {"expired"}
    for permissions in (frozenset(), ALL, frozenset({P.QUERY_FUNDS}), frozenset({P.ADD_WITHDRAW_ADDRESS})):
        for allowed in ((), ("10.0.0.0/8", "x")):
            dated = key(
                permissions=permissions,
                ip_allowlist=allowed,
                valid_until=0,
                query_to=1,
                nonce_window=10**9,
                unknown_permissions=frozenset({"x"}) if allowed and permissions == ALL else frozenset(),
            )
            old = replace(dated, last_used=1, live=replace(dated.live, created=1))
            reached |= set(ids(of_description(old, NOW)))
    reached |= set(ids(of_description(key(valid_until=NOW + 1), NOW)))
    assert reached == set(KEY_RULES)


def test_the_policy_says_what_it_means():
    assert Policy(oldest=90 * DAY, idle=90 * DAY, soon=14 * DAY) == rules.USUAL
