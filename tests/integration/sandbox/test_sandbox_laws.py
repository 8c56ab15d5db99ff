"""Laws that hold for any key and any order of calls."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl.model.permission import BY_FLAG
from krakenctl.sandbox import clock, seed
from krakenctl.sandbox.switches import set_switch

wholes = st.integers(0, 2**63 - 1)
wishes = st.fixed_dictionaries(
    {
        "ip_allowlist": st.lists(st.ip_addresses().map(str), max_size=4),
        "nonce_window": wholes,
        "permissions": st.fixed_dictionaries({flag: st.booleans() for flag in BY_FLAG}),
        "query_from": st.just(0),
        "query_to": wholes,
        "valid_until": wholes,
    }
)
lawful = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def without_times(key):
    return {field: value for field, value in key.items() if field not in {"created_time", "modified_time"}}


@lawful
@given(first=wishes, second=wishes, semantics=st.sampled_from(["replace", "patch"]))
def test_a_complete_update_gives_the_key_that_a_new_issue_would(kraken, first, second, semantics):
    set_switch(kraken.sandbox, "put-semantics", semantics)
    kraken.keys("POST", {"api_key_name": "bot"} | first)
    assert kraken.keys("PUT", {"api_key_name": "bot"} | second).result is True
    [updated] = kraken.listed()
    seed.delete_key(kraken.sandbox, "acme", "bot")
    kraken.keys("POST", {"api_key_name": "bot"} | second)
    [issued] = kraken.listed()
    seed.delete_key(kraken.sandbox, "acme", "bot")
    assert without_times(updated) == without_times(issued)
    assert {field: issued[field] for field in second} == second


@lawful
@given(nonces=st.lists(st.integers(0, 40), max_size=25), window=st.integers(0, 12))
def test_an_accepted_nonce_is_new_and_within_the_window(kraken, nonces, window):
    set_switch(kraken.sandbox, "lockout-threshold", "none")
    issued = kraken.issue("bot", nonce_window=window)
    passed = []
    for nonce in nonces:
        clock.advance(kraken.sandbox, 1)
        reply = kraken.signed("GetApiKeyInfo", (issued["api_key"], issued["secret"]), nonce=nonce)
        highest = max(passed, default=0)
        wanted = nonce > highest or (highest - window < nonce and nonce not in passed)
        assert (reply.json["error"] == []) is wanted
        passed += [nonce] if wanted else []
    seed.delete_key(kraken.sandbox, "acme", "bot")
