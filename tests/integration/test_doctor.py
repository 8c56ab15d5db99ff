"""`krakenctl doctor` on whole workspaces: each trouble alone, and beside it everything else as it was."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests

from desk import DAY, Deed, Desk, Doc, Wire, account, error_string, key, lost_after, make_desk, stop_time, subaccount
from krakenctl import schema_files
from krakenctl.model.description import NonceScale
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.people import operate
from krakenctl.sandbox.server import Server
from krakenctl.surfaces.kraken.own_key import OwnKey
from krakenctl.tasks.diagnosis import run as diagnosis
from krakenctl.tasks.diagnosis.check import Check
from krakenctl.transport.http import Http
from krakenctl.transport.wsgi import WsgiAdapter
from krakenctl.wiring.exchange import SANDBOX_URL
from krakenctl.wiring.opening import state_home
from postgres import DSN
from postgres import Server as Database
from running import ROOT, Ran, krakenctl

JUDGE = jsonschema_rs.validator_for(schema_files.load("diagnosis"))


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A workspace in which all is well. To be copied, not changed."""
    desk = make_desk(tmp_path_factory.mktemp("well"))
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}), key("view"))
    return desk.applied()


@pytest.fixture
def desk(well: Desk, tmp_path: Path) -> Desk:
    return well.copy(tmp_path / "desk")


def _doctor(desk: Desk, *args: str) -> Ran:
    ran = desk.run("doctor", "-o", "json", *args)
    JUDGE.validate(ran.json)
    return ran


def _troubles(desk: Desk, *args: str) -> dict[str, set[str]]:
    """Verdicts by check, of what is not well."""
    found: dict[str, set[str]] = {}
    for result in _doctor(desk, *args).json["results"]:
        if result["verdict"] != "ok":
            found.setdefault(result["check"], set()).add(result["verdict"])
    return found


def _told(desk: Desk, check: str, *args: str) -> str:
    results = _doctor(desk, *args).json["results"]
    return "\n".join(f"{r['message']} {r.get('hint', '')}" for r in results if r["check"] == check)


def test_where_all_is_well_nothing_is_told_nor_changed(desk: Desk) -> None:
    before = {file: file.stat().st_mtime_ns for file in desk.root.rglob("*") if file.is_file()}
    ran = _doctor(desk)
    assert ran.code == 0
    assert {result["verdict"] for result in ran.json["results"]} == {"ok"}
    after = {file: file.stat().st_mtime_ns for file in desk.root.rglob("*") if file.is_file()}
    passing = {desk.db, desk.state_path}  # SQLite's own files beside them come and go
    assert {f: t for f, t in before.items() if not _beside(f, passing)} == {
        f: t for f, t in after.items() if not _beside(f, passing)
    }


def _beside(file: Path, databases: set[Path]) -> bool:
    return any(file.name.startswith(database.name) for database in databases)


