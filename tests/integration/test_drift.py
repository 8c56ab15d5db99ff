"""drift: what people do to our keys is named and nothing else is, it agrees with plan, and it changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk import DAY, HOME, NOW, Desk, Wire, account, key, make_desk, stop_time, subaccount
from krakenctl import schema_files
from krakenctl.errors import StoreError
from krakenctl.model.outcome import Result
from krakenctl.model.permission import ON_CONNECT
from krakenctl.model.run import Run
from krakenctl.project import open_project
from krakenctl.sandbox.people import operate
from krakenctl.stores.age import AgeStore
from krakenctl.testing.person import Robot
from krakenctl.workflow import open_desk

JUDGE = jsonschema_rs.validator_for(schema_files.load("drift"))
BOT, VIEW, OLD = "ApiKey/acme/bot", "ApiKey/acme/view", "ApiKey/acme/old"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    stop_time(monkeypatch)
    return make_desk(tmp_path / "w")


def drift(desk: Desk, *args: str, code: int | None = None) -> Any:
    ran = desk.run("drift", "-o", "json", *args)
    document = ran.json
    JUDGE.validate(document)
    assert ran.code == ((2 if document["drifts"] else 0) if code is None else code), ran.out + ran.err
    return document


def kinds(document: Any) -> dict[str, str]:
    """Kind by address, or by name for keys of nobody; two of one are joined with +."""
    found: dict[str, str] = {}
    for each in document["drifts"]:
        handle = each["address"] or each["name"]
        found[handle] = f"{found[handle]}+{each['kind']}" if handle in found else each["kind"]
    return found


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """Two keys and one in its overlap, an hour ago."""
    desk.declare(account(), key("bot"), key("old", rotation={"overlap": "24h"}))
    desk.applied()
    desk.advance(1)  # creation times tell keys apart, as they do elsewhere
    desk.declare(account(), key("bot"), key("view"), key("old", "query-ledger", rotation={"overlap": "24h"}))
    desk.applied().advance(3600)
    return desk


def test_after_an_apply_nothing_drifts_and_what_was_not_seen_is_said(busy: Desk) -> None:
    document = drift(busy, code=0)
    assert document["drifts"] == []
    [sight] = document["coverage"]
    assert (sight["account"], sight["coverage"], sight["keys"]) == ("acme", "our-client", 4)
    told = busy.run("drift").out
    assert "No drift in what was seen." in told
    assert "keys made on the website or by other clients are not" in told


# What a person does

NAMES = {BOT: "bot.a7.g1", VIEW: "view.a7.g1"}
FIELDS = ("permissions", "ipAllowlist", "expires", "queryWindow.from", "queryWindow.to", "nonceWindow")


def as_it_is(desk: Desk, name: str) -> dict[str, Any]:
    """Of a key of the sandbox, everything that the website's form has."""
    with closing(sqlite3.connect(desk.db)) as connection:
        query = (
            "SELECT permissions, ip_allowlist, valid_until, query_from, query_to, nonce_window FROM key WHERE name=?"
        )
        [row] = connection.execute(query, (name,))
    lists = {"permissions": row[0].split(), "ip_allowlist": row[1].split()}
    return lists | dict(zip(("valid_until", "query_from", "query_to", "nonce_window"), row[2:], strict=True))


