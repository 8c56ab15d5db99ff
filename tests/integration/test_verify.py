"""What keys can really do beside what is declared of them, when people, time and the exchange have had their way."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import jsonschema_rs
import pytest

from desk import DAY, HOME, NOW, Desk, Wire, account, key, make_desk, subaccount
from krakenctl import plugins, schema_files
from krakenctl.credentials import Credentials
from krakenctl.model.description import NonceScale, nonce_at
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.project import read_workspace
from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import operate
from krakenctl.stores.base import Slot
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter
from signed import signed

JUDGE = jsonschema_rs.validator_for(schema_files.load("verification"))
BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"
OPEN = {"ipAllowlist": "any", "validFor": "180d"}
START = 1_577_836_800  # 2020-01-01
STAYING = {"queryWindow": {"from": "2020-01-01"}, "nonceWindow": 0}
UNCONFIRMED = ["EAPI:Invalid key", "EGeneral:Permission denied", "EAPI:Bad request"]


class SandboxTime:
    """In place of `time`: the sandbox's clock is ours too, and who sleeps moves it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def time(self) -> float:
        return clock.now(self._desk.db)

    monotonic = time

    def time_ns(self) -> int:
        return int(self.time() * 1_000_000_000)

    def sleep(self, seconds: float) -> None:
        self._desk.advance(seconds + 0.001)


@pytest.fixture
def desk(tmp_path, monkeypatch):
    desk = make_desk(tmp_path)
    for module in ("wiring.exchange", "workflow", "tasks.verification.run"):
        monkeypatch.setattr(f"krakenctl.{module}.time", SandboxTime(desk))
    return desk


def acme(**spec):
    return account(**{"keyDefaults": OPEN} | spec)


def bot(*permissions, nonce="ms", **spec):
    return key("bot", *(permissions or ("query-funds", "modify-trades")), consumer={"nonce": nonce}, **spec)


def verified(desk, *args, code=0):
    """By address. Every answer is as the schema says."""
    ran = desk.run("verify", "-o", "json", *args)
    assert ran.code == code, ran.out + ran.err
    JUDGE.validate(ran.json)
    return {one["address"]: one for one in ran.json["keys"]}


def one(desk, *args, code=0):
    [found] = verified(desk, *args, code=code).values()
    return found


def rights(found):
    return {right["permission"]: right["verdict"] for right in found["permissions"]}


def differing(found):
    changed = {right["permission"] for right in found["permissions"] if right["differs"]}
    return changed | {field["field"] for field in found["fields"] if field["agrees"] is False}


def edit(desk, *permissions, **fields):
    """A person, on the website. What is not said stays as `STAYING` declares it."""
    fields = {"valid_until": NOW + 180 * DAY, "query_from": START} | fields
    operate.edit_key(desk.db, "acme", "bot.a7.g1", permissions or ("query-funds", "modify-trades"), **fields)


def by_hand(desk, *documents):
    """The same keys, as if a person had made them: no list shows them."""
    desk.declare(acme(surface="website"), *documents)


def consume(desk, scale, address=BOT):
    """Its consumer calls, as it always does."""
    record = next(record for at, record in desk.recorded().keys.items() if str(at) == address)
    entry = desk.entry(record.secret.path)
    sandbox = open_sandbox(desk.db)
    http = Http("http://sandbox.invalid", WsgiAdapter(sandbox, on_close=sandbox.close))
    try:
        nonce = nonce_at(scale, int(clock.now(desk.db) * 1_000_000_000))
        signed(http, KeyPair(public_key=entry.public_key, secret=entry.secret), "Balance", nonce)
    finally:
        http.close()


# As declared


def test_after_an_apply_all_is_as_declared(desk):
    desk.declare(acme(), bot(), key("view", "query-ledger", queryWindow={"from": "2025-01-01"}, nonceWindow=5))
    found = verified(desk.applied())
    assert not any(differing(each) for each in found.values())
    assert {each["verdict"] for each in found.values()} == {"listed"}
    assert (found[BOT]["source"], found[VIEW]["source"]) == ("key", "list")
    assert "consumer.nonce" in found[VIEW]["unasked"]


