"""Laws that hold for any key, any order of calls, and whatever is sent."""

from __future__ import annotations

import sqlite3

import answers
import bent
import pytest
import scene
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from krakenctl.model.permission import BY_FLAG
from krakenctl.sandbox import clock, futures, keys
from krakenctl.sandbox.connect import codes, oauth
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.routes import ROUTES
from krakenctl.sandbox.switches import set_switch
from krakenctl.sandbox.website import html

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
    """Sends bent requests to one sandbox, each to the same scene: what one leaves behind is gone before the next."""

    def __init__(self, kraken):
        self.kraken, self.sandbox = kraken, kraken.sandbox
        scene.play(kraken)
        self.held = scene.credentials(kraken)
        self.scene = sqlite3.connect(":memory:")
        self.sandbox.database.connection().backup(self.scene)

    def send(self, request, switches=None):
        self.scene.backup(self.sandbox.database.connection())
        for name, value in ({"lockout-threshold": "none"} | (switches or {})).items():
            set_switch(self.sandbox, name, value)
        body, query, headers = bent.environ(request, self.held)
        return self.kraken.send(request.method, f"{request.path}?{query}", body, raw=True, **headers)


@pytest.fixture
def stranger(kraken):
    found = Stranger(kraken)
    yield found
    found.scene.close()


of_every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")


@of_every_route
def test_a_request_in_order_is_accepted(stranger, route):
    for request in bent.straight(route):
        reply = stranger.send(request)
        answers.check(request, reply)
        assert answers.is_accepted(route, reply), reply.body


def send_anything(stranger, route, examples=20):
    @settings(lawful, max_examples=examples, phases=[Phase.explicit, Phase.generate])
    @given(request=bent.requests(route))
    def law(request):
        answers.check(request, stranger.send(request))

    law()


@of_every_route
def test_whatever_is_sent_an_answer_comes(stranger, route):
    send_anything(stranger, route)


DEEP = {  # the last that each of them does, past every check
    "POST /oauth/token": (oauth, "plain"),
    "GET /api/auth/v1/api-keys/v3/check": (futures, "plain"),
    "GET /oauth/authorize": (html, "render"),
    "POST /oauth/authorize": (codes, "issue"),
    "POST /{language}/oauth/authorize": (codes, "issue"),
    "POST /oauth/fast-api-key": (keys, "issue"),
    "PUT /oauth/fast-api-key": (keys, "update"),
    "DELETE /oauth/fast-api-key": (keys, "revoke"),
}


@pytest.mark.parametrize("endpoint", DEEP)
def test_a_mistake_deep_in_a_call_would_be_found(stranger, endpoint, monkeypatch):
    [route] = [route for route in ROUTES if f"{route.method} {route.path}" == endpoint]

    def fail(*_given, **_more):
        raise ZeroDivisionError

    monkeypatch.setattr(*DEEP[endpoint], fail)
    with pytest.raises(ZeroDivisionError):
        send_anything(stranger, route)


@settings(lawful, max_examples=400)
@given(data=st.data(), switches=bent.settings_of_switches)
def test_whatever_is_sent_an_answer_comes_under_any_switches(stranger, data, switches):
    request = data.draw(bent.requests(data.draw(st.sampled_from(ROUTES))))
    answers.check(request, stranger.send(request, switches))