def other(field: str, now: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The form with this field changed."""
    if field == "permissions":
        codes = st.frozensets(st.sampled_from(sorted(ON_CONNECT)), min_size=1)
        return now | {"permissions": sorted(data.draw(codes.filter(lambda held: held != set(now["permissions"]))))}
    if field == "ipAllowlist":
        return now | {"ip_allowlist": data.draw(st.sampled_from([[], ["192.0.2.7"], [HOME, "198.51.100.0/24"]]))}
    if field == "expires":
        return now | {"valid_until": data.draw(st.sampled_from([0, NOW + 90 * DAY, NOW + 400 * DAY]))}
    name = {"queryWindow.from": "query_from", "queryWindow.to": "query_to", "nonceWindow": "nonce_window"}[field]
    return now | {name: {"query_from": NOW - 9 * DAY, "query_to": NOW + 9 * DAY, "nonce_window": 5}[name]}


@settings(max_examples=25)
@given(data=st.data())
def test_what_people_do_on_the_website_is_named_and_nothing_else_is(scene: Desk, data: st.DataObject) -> None:
    """Each field, renaming, deleting, adding; to any of the keys. And apply mends what drift says that it mends."""
    shutil.copy(scene.root / "before.db", scene.db)
    expected: dict[str, set[str]] = {}
    for address, name in NAMES.items():
        deed = data.draw(st.sampled_from(["nothing", "rename", "delete", *FIELDS, *FIELDS]))
        if deed == "nothing":
            continue
        if deed == "delete":
            operate.revoke_key(scene.db, "acme", name)
            expected[address] = {"missing"}
        elif deed == "rename":
            operate.edit_key(scene.db, "acme", name, renamed=f"My {name}", **as_it_is(scene, name))
            expected[address] = {"renamed"}
        else:
            operate.edit_key(scene.db, "acme", name, **other(deed, as_it_is(scene, name), data))
            expected[address] = {deed}
    if data.draw(st.booleans()):
        operate.make_key(scene.db, "acme", "by-hand", ["query-funds"])
        expected["by-hand"] = {"unmanaged"}
    document = drift(scene)
    assert told(document) == expected
    mended = any(each["mends"] == "apply" for each in document["drifts"])
    assert mended == bool(scene.changes())


def told(document: Any) -> dict[str, set[str]]:
    """By key, the fields that changed, or else the kind."""
    found: dict[str, set[str]] = {}
    for each in document["drifts"]:
        handle = each["address"] or each["name"]
        found.setdefault(handle, set()).update([row["field"] for row in each["fields"]] or [each["kind"]])
    return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Keys that the list shows all of; `before.db` is the sandbox before anybody meddled."""
    desk = make_desk(tmp_path_factory.mktemp("drift") / "w")
    desk.switch("list-coverage", "all")
    desk.declare(account(), key("bot"))
    desk.applied().advance(30)
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().advance(30)
    for row in list(desk.rows().values()):
        if not row.client:  # the master's own key, which has nothing to do with this
            operate.revoke_key(desk.db, "acme", row.name)
    shutil.copy(desk.db, desk.root / "before.db")
    return desk


# Nothing is changed


def test_it_asks_for_each_list_once_and_changes_nothing(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    operate.revoke_key(busy.db, "acme", "bot.a7.g1")
    before = busy.state_path.read_bytes(), busy.slots(), busy.rows()
    wire = Wire().install(monkeypatch)
    drift(busy)
    assert set(wire.calls) <= {"time", "who", "list"}
    assert wire.calls.count("list") == 1
    assert (busy.state_path.read_bytes(), busy.slots(), busy.rows()) == before


def test_no_secret_is_in_any_of_its_outputs(busy: Desk) -> None:
    operate.revoke_key(busy.db, "acme", "bot.a7.g1")
    secrets = [row.secret for row in busy.rows().values()]
    for output in ("text", "json", "markdown"):
        ran = busy.run("drift", "-o", output)
        assert not [secret for secret in secrets if secret in ran.out + ran.err]


# What is told beside


def test_when_somebody_changed_a_key_and_when_we_last_did(busy: Desk) -> None:
    more = [HOME, "198.51.100.7"]
    overlap = {"rotation": {"overlap": "24h"}}
    busy.declare(account(), key("bot", ipAllowlist=more), key("view"), key("old", "query-ledger", **overlap))
    busy.applied().advance(3600)
    operate.edit_key(busy.db, "acme", "bot.a7.g1", **as_it_is(busy, "bot.a7.g1") | {"ip_allowlist": []})
    [found] = drift(busy)["drifts"]
    assert (found["sent"], found["modified"]) == ("2027-01-15T09:00:01Z", "2027-01-15T10:00:01Z")
    [row] = found["fields"]
    assert (row["desired"], row["recorded"], row["live"]) == (sorted(more), sorted(more), ["any"])


def test_a_secret_that_is_gone_from_the_store(busy: Desk) -> None:
    (busy.root / "secrets/acme/bot/current.age").unlink()
    assert kinds(drift(busy)) == {BOT: "no-secret"}


def test_on_a_host_that_cannot_read_the_store_a_taken_slot_is_no_drift(busy: Desk) -> None:
    (busy.root / ".krakenctl/identity.txt").unlink()
    drift(busy, code=0)


def test_a_store_that_cannot_be_looked_into_is_said(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(AgeStore, "exists", fail)
    document = drift(busy)
    assert document["drifts"] == []
    assert "the store main cannot be looked into" in document["unread"][0]


def test_an_account_that_is_another_one_is_told_and_the_others_are_looked_at(desk: Desk) -> None:
    pinned = account(iiban="AA99 N84G EXAM PLE9")
    desk.declare(account(), subaccount("desk"), key("bot", on="desk"))
    desk.apply()
    desk.apply()
    desk.declare(pinned, subaccount("desk"), key("bot", on="desk", ipAllowlist=["192.0.2.1"]))
    assert kinds(drift(desk)) == {"Account/acme": "account", "ApiKey/desk/bot": "undeployed"}


def test_keys_on_the_website_tell_of_themselves_what_a_person_changed(desk: Desk) -> None:
    everywhere = {"ipAllowlist": "any", "validFor": "180d"}
    desk.declare(account(surface="website", keyDefaults=everywhere), key("bot", consumer={"nonce": "ms"}))
    assert kinds(drift(desk)) == {BOT: "undeployed"}
    applied_by(Robot(desk.db), desk)
    [sight] = drift(desk, code=0)["coverage"]
    assert (sight["coverage"], sight["unasked"]) == ("held", {})
    desk.advance(600)
    edited = as_it_is(desk, "bot.a7.g1") | {"nonce_window": 5}
    operate.edit_key(desk.db, "acme", "bot.a7.g1", renamed="Mine", **edited)
    document = drift(desk)
    changed, renamed = document["drifts"]
    assert kinds(document) == {BOT: "changed+renamed"}
    assert [row["field"] for row in changed["fields"]] == ["nonceWindow"]
    assert (renamed["name"], "is called “Mine” now" in renamed["message"]) == ("bot.a7.g1", True)
    assert "was renamed by a person: Kraken calls it “Mine”" in desk.run("plan").out


def test_what_could_not_be_asked_never_reads_as_clean(desk: Desk) -> None:
    everywhere = {"ipAllowlist": "any", "validFor": "180d"}
    bot = key("bot", consumer={"nonce": "ms"})
    desk.declare(account(surface="website", keyDefaults=everywhere), bot)
    applied_by(Robot(desk.db), desk)
    desk.declare(account(surface="website", keyDefaults=everywhere), bot, key("view"))
    applied_by(Robot(desk.db), desk)
    assert drift(desk, code=0)["coverage"][0]["unasked"].keys() == {"view.a7.g1"}
    assert "No drift in what was seen; 1 key could not be asked, and is taken as recorded." in desk.run("drift").out
    edited = as_it_is(desk, "view.a7.g1") | {"permissions": ["withdraw-funds"]}
    operate.edit_key(desk.db, "acme", "view.a7.g1", **edited)
    [found] = drift(desk, "ApiKey/acme/view", code=0)["coverage"]
    assert "consumer.nonce" in found["unasked"]["view.a7.g1"]
    desk.declare(account(surface="website", keyDefaults=everywhere), bot, key("view", "query-ledger"))
    [told] = drift(desk)["drifts"]
    [row] = told["fields"]
    assert (told["kind"], row["field"], row["live"], row["asked"]) == ("undeployed", "permissions", None, False)
    assert "live not asked" in desk.run("drift").out


def test_an_account_of_which_no_key_could_be_asked_is_unseen(desk: Desk) -> None:
    desk.declare(account(surface="website", keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), key("bot"))
    applied_by(Robot(desk.db), desk)
    [found] = drift(desk)["drifts"]
    assert (found["kind"], "none of them could be asked" in found["message"]) == ("unseen", True)
    assert "declare consumer.nonce" in found["do"]
    assert drift(desk, "--ignore", "unseen", code=0)["ignored"] == {"unseen": 1}


def applied_by(robot: Robot, desk: Desk) -> None:
    with open_desk(open_project(desk.root), person=robot) as opened:
        run = Run(id="1", who="ann", host="here", command="apply")
        with opened.lease(run):
            report = opened.apply(opened.plan(), lambda _: None, lambda _: None, lambda: False)
    assert [outcome.result for outcome in report.outcomes] == [Result.DONE]


def test_a_replaced_key_past_its_overlap_is_told_until_it_is_revoked(busy: Desk) -> None:
    busy.advance(DAY)
    [found] = drift(busy)["drifts"]
    assert (found["kind"], found["name"], found["mends"]) == ("retired", "old.a7.g1", "apply")
    assert busy.run("tick").code == 0
    drift(busy, code=0)


def test_what_a_run_began_and_did_not_finish(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The issued key is stored, and the run dies before its promotion."""
    desk.declare(account(), key("bot"))
    with monkeypatch.context() as patch:
        patch.setattr(AgeStore, "promote", _die)
        with pytest.raises(Death):
            desk.apply()
    [found] = drift(desk)["drifts"]
    assert (found["kind"], found["address"], found["mends"]) == ("unfinished", BOT, "recover")
    assert desk.run("recover").code == 0
    drift(desk, code=0)


class Death(BaseException):
    """Nothing of ours catches it."""


def _die(*_: object) -> None:
    raise Death


# What is asked


def test_addresses_and_accounts_narrow_it(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().declare(account(), subaccount("desk"), key("bot"), key("view"))
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    operate.revoke_key(desk.db, "acme", "view.a7.g1")
    assert kinds(drift(desk, BOT)) == {BOT: "missing"}
    assert set(kinds(drift(desk, "--under", "acme"))) == {BOT, VIEW, "SubAccount/desk"}
    assert set(kinds(drift(desk, "--under", "SubAccount/desk"))) == {"SubAccount/desk"}
    assert [sight["account"] for sight in drift(desk, "--under", "desk")["coverage"]] == ["desk"]


def test_what_is_left_out_is_counted(busy: Desk) -> None:
    operate.revoke_key(busy.db, "acme", "bot.a7.g1")
    document = drift(busy, "--ignore", "missing", code=0)
    assert (document["drifts"], document["ignored"]) == ([], {"missing": 1})
    assert "Left out, as asked for: 1 missing." in busy.run("drift", "--ignore", "missing").out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["ApiKey/acme/nobody"], "nothing is declared or recorded as ApiKey/acme/nobody"),
        (["--under", "nowhere"], "no account is called “nowhere”"),
        (["bot"], "did you mean ApiKey/acme/bot?"),
        (["--within", "soon"], "not a duration"),
        (["--ignore", "everything"], "everything"),
    ],
)
def test_what_there_is_not_is_a_usage_error(busy: Desk, args: list[str], says: str) -> None:
    ran = busy.run("drift", *args)
    assert ran.code == 64
    assert says in " ".join(ran.err.split())


def test_each_flag_has_a_variable(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    operate.revoke_key(busy.db, "acme", "bot.a7.g1")
    busy.advance(100 * DAY)
    monkeypatch.setenv("KRAKENCTL_DRIFT_WITHIN", "400d")
    monkeypatch.setenv("KRAKENCTL_DRIFT_IGNORE", "retired missing")
    assert set(kinds(drift(busy)).values()) == {"expires-soon"}


def test_foreign_names_forge_no_markdown(busy: Desk) -> None:
    busy.switch("list-coverage", "all")
    operate.make_key(busy.db, "acme", "x|<b>`@everyone", ["query-funds"])
    out = busy.run("drift", "-o", "markdown").out
    assert "<b>" not in out.replace("`acme: x¦<b>'@everyone`", "")
    rows = [line for line in out.splitlines() if line.startswith("| unmanaged")]
    assert all(line.replace("\\|", "").count("|") == 5 for line in rows)