def test_probing_tells_granted_from_listed(desk):
    desk.declare(acme(), bot("query-funds", "modify-trades", "close-trades", "earn-funds"))
    found = one(desk.applied(), "--probe")
    assert found["verdict"] == "granted"
    tried = dict.fromkeys(("query-funds", "modify-trades", "close-trades"), "granted")
    assert rights(found) == tried | {"earn-funds": "listed"}


@pytest.mark.parametrize("probe", [(), ("--probe",)], ids=["asked", "probed"])
@pytest.mark.parametrize("nonce", ["s", "ms", "us", "ns", "counter", "unknown"])
def test_no_consumer_is_ever_refused(desk, nonce, probe):
    scale = NonceScale(nonce if nonce in ("s", "ms", "us", "ns") else "ms")
    desk.declare(acme(), bot("query-funds", "close-trades", "query-ledger", nonce=nonce))
    desk.applied()
    for _ in range(3):
        consume(desk, scale)
        desk.advance(1)
        found = one(desk, *probe)
        assert found["asked"] is (nonce == scale)
        assert not found["differs"]
        desk.advance(1)
        consume(desk, scale)
        desk.advance(1)


# What people do


@pytest.mark.parametrize(
    ("field", "permissions", "changed"),
    [
        (None, (), {}),
        ("modify-trades", ("query-funds",), {}),
        ("withdraw-funds", ("query-funds", "modify-trades", "withdraw-funds"), {}),
        ("create-ws-token", ("query-funds", "modify-trades", "create-ws-token"), {}),
        ("ipAllowlist", (), {"ip_allowlist": ["127.0.0.1"]}),
        ("expires", (), {"valid_until": NOW + 3 * DAY}),
        ("expires", (), {"valid_until": 0}),
        ("queryWindow.from", (), {"query_from": NOW - DAY}),
        ("nonceWindow", (), {"nonce_window": 5}),
        ("name", (), {"renamed": "mine"}),
    ],
)
@pytest.mark.parametrize("made", ["connect", "website"])
def test_each_change_that_a_person_makes_is_named_and_nothing_else(desk, made, field, permissions, changed):
    desk.declare(acme(), bot(**STAYING))
    edit(desk.applied(), *permissions, **changed)
    wrong = ({field}, 3) if field else (set(), 0)
    if made == "website":
        by_hand(desk, bot(**STAYING))
    assert differing(one(desk, code=wrong[1])) == wrong[0]
    if made == "connect" and field != "create-ws-token":  # the list's flags have no word for it
        desk.declare(acme(), bot(nonce="unknown", **STAYING))
        found = one(desk, code=wrong[1])
        assert (differing(found), found["source"]) == (wrong[0], "list")


@pytest.mark.parametrize("error", UNCONFIRMED)
def test_a_key_that_may_not_be_used_from_here_is_blocked_and_as_declared(desk, error):
    desk.switch("disallowed-ip-error", error)
    desk.declare(acme(), bot(ipAllowlist=[HOME]))
    assert one(desk.applied())["unasked"].startswith("its allow-list may leave this host out")
    found = one(desk, "--probe")
    assert (found["verdict"], found["differs"], found["source"]) == ("blocked-by-ip", False, "list")
    assert error in found["why"]


def test_keys_with_one_allow_list_are_tried_once(desk):
    several = [key(f"bot-{n}", ipAllowlist=[HOME], consumer={"nonce": "ms"}) for n in range(5)]
    desk.declare(acme(), *several)
    found = verified(desk.applied(), "--probe")
    assert [each["verdict"] for each in found.values()] == ["blocked-by-ip", *["listed"] * 4]
    assert all("same allow-list" in each["unasked"] for each in list(found.values())[1:])


