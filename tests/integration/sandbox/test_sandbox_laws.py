"""Laws that hold for any key, any order of calls, and whatever is sent."""

from __future__ import annotations

import hashlib
import json

import bent
import pytest
import scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW

import kraken_calls
from krakenctl.model.permission import ALL, BY_FLAG
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.routes import ROUTES, Page, Signed
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


class Stranger:
    """Sends bent requests to one sandbox; what they leave behind may stay, but nothing that would stop the next."""

    def __init__(self, kraken):
        self.kraken, self.sandbox = kraken, kraken.sandbox
        scene.play(kraken)
        self.key = seed.seed_website_key(kraken.sandbox, "acme", "bot", ALL)
        self.token = seed.authorise(kraken.sandbox, "acme")["access_token"]
        with self.sandbox.database.write() as connection:
            connection.execute(
                "INSERT INTO session (hash, account_id, csrf, until)"
                " SELECT ?, id, ?, 1e12 FROM account WHERE username = 'acme'",
                (hashlib.sha256(b"mine").digest(), kraken_calls.CSRF),
            )

    def send(self, request):
        body, query, headers = bent.environ(request, self.key, self.token, "sandbox_session=mine")
        return self.kraken.send(request.method, f"{request.path}?{query}", body, raw=True, **headers)

    def tidy(self, switches):
        """No fault, no lockout, a stopped clock, a key that may go on, and the switches as they are wanted."""
        with self.sandbox.database.write() as connection:
            for table in ("fault", "late_deed", "failure", "setting"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("UPDATE key SET nonce = 0, counter = 0, ip_allowlist = '', valid_until = 0, otp = ''")
            stored = {"clock-frozen": repr(float(NOW)), "lockout-threshold": "none"} | switches
            connection.executemany("INSERT INTO setting VALUES (?, ?)", stored.items())


@pytest.fixture
def stranger(kraken):
    return Stranger(kraken)


def check(route, reply):
    """Never an error of the server's, and always in a form that clients can read."""
    assert reply.status < 500, reply.body
    assert int(reply.headers["Content-Length"]) == len(reply.body)
    assert b"Traceback" not in reply.body
    kind = reply.headers["Content-Type"].partition(";")[0]
    if kind == "application/json":
        answered = json.loads(reply.body)
        is_bare = route.path.startswith("/funding/") and "error" not in answered
        if isinstance(route.guard, Signed) and not is_bare:
            assert all(error[0] in "EW" and ":" in error for error in answered["error"])
            assert answered["error"] or "result" in answered
    elif reply.body:
        assert kind in {"text/html", "text/css", "application/zip", "application/octet-stream"}
        assert isinstance(route.guard, Page) or reply.body.startswith(b"PK")


bounded = settings(lawful, max_examples=20)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_whatever_is_sent_an_answer_comes(stranger, route):
    @bounded
    @given(request=bent.requests(route))
    def law(request):
        stranger.tidy({})
        check(route, stranger.send(request))

    law()


@settings(lawful, max_examples=400)
@given(data=st.data(), switches=bent.settings_of_switches)
def test_whatever_is_sent_an_answer_comes_under_any_switches(stranger, data, switches):
    route = data.draw(st.sampled_from(ROUTES))
    stranger.tidy(switches)
    check(route, stranger.send(data.draw(bent.requests(route))))