def test_it_asks_the_exchange_a_few_times_and_tells_how_often(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire().install(monkeypatch)
    told = _doctor(desk).json["calls"]
    assert told == len(wire.calls) == 7
    assert sorted(set(wire.calls)) == ["GET /0/public/SystemStatus", "inspect", "list", "time", "who"]


def test_offline_it_calls_nobody_and_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire().install(monkeypatch)
    assert _troubles(desk, "--offline") == {
        name: {"skipped"} for name in ("endpoint", "clock", "status", "token", "own-key")
    }
    assert not wire.calls
    assert _doctor(desk, "--offline", "--strict").code == 0


def test_with_write_each_store_gets_a_canary_and_loses_it(desk: Desk) -> None:
    before = desk.slots()
    assert "canary" in _told(desk, "store", "--write")
    assert "canary" not in _told(desk, "store")
    assert desk.slots() == before


# Troubles: what is done to a workspace, and what is told of it


def _token(desk: Desk) -> Path:
    return desk.root / ".krakenctl/credentials/acme.json"


def _token_open_to_others(desk: Desk) -> None:
    _token(desk).chmod(0o644)


def _token_gone(desk: Desk) -> None:
    _token(desk).unlink()


def _token_refused(desk: Desk) -> None:
    _token(desk).write_text("dead")


def _token_without_scope(desk: Desk) -> None:
    document = json.loads(_token(desk).read_text())
    _token(desk).write_text(json.dumps(document | {"scope": "account.info:basic account.fast-api-key:read"}))


def _token_of_another_account(desk: Desk) -> None:
    desk.declare(account(iiban="AA12 N84G EXAM PLE1"), key("bot"), key("view"))


def _own_key(desk: Desk, *permissions: str, **spec: Any) -> None:
    made = operate.make_key(desk.db, "acme", "own", permissions, **spec)
    place = desk.root / ".krakenctl/credentials/acme.key.json"
    place.write_text(json.dumps({"apiKey": made["apiKey"], "secret": made["secret"]}))


def _own_key_too_weak(desk: Desk) -> None:
    _own_key(desk, "query-funds")
    desk.declare(account(), subaccount("desk-b"), key("bot"), key("view"))


def _own_key_not_from_here(desk: Desk) -> None:
    _own_key(desk, "withdraw-funds", ip_allowlist=("198.51.100.7",))


def _own_key_in_use_by_others(desk: Desk) -> None:
    made = json.loads((desk.root / ".krakenctl/credentials/acme.key.json").read_text())
    sandbox = open_sandbox(desk.db)
    http = Http(SANDBOX_URL, WsgiAdapter(sandbox, on_close=sandbox.close))
    pair = KeyPair(public_key=made["apiKey"], secret=Secret(made["secret"]))
    OwnKey(http, pair, lambda: 4_000_000_000 * 10**9).describe(NonceScale.NANOSECONDS)
    http.close()


def _identity_gone(desk: Desk) -> None:
    (desk.root / ".krakenctl/identity.txt").unlink()


def _recipients_gone(desk: Desk) -> None:
    (desk.root / "recipients.txt").unlink()


def _secret_gone(desk: Desk) -> None:
    shutil.rmtree(desk.root / "secrets/acme/bot")


def _secrets_open_to_others(desk: Desk) -> None:
    (desk.root / "secrets/acme/bot/current.age").chmod(0o666)


def _state_damaged(desk: Desk) -> None:
    for file in desk.state_path.parent.glob("state.db*"):
        file.write_bytes(b"not a database, and longer than a header would be " * 99)


def _state_open_to_others(desk: Desk) -> None:
    desk.state_path.chmod(0o644)


def _page_damaged(desk: Desk) -> None:
    """One that nothing else reads."""
    with closing(sqlite3.connect(desk.state_path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("CREATE TABLE t (a INTEGER, b TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(n, "x" * 50) for n in range(500)])
        connection.execute("CREATE INDEX i ON t (b)")
        connection.commit()
        connection.execute("UPDATE sqlite_master SET sql = 'CREATE INDEX i ON t (a)' WHERE name = 'i'")
        connection.commit()


def _log_tampered(desk: Desk) -> None:
    with closing(sqlite3.connect(desk.state_path)) as connection:
        connection.execute("UPDATE log SET line = replace(line, 'apply', 'other') WHERE seq = 2")
        connection.commit()


def _retired_too_long(desk: Desk) -> None:
    desk.declare(account(), key("bot", "query-ledger", rotation={"overlap": "24h"}), key("view"))
    desk.applied().advance(2 * DAY)


def _past_its_end(desk: Desk) -> None:
    desk.advance(200 * DAY)


def _sandbox_gone(desk: Desk) -> None:
    for file in desk.db.parent.glob("sandbox.db*"):
        file.unlink()


def _sandbox_damaged(desk: Desk) -> None:
    for file in desk.db.parent.glob("sandbox.db*"):
        file.write_bytes(b"not a database, and longer than a header would be " * 99)


def _manifests_wrong(desk: Desk) -> None:
    (desk.root / "manifests/all.yaml").write_text("kind: [")


def _another_version_wanted(desk: Desk) -> None:
    desk.settings(requiredVersion=">=99")


def _schema_of_another_version(desk: Desk) -> None:
    (desk.root / ".krakenctl/krakenctl.schema.json").write_text("{}")


def _schema_line_astray(desk: Desk) -> None:
    manifest = desk.root / "manifests/all.yaml"
    manifest.write_text("# yaml-language-server: $schema=../gone.json\n" + manifest.read_text())


PROBLEM, WARNING, UNKNOWN = {"problem"}, {"warning"}, {"unknown"}
BLIND = dict.fromkeys(("secret", "lease", "recovery", "refusal", "overdue", "log"), UNKNOWN)
DEAF = dict.fromkeys(("endpoint", "clock", "status", "token", "own-key"), UNKNOWN)

TROUBLES: list[tuple[Callable[[Desk], None], dict[str, set[str]], str]] = [
    (_token_open_to_others, {"credential": PROBLEM}, "chmod 600"),
    (_token_gone, {"credential": PROBLEM}, "krakenctl init"),
    (_token_refused, {"token": PROBLEM}, "authorise"),
    (_token_without_scope, {"token": PROBLEM}, "lacks the scope account.fast-api-key:funds-query"),
    (_token_of_another_account, {"token": PROBLEM, "own-key": PROBLEM}, "AA12 N84G EXAM PLE1 is the one we know"),
    (_own_key_too_weak, {"own-key": PROBLEM}, "lacks withdraw-funds"),
    (_own_key_not_from_here, {"own-key": PROBLEM}, "from an address it does not allow"),
    (_own_key_in_use_by_others, {"own-key": PROBLEM}, "another program uses this key"),
    (_identity_gone, {"store": PROBLEM, "secret": PROBLEM}, "identity"),
    (_recipients_gone, {"store": PROBLEM, "secret": PROBLEM}, "recipients.txt"),
    (_secret_gone, {"secret": PROBLEM}, "krakenctl rotate ApiKey/acme/bot"),
    (_secrets_open_to_others, {"store": WARNING}, "others may overwrite 1 file"),
    (_state_damaged, {"state": PROBLEM, **BLIND}, "backup"),
    (_state_open_to_others, {"state": WARNING}, "chmod 600"),
    (_page_damaged, {"state": PROBLEM}, "damaged"),
    (_log_tampered, {"log": PROBLEM}, "line 3 does not follow line 2"),
    (_retired_too_long, {"overdue": WARNING}, "krakenctl tick"),
    (_past_its_end, {"overdue": PROBLEM}, "has no successor"),
    (_sandbox_gone, {"sandbox": PROBLEM, **DEAF}, "krakenctl init"),
    (_sandbox_damaged, {"sandbox": PROBLEM, **DEAF}, "sandbox.db"),
    (_manifests_wrong, {"manifests": PROBLEM}, "krakenctl validate"),
    (_another_version_wanted, {"version": PROBLEM, "manifests": PROBLEM}, "wants krakenctl >=99"),
    (_schema_of_another_version, {"schema": WARNING}, "krakenctl init"),
    (_schema_line_astray, {"schema": WARNING}, "leads nowhere"),
]


@pytest.mark.parametrize(("harm", "wanted", "says"), TROUBLES, ids=[each[0].__name__[1:] for each in TROUBLES])
def test_a_trouble_is_told_and_hides_no_other(
    desk: Desk, harm: Callable[[Desk], None], wanted: dict[str, set[str]], says: str
) -> None:
    harm(desk)
    assert _troubles(desk) == wanted
    assert says in "\n".join(_told(desk, check) for check in wanted)
    assert _doctor(desk).code == (1 if "problem" in set().union(*wanted.values()) else 0)
    assert _doctor(desk, "--strict").code == 1
    text = desk.run("doctor")
    assert says.split(" ", maxsplit=1)[0] in text.out


def test_no_sandbox_is_made_where_one_is_missing(desk: Desk) -> None:
    _sandbox_gone(desk)
    _doctor(desk)
    assert not desk.db.exists()


def test_every_trouble_at_once_is_still_told(desk: Desk) -> None:
    for harm in (_own_key_too_weak, _secret_gone, _token_open_to_others, _log_tampered, _schema_of_another_version):
        harm(desk)
    assert set(_troubles(desk)) == {"own-key", "secret", "credential", "log", "schema"}


def test_a_check_that_breaks_hides_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(diagnosis, "CHECKS", (Check("version", "krakenctl", broken), *diagnosis.CHECKS[1:]))
    assert _troubles(desk) == {"version": UNKNOWN}
    assert "ZeroDivisionError" in _told(desk, "version")


def test_what_an_interrupted_run_has_left_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.declare(account(), key("bot"), key("view"), key("third"))

    def lost(request: requests.PreparedRequest, deed: Deed) -> requests.Response:
        return lost_after(request, deed) if request.method == "POST" else deed()

    wire = Wire().install(monkeypatch)
    wire.faults = dict.fromkeys(range(50), lost)
    desk.apply()
    wire.clear()
    assert desk.recorded().intents
    assert set(_troubles(desk)) == {"recovery"}
    assert set(_troubles(desk, "--offline")) >= {"recovery"}


def test_an_account_that_kraken_has_locked_is_asked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire().install(monkeypatch)
    wire.faults[4] = error_string("EGeneral:Temporary lockout")
    assert _troubles(desk) == {"token": PROBLEM, "own-key": UNKNOWN}
    assert "inspect" not in wire.calls


def test_while_kraken_is_known_to_have_locked_an_account_its_key_is_left_alone(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire().install(monkeypatch)
    wire.faults[4] = error_string("EGeneral:Temporary lockout")
    _doctor(desk)
    wire.clear()
    assert _troubles(desk) == {"own-key": UNKNOWN, "refusal": WARNING}
    assert "none of its keys is asked before" in _told(desk, "refusal")
    assert "inspect" not in wire.calls
    desk.advance(15 * 60 + 120)
    assert _troubles(desk) == {}


def test_krakenctls_own_key_is_refused_once_and_told_until_somebody_asks_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _own_key_not_from_here(desk)
    wire = Wire().install(monkeypatch)
    assert [_troubles(desk) for _ in range(3)] == [{"own-key": PROBLEM}] * 3
    assert wire.calls.count("inspect") == 1
    assert "doctor --again" in _told(desk, "own-key")
    assert "--again" not in _told(desk, "own-key", "--again")
    assert wire.calls.count("inspect") == 2


def test_keys_that_were_refused_from_this_host_are_told_and_not_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    everywhere = {"ipAllowlist": "any", "validFor": "180d"}
    keys = key("bot", consumer={"nonce": "ms"}), key("view", consumer={"nonce": "ms"})
    desk.declare(account(surface="website", keyDefaults=everywhere), *keys)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    operate.edit_key(desk.db, "acme", "view.a7.g1", ["query-funds"])
    desk.run("verify")
    wire = Wire().install(monkeypatch)
    told = _told(desk, "refusal")
    assert ("bot.a7.g1 was refused from this host" in told, "krakenctl verify ApiKey/acme/bot" in told) == (True, True)
    assert wire.calls.count("inspect") == 1, "krakenctl's own key alone"


def test_while_an_account_is_locked_nobody_is_told_to_ask_its_keys(desk: Desk) -> None:
    everywhere = {"ipAllowlist": "any", "validFor": "180d"}
    keys = key("bot", consumer={"nonce": "ms"}), key("view", consumer={"nonce": "ms"})
    desk.declare(account(surface="website", keyDefaults=everywhere), *keys)
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.run("verify")
    assert "`krakenctl verify ApiKey/acme/bot` asks it now" in _told(desk, "refusal", "--offline")
    desk.advance(60)
    desk.fault("lockout", account="acme")
    assert "locked" in desk.run("verify", "ApiKey/acme/view").out
    told = _told(desk, "refusal", "--offline")
    assert ("asks it once its account is locked no more" in told, "asks it now" in told) == (True, False), told


def test_a_full_row_of_refused_calls_is_told_though_its_keys_are_forgotten(desk: Desk):
    with closing(state_home(desk.root).open()) as state:
        for _ in range(3):
            state.count_refused("acme", int(clock.now(desk.db)))
    assert "3 calls of acme were refused in a row" in _told(desk, "refusal", "--offline")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_whoever_follows_the_advice_about_a_refused_key_has_it_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` asks no key of whose program nobody says what it sends."""

    def declare(nonce: str) -> None:
        everywhere = {"ipAllowlist": "any", "validFor": "180d"}
        keys = (key(name, consumer={"nonce": nonce}) for name in ("bot", "view"))
        desk.declare(account(surface="website", keyDefaults=everywhere), *keys)

    declare("ms")
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    desk.run("verify")
    declare("unknown")
    assert "`krakenctl inspect ApiKey/acme/bot --alive`" in _told(desk, "refusal")
    wire = Wire().install(monkeypatch)
    desk.run("inspect", "ApiKey/acme/bot", "--alive")
    assert wire.calls.count("inspect") == 1


def test_where_people_make_the_keys_nobody_is_sent_to_tick(desk: Desk) -> None:
    desk.declare(account(surface="website"), key("bot"), key("view"))
    desk.advance(200 * DAY)
    told = _told(desk, "overdue")
    assert ("has no successor" in told, "krakenctl apply" in told, "tick" in told) == (True, True, False)


def test_what_git_would_commit_is_told(desk: Desk) -> None:
    def git(*args: str) -> None:
        subprocess.run(["git", "-c", "init.defaultBranch=main", *args], cwd=desk.root, check=True, capture_output=True)

    git("init")
    assert _troubles(desk) == {}
    (desk.root / ".gitignore").unlink()
    assert _troubles(desk) == {"git": WARNING}
    git("add", ".krakenctl/identity.txt")
    assert "committed to git" in _told(desk, "git")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_what_gitignore_names_and_somebody_has_added_all_the_same_is_told_as_committed_only(desk: Desk) -> None:
    for args in (("init",), ("add", "--force", ".krakenctl")):
        subprocess.run(["git", *args], cwd=desk.root, check=True, capture_output=True)
    told = _told(desk, "git")
    assert ("committed to git" in told, "not ignored" in told) == (True, False), told


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_an_env_file_with_a_secret_that_git_would_commit_is_told(desk: Desk) -> None:
    subprocess.run(["git", "init"], cwd=desk.root, check=True, capture_output=True)
    (desk.root / ".env.example").write_text("KRAKEN_API_SECRET=\n")
    assert _troubles(desk) == {}
    (desk.root / ".env.bot").write_text(f"export KRAKEN_API_SECRET='{'c2Vj' * 22}'\n")
    assert _troubles(desk) == {"git": WARNING}
    assert "add a line to .gitignore: .env.bot" in _told(desk, "git")
    with (desk.root / ".gitignore").open("a") as file:
        file.write("\n.env.bot\n")
    assert _troubles(desk) == {}


def test_nobody_is_told_to_make_another_identity_where_secrets_need_the_old_one(desk: Desk) -> None:
    _identity_gone(desk)
    for check in ("store", "secret"):
        told = _told(desk, check)
        assert ("restore it from your backup" in told, "create it" in told) == (True, False)


def test_no_secret_is_shown(desk: Desk) -> None:
    texts = [json.loads(file.read_text()) for file in desk.root.glob(".krakenctl/credentials/*.json")]
    secrets = [value for text in texts for value in text.values() if isinstance(value, str) and len(value) > 30]
    secrets += [row.secret for row in desk.rows().values()]
    told = "".join((desk.run("doctor").out, _doctor(desk).out, desk.run("doctor", "--write").err))
    assert len(secrets) >= 3
    assert not [secret for secret in secrets if secret in told]


def test_a_fleet_of_sub_accounts(desk: Desk) -> None:
    documents: list[Doc] = [account(), key("bot"), key("view"), *(subaccount(f"desk-{n}") for n in range(6))]
    desk.declare(*documents)
    desk.applied()
    assert _troubles(desk) == {}
    assert "7 are well" in desk.run("doctor").out
    (desk.root / ".krakenctl/credentials/desk-3.json").write_text("dead")
    assert _troubles(desk) == {"token": PROBLEM}


def test_against_an_exchange_that_is_no_sandbox_it_is_stricter(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    token = workspace / ".krakenctl/credentials/acme.json"
    token.write_text(json.dumps(json.loads(token.read_text()) | {"expires_in": 1800}))
    settings = workspace / "krakenctl.yaml"
    with Server(workspace / ".krakenctl/sandbox.db") as server:
        settings.write_text(settings.read_text().replace("endpoint: sandbox", f"endpoint: {server.url}"))
        ran = krakenctl("-C", workspace, "doctor", "-o", "json")
    JUDGE.validate(ran.json)
    assert ran.code == 0
    told = {(each["check"], each["message"]) for each in ran.json["results"] if each["verdict"] == "warning"}
    assert {check for check, _ in told} == {"credential", "own-key"}
    assert "any address may use it, and it can move money" in {message for _, message in told}
    assert any("the token ends in about" in message for _, message in told)
    assert all("ms" in each["message"] for each in ran.json["results"] if each["check"] == "endpoint")


def test_where_people_make_the_keys_no_token_is_missed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.declare(account(), account("solo", surface="website"), key("bot"), key("view"), key("own", on="solo"))
    assert _troubles(desk) == {}
    checks = [each for each in _doctor(desk).json["results"] if each.get("about") == "solo"]
    assert {each["check"] for each in checks} <= {"own-key"}


def test_a_state_that_hosts_share_is_looked_at_too(
    tmp_path: Path, postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_time(monkeypatch)
    monkeypatch.setenv(DSN, postgres.fresh_database("doctor"))
    desk = make_desk(tmp_path)
    desk.settings(state={"type": "postgres", "dsn": f"env:{DSN}"})
    desk.declare(account(), key("bot"))
    desk.applied()
    assert _troubles(desk) == {}
    assert "in postgres" in _told(desk, "state")
    monkeypatch.setenv(DSN, "host=127.0.0.1 port=1 dbname=doctor")
    assert _troubles(desk) == {"state": PROBLEM, **BLIND}


def _forget(desk: Desk) -> None:
    for file in desk.root.glob(".krakenctl/state*"):
        file.unlink()


@pytest.mark.parametrize("offline", [(), ("--offline",)], ids=["asked", "offline"])
def test_a_state_that_is_lost_is_a_problem(desk: Desk, offline: tuple[str, ...]) -> None:
    _forget(desk)
    assert _troubles(desk, *offline)["state"] == PROBLEM
    assert "the state is lost, or not on this host: the store main keeps a secret" in _told(desk, "state", *offline)
    assert _told(desk, "secret", *offline), "a check does not vanish"


def test_a_lost_state_shows_in_live_names_too(desk: Desk) -> None:
    _forget(desk)
    desk.declare(account())
    assert "is live on acme with this workspace's tag" in _told(desk, "state")


def test_before_the_first_apply_no_state_is_missed(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.declare(account(), key("bot"))
    assert _troubles(desk) == {}
    assert _told(desk, "secret")


def test_ids_are_those_of_the_schema_and_the_manual() -> None:
    ids = [check.id for check in diagnosis.CHECKS]
    assert ids == schema_files.load("diagnosis")["$defs"]["result"]["properties"]["check"]["enum"]
    assert [each for each in ids if f"`{each}`" not in (ROOT / "docs/doctor.md").read_text()] == []


# Without a workspace


def test_without_a_workspace_it_looks_at_the_way_to_the_exchange(tmp_path: Path, well: Desk) -> None:
    clock_is_ours = tmp_path / "sandbox.db"
    with Server(clock_is_ours) as server:
        ran = krakenctl("-C", tmp_path, "doctor", "-o", "json", "--endpoint", server.url)
        JUDGE.validate(ran.json)
        assert ran.code == 0
        verdicts = {result["check"]: result["verdict"] for result in ran.json["results"]}
        fine = dict.fromkeys(("version", "libraries", "endpoint", "clock", "status"), "ok")
        assert verdicts == {**fine, "workspace": "unknown"}
        clock.advance(clock_is_ours, 3600)
        late = krakenctl("-C", tmp_path, "doctor", "--endpoint", server.url)
    assert late.code == 1
    assert "behind the exchange's" in late.out
    assert "NTP" in late.out
    assert [file.name for file in tmp_path.iterdir() if not file.name.startswith("sandbox")] == []


def test_an_exchange_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = krakenctl("-C", tmp_path, "doctor", "-o", "json", "--endpoint", "http://127.0.0.1:1")
    told = {result["check"]: result for result in ran.json["results"]}
    assert (ran.code, told["endpoint"]["verdict"], told["clock"]["verdict"]) == (1, "problem", "unknown")
    assert "nobody listens there" in told["endpoint"]["message"]


def test_a_workspace_names_its_own_endpoint(desk: Desk) -> None:
    assert desk.run("doctor", "--endpoint", "http://127.0.0.1:1").code == 64


def test_a_workspace_file_that_cannot_be_used_is_explained(desk: Desk) -> None:
    desk.settings(tag="too long")
    assert "krakenctl.yaml:" in desk.run("doctor").out
    found = _troubles(desk)
    assert found.pop("workspace") == PROBLEM
    assert set().union(*found.values()) == UNKNOWN