@pytest.mark.parametrize("error", UNCONFIRMED)
def test_a_key_past_its_end_has_expired(desk, error):
    desk.switch("expired-key-error", error)
    desk.declare(acme(), bot(validFor="30d", rotation={"maxAge": "20d"}))
    desk.applied().advance(31 * DAY)
    found = one(desk, code=3)
    assert (found["verdict"], set(rights(found).values())) == ("expired", {"expired"})


def test_a_deleted_key_is_revoked(desk):
    desk.declare(acme(), bot(), key("view"))
    desk.applied()
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    found = verified(desk, code=3)
    assert (found[BOT]["verdict"], found[VIEW]["verdict"]) == ("revoked", "listed")


def test_a_key_that_was_never_issued_is_denied(desk):
    desk.declare(acme(), bot())
    found = one(desk, code=3)
    assert (found["verdict"], found["why"]) == ("denied", "it was never issued")


def test_a_store_that_keeps_another_secret_shows(desk):
    desk.declare(acme(), bot(secret={"store": "main", "path": "one"}))
    desk.applied()
    made = operate.make_key(desk.db, "acme", "other", ["query-funds"])
    operate.revoke_key(desk.db, "acme", "other")
    store = plugins.store(read_workspace(desk.root).stores["main"], desk.root, Credentials(desk.root, {}))
    wrong = replace(desk.entry("one"), public_key=made["apiKey"], secret=Secret(made["secret"]))
    store.put("one", Slot.CURRENT, wrong)
    found = one(desk, code=3)
    assert (found["verdict"], found["source"]) == ("denied", "list")


# What nobody can see


def test_a_key_that_nothing_shows_and_nobody_may_ask_is_unknown(desk):
    declared = bot(nonce="unknown")
    desk.declare(acme(), declared)
    by_hand(desk.applied(), declared)
    found = one(desk, code=1)
    assert (found["verdict"], found["source"], found["seen"]) == ("unknown", "recorded", False)
    assert set(rights(found).values()) == {"unknown"}
    assert {field["agrees"] for field in found["fields"]} == {None}


def test_what_was_not_seen_never_reads_as_clean(desk):
    documents = bot(), key("view")
    desk.declare(acme(), *documents)
    by_hand(desk.applied(), *documents)
    ran = desk.run("verify")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "1 key of 2 is as declared; 1 key could not be seen.")
    assert desk.run("verify", "--require-complete").code == 3
    assert desk.run("verify", VIEW).code == 1
    assert "1 key could not be seen" in desk.run("verify", "-o", "markdown").out


@pytest.mark.parametrize("error", UNCONFIRMED)
def test_a_key_without_a_list_that_is_refused_is_not_guessed_about(desk, error):
    desk.switch("disallowed-ip-error", error)
    declared = bot(ipAllowlist=[HOME])
    desk.declare(acme(), declared)
    by_hand(desk.applied(), declared)
    found = one(desk, code=1)
    assert (found["verdict"], "leaves this host out" in found["why"]) == ("unknown", True)


def test_a_deleted_key_without_a_list_that_any_address_may_use_is_denied(desk):
    documents = bot(), key("view", consumer={"nonce": "s"})
    desk.declare(acme(), *documents)
    by_hand(desk.applied(), *documents)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    found = verified(desk, code=3)
    assert (found[BOT]["verdict"], found[VIEW]["verdict"]) == ("denied", "listed")


@pytest.mark.parametrize("made", ["connect", "website"])
def test_a_lockout_is_told_and_nobody_else_is_asked(desk, made):
    documents = bot(), key("view", consumer={"nonce": "ms"})
    desk.declare(acme(), *documents)
    desk.applied()
    if made == "website":
        by_hand(desk, *documents)
    desk.fault("lockout", account="acme")
    found = verified(desk, code=1 if made == "website" else 0)
    assert {each["verdict"] for each in found.values()} == {"locked-out"}


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_refused_calls_are_counted_and_never_bring_on_a_lockout(desk, failures):
    documents = [key(f"bot-{n}", consumer={"nonce": "ms"}) for n in range(8)]
    desk.declare(acme(), *documents)
    by_hand(desk.applied(), *documents)
    for n in range(7):
        operate.revoke_key(desk.db, "acme", f"bot-{n}.a7.g1")
    found = verified(desk, "--failures", str(failures), code=3 if failures else 1)
    assert [each["verdict"] for each in found.values()].count("denied") == failures
    consume(desk, NonceScale.MILLISECONDS, "ApiKey/acme/bot-7")


