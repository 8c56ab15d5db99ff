"""Kraken Connect against the sandbox, under every value of everything that Kraken's sources leave open."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from krakenctl.errors import (
    AnswerLost,
    CredentialError,
    ExchangeError,
    LockedOut,
    NonceRefused,
    NotAuthorised,
    PermissionDenied,
    Refused,
    TooManyKeys,
    Unreachable,
)
from krakenctl.model.coverage import Coverage
from krakenctl.model.iiban import normal_iiban
from krakenctl.model.key import KeyPair, KeySpec
from krakenctl.model.permission import ON_CONNECT, Permission
from krakenctl.model.secret import Secret
from krakenctl.sandbox import clock, faults, open_sandbox
from krakenctl.sandbox.connect.scopes import ALL as ALL_SCOPES
from krakenctl.sandbox.connect.scopes import INFO, READ
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.switches import DEFAULTS, SWITCHES, set_switch
from krakenctl.surfaces.connect import Connect, ConnectMaster
from krakenctl.surfaces.kraken import spot
from krakenctl.testing.examples import SECRET
from krakenctl.testing.leaks import everything_shown
from krakenctl.testing.surface_contract import NAME, SurfaceContract
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter

URL = "http://kraken.invalid"
NOW = 1_800_000_000
SPEC = KeySpec(permissions=frozenset({Permission.QUERY_FUNDS}))
# For switches that take any number or error: one that a client could take for something else.
SOME = {"<number>": ("1000000",), "<error>": ("EAPI:Invalid key",), "<permission>": tuple(Permission)}
# Faults, which break issues on purpose, and what has tests of its own below or is not Connect's business.
NOT_HERE = {
    "keys-per-account",
    "dead-token-answer",
    "missing-scope-answer",
    "access-token-seconds",
    "refresh-token-seconds",
    "tier",
    "lockout-threshold",
    "lockout-seconds",
    "lockout-restart",
    "lockout-scope",
    "institutional",
    "create-subaccount-permission",
    "not-institutional-error",
    "not-master-error",
    "duplicate-username-error",
    "website-preticked",
    "website-name-default",
}


def values(switch):
    """All but the default."""
    every = itertools.chain.from_iterable(SOME.get(value, (value,)) for value in SWITCHES[switch].allowed)
    return [value for value in every if value != DEFAULTS[switch]]


def every_setting(*names):
    return [(name, value) for name in names for value in values(name)]


SETTINGS = [("list-path", "both"), *every_setting(*(name for name in SWITCHES if name not in NOT_HERE))]
SETTINGS.remove(("created-time", "absent"))  # the contract asks for it; without one, recovery knows less
PATCHING = [
    {"put-semantics": "patch", "put-null": null, "put-absent-flags": flags}
    for null, flags in itertools.product(["reset", "keep"], ["clear", "keep"])
]


@pytest.fixture
def sandbox(tmp_path):
    opened = open_sandbox(tmp_path / "sandbox.db")
    clock.freeze(opened, NOW)
    yield opened
    opened.close()


@pytest.fixture
def master(sandbox):
    return seed.seed_account(sandbox, username="acme", email="desk@acme.example")


@pytest.fixture
def http(sandbox):
    opened = Http(URL, WsgiAdapter(sandbox))
    yield opened
    opened.close()


@pytest.fixture
def connect(http, master):
    return Connect(http, Secret(master.token["access_token"]))


@pytest.mark.parametrize("setting", SETTINGS, ids="=".join)
class TestConnect(SurfaceContract):
    grantable = ON_CONNECT

    @pytest.fixture
    def now(self):
        return NOW

    @pytest.fixture
    def surface(self, sandbox, connect, setting):
        set_switch(sandbox, *setting)
        return connect


@pytest.mark.parametrize("settings", PATCHING, ids=lambda settings: " ".join(settings.values()))
class TestConnectWherePutPatches(SurfaceContract):
    @pytest.fixture
    def now(self):
        return NOW

    @pytest.fixture
    def surface(self, sandbox, connect, settings):
        for name, value in settings.items():
            set_switch(sandbox, name, value)
        return connect


def test_the_iiban_is_the_accounts(connect, master):
    assert connect.iiban() == master.iiban


@pytest.mark.parametrize("text", ["AA88N84GWOAKNMOI", " aa88 n84g woak nmoi\n", "AA88 N84G WOAK NMOI"])
def test_an_iiban_is_written_in_groups_of_four(text):
    assert normal_iiban(text) == "AA88 N84G WOAK NMOI"


def test_the_time_is_the_exchanges(http):
    assert spot.server_time(http) == NOW


def test_keys_of_people_show_only_where_kraken_shows_them_and_then_with_all_their_rights(sandbox, connect):
    seed.seed_website_key(sandbox, "acme", "by-hand", [Permission.CREATE_WS_TOKEN, Permission.QUERY_FUNDS])
    assert connect.list_keys().keys == ()
    set_switch(sandbox, "list-coverage", "all")
    live = {key.name: key.spec for key in connect.list_keys().keys}
    assert live["by-hand"].permissions == {Permission.QUERY_FUNDS}
    assert live["by-hand"].unknown_permissions == {"create_ws_token"}
    assert connect.list_keys().coverage is Coverage.OUR_CLIENT


@pytest.mark.parametrize("wrong", ["add", "drop"])
@pytest.mark.parametrize("value", list(Permission))
def test_a_key_that_kraken_issues_otherwise_than_asked_is_read_as_it_is(sandbox, connect, wrong, value):
    """A right too many must never go unseen, whichever it is."""
    faults.add(sandbox, {"kind": "misissue", wrong: value})
    wanted = KeySpec(permissions=ON_CONNECT - ({value} if wrong == "add" else set()))
    issued = connect.issue(NAME, wanted)
    [listed] = connect.list_keys().keys
    inspected = connect.inspect(KeyPair(public_key=issued.public_key, secret=issued.secret), nonce=1)
    for seen in (issued.live, listed, inspected):
        assert (seen.spec == wanted) is (wrong == "drop" and value not in ON_CONNECT)


@pytest.mark.parametrize("answer", ["401", "403", "ESession:Invalid session", "EAPI:Invalid key"])
def test_a_dead_token_is_not_authorised_however_kraken_says_it(sandbox, http, answer):
    set_switch(sandbox, "dead-token-answer", answer)
    dead = Connect(http, Secret(SECRET))
    for deed in (dead.iiban, dead.list_keys, lambda: dead.issue(NAME, SPEC), lambda: dead.revoke(NAME)):
        with pytest.raises(NotAuthorised) as caught:
            deed()
        assert SECRET not in everything_shown(caught.value)


@pytest.mark.parametrize("answer", ["401", "403", "EGeneral:Permission denied", "ESession:Invalid session"])
def test_a_token_without_the_scope_is_refused_and_issues_nothing(sandbox, http, master, connect, answer):
    set_switch(sandbox, "missing-scope-answer", answer)
    narrow = Connect(http, Secret(seed.authorise(sandbox, "acme", scopes=[INFO, READ])["access_token"]))
    assert narrow.iiban() == master.iiban
    with pytest.raises((NotAuthorised, PermissionDenied)):
        narrow.issue(NAME, SPEC)
    assert connect.list_keys().keys == ()


def test_a_right_that_the_token_may_not_grant_is_refused(sandbox, http, connect):
    scopes = [scope for scope in ALL_SCOPES if "withdraw" not in scope]
    narrow = Connect(http, Secret(seed.authorise(sandbox, "acme", scopes=scopes)["access_token"]))
    with pytest.raises((NotAuthorised, PermissionDenied)):
        narrow.issue(NAME, replace(SPEC, permissions=frozenset({Permission.WITHDRAW_FUNDS})))
    assert connect.list_keys().keys == ()


def test_a_full_account_says_so(sandbox, connect):
    set_switch(sandbox, "keys-per-account", "1")
    with pytest.raises(TooManyKeys) as caught:
        connect.issue(NAME, SPEC)
    assert "keysPerAccount" in caught.value.hint


@pytest.mark.parametrize("name", ["", "x" * 33])
def test_a_name_that_kraken_does_not_take_is_refused(connect, name):
    with pytest.raises(Refused):
        connect.issue(name, SPEC)


@pytest.mark.parametrize("name", ["x" * 32, "mm-btc.a7.g1", "with blank", "“ü”", "a/b?c=d&e", '{"}'])
def test_any_name_that_kraken_takes_can_be_revoked_again(connect, name):
    connect.issue(name, SPEC)
    assert [live.name for live in connect.list_keys().keys] == [name]
    connect.revoke(name)
    assert connect.list_keys().keys == ()


def test_a_refused_nonce_is_followed_by_one_that_is_higher_and_still_small_and_by_no_third(connect):
    issued = connect.issue(NAME, SPEC)
    pair = KeyPair(public_key=issued.public_key, secret=issued.secret)
    connect.inspect(pair, nonce=5)
    connect.inspect(pair, nonce=5)
    with pytest.raises(NonceRefused) as caught:
        connect.inspect(pair, nonce=5)
    assert caught.value.errors == ("EAPI:Invalid nonce",)
    connect.inspect(pair, nonce=100)


def test_a_key_that_is_not_let_in_from_here_is_not_authorised(connect):
    issued = connect.issue(NAME, replace(SPEC, ip_allowlist=("203.0.113.10",)))
    with pytest.raises(NotAuthorised):
        connect.inspect(KeyPair(public_key=issued.public_key, secret=issued.secret), nonce=1)


def test_an_account_that_is_locked_says_so_at_once(connect):
    stranger = KeyPair(public_key="nobody", secret=Secret("c2VjcmV0"))
    for nonce in range(1, 6):
        with pytest.raises(NotAuthorised):
            connect.inspect(stranger, nonce)
    with pytest.raises(LockedOut) as caught:
        connect.inspect(stranger, 6)
    assert "15 minutes" in caught.value.hint


def ticks():
    """A clock that shows another millisecond each time."""
    return itertools.count(1_000_000, 1_000_000).__next__


def test_the_master_key_requests_a_sub_account(http, master):
    asker = ConnectMaster(http, KeyPair(public_key=master.public_key, secret=Secret(master.secret)), ticks())
    asker.request_subaccount("acme-mm-desk", "mm+desk@acme.example")
    with pytest.raises(Refused, match="create the sub-account acme-mm-desk"):
        asker.request_subaccount("acme-mm-desk", "mm+desk@acme.example")


def test_a_pair_whose_halves_do_not_belong_together_is_not_authorised(http, master):
    asker = ConnectMaster(http, KeyPair(public_key=master.public_key, secret=Secret("c2VjcmV0")), ticks())
    with pytest.raises(NotAuthorised):
        asker.request_subaccount("acme-mm-desk", "mm@acme.example")


def test_a_secret_that_was_cut_off_sends_nothing(master):
    asker = ConnectMaster(
        scripted([]), KeyPair(public_key=master.public_key, secret=Secret(master.secret[:-1])), ticks()
    )
    with pytest.raises(CredentialError) as caught:
        asker.request_subaccount("acme-mm-desk", "mm@acme.example")
    assert master.secret[5:40] not in everything_shown(caught.value)


# What no sandbox says: answers that make no sense.


class Script:
    """Answers in turn with what it was given, and remembers what was asked."""

    def __init__(self, replies):
        self.replies = list(replies)
        self.asked = []

    def __call__(self, environ, start_response):
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        status, body = self.replies.pop(0)
        start_response(f"{status} Whatever", [])
        return [body if isinstance(body, bytes) else json.dumps(body).encode()]


def scripted(replies):
    return Http(URL, WsgiAdapter(replies if isinstance(replies, Script) else Script(replies)))


def surface(*replies):
    return Connect(scripted(replies), Secret("token"))


def test_the_path_of_the_list_is_looked_for_once():
    script = Script([(404, b""), (200, {"result": []}), (200, {"result": []})])
    connect = Connect(scripted(script), Secret("token"))
    connect.list_keys()
    connect.list_keys()
    assert [path for _, path in script.asked] == [
        "/oauth/fast-api-key", "/oauth/fast-api-keys", "/oauth/fast-api-keys"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "reply",
    [
        (404, b"<html>"),
        (405, b""),
        (200, {"error": ["EGeneral:Unknown method"]}),
        (200, {"error": ["EGeneral: Unknown Method"]}),
    ],
)
def test_every_way_to_say_that_there_is_no_such_path_leads_to_the_other(reply):
    assert surface(reply, (200, {"result": []})).list_keys().keys == ()


@pytest.mark.parametrize("reply", [(500, b""), (401, b""), (200, b""), (200, {"error": ["EService:Busy"]})])
def test_any_other_failure_of_the_list_is_that_failure(reply):
    with pytest.raises(ExchangeError):
        surface(reply).list_keys()


@pytest.mark.parametrize("result", [None, {}, "none", 7, [None], [{}], [{"api_key_name": "k"}], [[]]])
def test_a_list_that_is_none_is_an_error_and_never_an_empty_account(result):
    with pytest.raises(ExchangeError):
        surface((200, {"result": result})).list_keys()


ISSUED = {"api_key_name": NAME, "api_key": "public", "secret": SECRET, "created_time": "1800000000", "permissions": {}}


def test_the_least_that_an_issue_must_answer():
    issued = surface((200, {"result": {"api_key": "public", "secret": SECRET}})).issue(NAME, SPEC)
    assert (issued.public_key, issued.secret, issued.live.name) == ("public", Secret(SECRET), NAME)


def test_an_issue_whose_permissions_are_not_told_is_read_as_having_none():
    issued = surface((200, {"result": ISSUED | {"permissions": None}})).issue(NAME, SPEC)
    assert issued.live.spec.permissions == frozenset()


@pytest.mark.parametrize(
    "result",
    [
        None, True, [], [ISSUED], SECRET, {}, {"api_key": "public"}, {"secret": SECRET},
        ISSUED | {"secret": None}, ISSUED | {"secret": ""}, ISSUED | {"secret": [SECRET]}, ISSUED | {"api_key": None},
        ISSUED | {"api_key": 7}, ISSUED | {"permissions": SECRET}, ISSUED | {"created_time": SECRET},
        ISSUED | {"api_key_name": None}, ISSUED | {"ip_allowlist": SECRET},
    ],
)  # fmt: skip
def test_an_issue_that_answers_nonsense_may_have_been_done_and_shows_no_secret(result):
    with pytest.raises(AnswerLost) as caught:
        surface((200, {"result": result})).issue(NAME, SPEC)
    assert NAME in caught.value.message
    assert SECRET not in everything_shown(caught.value)


@pytest.mark.parametrize(
    "reply", [(200, b""), (200, b"<html>"), (200, b'{"result": {"secr'), (500, b""), (502, {"error": "bad gateway"}),
              (200, {"error": ["EGeneral:Internal error"]}), (200, {"error": ["EService:Deadline elapsed"]})]
)  # fmt: skip
def test_a_deed_whose_answer_is_useless_may_have_been_done(reply):
    for deed in (
        lambda connect: connect.issue(NAME, SPEC),
        lambda connect: connect.update(NAME, SPEC),
        lambda connect: connect.revoke(NAME),
    ):
        with pytest.raises(AnswerLost):
            deed(surface(reply))


@pytest.mark.parametrize("result", [False, None, {}, [], "", 0])
def test_only_a_yes_is_a_yes(result):
    with pytest.raises(AnswerLost, match="revoke the key"):
        surface((200, {"error": [], "result": result})).revoke(NAME)
    with pytest.raises(AnswerLost, match="update the key"):
        surface((200, {"error": [], "result": result})).update(NAME, SPEC)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 409, 413])
def test_a_deed_that_did_not_reach_kraken_was_not_done(status):
    with pytest.raises(Unreachable, match="was not done"):
        surface((status, b"<html>login to the hotel</html>")).issue(NAME, SPEC)


@pytest.mark.parametrize("result", [None, [], "AA88", {}, {"iban": None}, {"iban": 7}, {"iban": ""}, {"iban": " "}])
def test_an_account_without_a_name_is_an_error_and_not_an_account(result):
    with pytest.raises(ExchangeError):
        surface((200, {"result": result})).iiban()


@pytest.mark.parametrize(
    "result", [None, [], 7, {}, {"unixtime": None}, {"unixtime": "noon"}, {"unixtime": 0}, {"unixtime": []}]
)
def test_a_clock_without_a_time_is_an_error_and_not_1970(result):
    with pytest.raises(ExchangeError):
        spot.server_time(surface((200, {"result": result}))._http)


@pytest.mark.parametrize("result", [None, [], 7, {}, {"apiKeyName": "k"}])
def test_a_key_that_describes_itself_in_nonsense_is_an_error(result):
    with pytest.raises(ExchangeError):
        surface((200, {"result": result})).inspect(KeyPair(public_key="p", secret=Secret("c2VjcmV0")), 1)