def test_no_refused_call_is_repeated_by_later_runs_until_somebody_names_the_key(desk, monkeypatch):
    documents = [key(name, consumer={"nonce": "ms"}) for name in ("alive", "bot-0", "bot-1", "bot-2")]
    desk.declare(acme(), *documents)
    by_hand(desk.applied(), *documents)
    for n in range(3):
        operate.revoke_key(desk.db, "acme", f"bot-{n}.a7.g1")
    first = verified(desk, code=3)
    wire = Wire().install(monkeypatch)
    for _ in range(10):
        desk.advance(1)
        again = verified(desk, code=3)
        assert [each["verdict"] for each in again.values()] == [each["verdict"] for each in first.values()]
    assert wire.calls.count("inspect") == 10, "the living one, once in each run"
    assert "not asked again before" in verified(desk, code=3)["ApiKey/acme/bot-0"]["unasked"]
    wire.clear()
    assert "unasked" in one(desk, "ApiKey/acme/bot-0", code=3)
    assert wire.calls.count("inspect") == 1


def test_a_lockout_is_remembered_and_outlasts_every_wish(desk, monkeypatch):
    documents = bot(), key("view", consumer={"nonce": "ms"})
    desk.declare(acme(), *documents)
    by_hand(desk.applied(), *documents)
    desk.fault("lockout", account="acme")
    assert {each["verdict"] for each in verified(desk, code=1).values()} == {"locked-out"}
    desk.mend()
    wire = Wire().install(monkeypatch)
    assert "is asked before" in one(desk, BOT, code=1)["why"]
    assert "inspect" not in wire.calls
    desk.advance(16 * 60)
    assert one(desk, BOT)["asked"]


def test_a_key_in_the_name_of_ours_is_another_key(desk):
    desk.advance(60)  # creation times tell keys apart
    desk.declare(acme(), bot())
    desk.applied().advance(60)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.switch("list-coverage", "all")
    operate.make_key(desk.db, "acme", "bot.a7.g1", ["query-funds", "modify-trades"])
    assert one(desk, code=3)["verdict"] == "revoked"


def test_an_account_that_cannot_be_listed_blocks_no_other(desk):
    documents = [acme(), bot(), subaccount("desk"), key("view", on="desk", consumer={"nonce": "ms"})]
    desk.declare(*documents)
    desk.applied()
    (desk.root / ".krakenctl/credentials/acme.json").write_text(json.dumps({"access_token": "dead"}))
    assert {at: each["source"] for at, each in verified(desk).items()} == {BOT: "key", "ApiKey/desk/view": "key"}
    accounts = {each["account"]: each for each in desk.run("verify", "-o", "json").json["accounts"]}
    assert (accounts["acme"]["coverage"], bool(accounts["acme"]["reason"])) == ("none", True)
    assert accounts["desk"]["coverage"] == "our-client"


def test_a_credential_of_another_account_is_named(desk):
    desk.declare(acme(), bot())
    desk.applied()
    desk.declare(acme(iiban="AA12 N84G EXAM PLE1"), bot())
    found = one(desk, code=3)
    assert differing(found) == {"account"}


def strayed(desk, address, path):
    """The key of this address was made while somebody was logged in to acme, and typed in for the other account."""
    made = operate.make_key(desk.db, "acme", "stray", ["query-funds"])
    store = plugins.store(read_workspace(desk.root).stores["main"], desk.root, Credentials(desk.root, {}))
    store.put(path, Slot.CURRENT, replace(desk.entry(path), public_key=made["apiKey"], secret=Secret(made["secret"])))
    with closing(sqlite3.connect(desk.state_path)) as connection, connection:
        connection.execute("UPDATE key SET public_key = ? WHERE address = ?", (made["apiKey"], address))


@pytest.mark.parametrize("known", [True, False], ids=["remembered", "nobody knows"])
def test_two_accounts_that_are_one_are_never_read_as_clean(desk, known):
    view = key("view", on="desk", consumer={"nonce": "ms"})
    desk.declare(acme(), bot(), subaccount("desk"), view)
    desk.applied().declare(acme(surface="website"), bot(), subaccount("desk"), view)
    strayed(desk, "ApiKey/desk/view", "desk/view")
    with closing(sqlite3.connect(desk.state_path)) as connection, connection:
        connection.execute("UPDATE account SET iiban = '' WHERE name = 'desk' OR ?", (not known,))
    ran = desk.run("verify", "-o", "json")
    JUDGE.validate(ran.json)
    found = {one["address"]: one for one in ran.json["keys"]}
    assert ran.code == 3
    assert "account" in differing(found["ApiKey/desk/view"])
    assert ("account" in differing(found[BOT])) is not known
    told = {one["account"]: one["mixed"] for one in ran.json["accounts"]}
    assert "which is the account acme" in told["desk"][0]
    assert "which is the account acme" in desk.run("verify", "--under", "desk").out or not known
    planned = desk.run("plan")
    assert (planned.code, "the keys that are kept for desk" in planned.err) == (7, True)


# What is meant


def test_only_what_is_named_is_looked_at(desk):
    desk.declare(acme(), bot(), subaccount("desk"), key("view", on="desk"))
    desk.applied()
    assert verified(desk, BOT).keys() == {BOT}
    assert verified(desk, "--under", "desk").keys() == {"ApiKey/desk/view"}
    assert len(verified(desk, "--under", "Account/acme")) == 2
    assert desk.run("verify", "ApiKey/acme/nobody").code == 64
    assert desk.run("verify", "--under", "nobody").code == 64
    assert desk.run("verify", BOT, "--under", "acme").code == 64


def test_keys_without_a_declaration_are_told(desk):
    desk.declare(acme(), bot(rotation={"overlap": "24h"}), key("view"))
    desk.applied().declare(acme(), bot("query-ledger", rotation={"overlap": "24h"}), key("view"))
    desk.applied().declare(acme(), bot("query-ledger", rotation={"overlap": "24h"}))
    told = {each["address"]: each["why"] for each in desk.run("verify", "-o", "json").json["notCompared"]}
    assert told == {
        BOT: "replaced, and living on until its overlap ends",
        VIEW: "no manifest declares it any more",
    }


def test_it_changes_nothing_and_writes_down_only_what_was_heard(desk):
    desk.declare(acme(), bot())
    before = desk.applied().standing()
    verified(desk, "--probe")
    assert desk.standing() == before


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_no_secret_is_shown(desk, form):
    desk.declare(acme(), bot())
    ran = desk.applied().run("verify", "--probe", "-o", form)
    row = desk.rows()["bot.a7.g1"]
    assert not any(part in ran.out + ran.err for part in (row.secret, row.public_key))


def test_a_rename_that_is_not_applied_yet_makes_no_other_key_of_it(desk):
    desk.declare(acme(), bot())
    desk.applied()
    there = {"metadata": {"formerly": ["bot"]}, "secret": {"path": "acme/bot"}}
    desk.declare(acme(), key("robot", "query-funds", "modify-trades", consumer={"nonce": "ms"}, **there))
    desk.advance(60)
    ran = desk.run("verify", "-o", "json")
    [robot] = ran.json["keys"]
    assert (ran.code, robot["address"], robot["name"]) == (0, "ApiKey/acme/robot", "bot.a7.g1"), ran.out
    assert (robot["verdict"], robot["asked"], ran.json["notCompared"]) == ("listed", True, [])
