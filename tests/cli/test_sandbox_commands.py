"""`krakenctl sandbox …`: which file is meant, what is printed, what is refused. The server has tests of its own."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakenctl import schema_files
from krakenctl.model.permission import Permission
from krakenctl.sandbox import open_sandbox
from krakenctl.sandbox.switches import SWITCHES
from running import Ran, krakenctl
from terminal import on_a_terminal

JUDGE = jsonschema_rs.validator_for(schema_files.load("sandbox"))
GROUPS = {
    "account": ["create", "list"],
    "key": ["create", "list", "revoke"],
    "fault": ["add", "list", "clear", "kinds"],
}
NEED_A_FILE = [
    ["account", "list"],
    ["key", "create", "--account", "acme", "--name", "bot"],
    ["key", "list"],
    ["key", "revoke", "--account", "acme", "--name", "bot"],
    ["token", "--account", "acme"],
    ["switches", "tier=starter"],
    ["clock"],
    ["fault", "list"],
    ["reset", "--db", "sandbox.db"],
]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a sandbox that has the account `acme`."""
    open_sandbox(tmp_path / "sandbox.db").close()
    assert sandbox(tmp_path, "account", "create", "--name", "acme").code == 0
    return tmp_path


def sandbox(here: Path, *args: str) -> Ran:
    return krakenctl("sandbox", *args, cwd=here)


def told(here: Path, *args: str):
    """A command's JSON, which is what its schema says."""
    ran = sandbox(here, *args, "-o", "json")
    assert ran.code == 0, ran
    JUDGE.validate(ran.json)
    return ran.json


def key(here: Path, *flags: str):
    return told(here, "key", "create", "--account", "acme", "--name", "bot", *flags)


# --- help and imports


@pytest.mark.parametrize("path", [[group, name] for group, names in GROUPS.items() for name in names], ids=" ".join)
def test_help_says_what_a_command_does_and_shows_an_example(path: list[str], tmp_path: Path) -> None:
    assert f"krakenctl sandbox {' '.join(path)}" in sandbox(tmp_path, *path, "--help").out.partition("Example:")[2]


def test_help_imports_no_sandbox(tmp_path: Path) -> None:
    code = "import sys; from krakenctl.cli import main; main(['sandbox', 'serve', '-h']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not {"krakenctl.sandbox", "waitress", "jinja2", "sqlite3", "yaml"} & set(done.stdout.split())


def test_the_schema_is_sound_and_has_every_permission() -> None:
    jsonschema_rs.meta.validate(schema_files.load("sandbox"))
    assert schema_files.load("sandbox")["$defs"]["permission"]["enum"] == [code.value for code in Permission]


# --- which file is meant


@pytest.mark.parametrize("args", NEED_A_FILE, ids=lambda args: " ".join(args[:2]))
def test_a_file_that_is_not_there_is_not_made_by_mistake(args: list[str], tmp_path: Path) -> None:
    ran = sandbox(tmp_path, *args)
    assert ran.code == 1
    assert "krakenctl sandbox account create" in ran.err
    assert "sandbox seed" in ran.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("args", [["serve"], ["clock"]], ids=" ".join)
def test_no_folder_is_made_for_a_file(args: list[str], tmp_path: Path) -> None:
    ran = sandbox(tmp_path, *args, "--db", "nowhere/s.db")
    assert (ran.code, "there is no folder nowhere" in ran.err) == (1, True)
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_no_sandbox_is_named_once_and_never_reset_unasked(tmp_path: Path) -> None:
    (tmp_path / "notdb").write_text("dear diary")
    ran = sandbox(tmp_path, "account", "list", "--db", "notdb")
    assert ran.err.count("notdb") == 1
    assert "any other yourself" in " ".join(ran.err.split())


def test_in_a_workspace_its_own_sandbox_is_meant(workspace: Path) -> None:
    [account] = told(workspace, "account", "list")["accounts"]
    assert account["username"] == "acme"


def test_the_workspace_of_a_real_exchange_has_no_sandbox(workspace: Path) -> None:
    settings = workspace / "krakenctl.yaml"
    settings.write_text(settings.read_text().replace("endpoint: sandbox", "endpoint: https://api.kraken.com"))
    ran = sandbox(workspace, "account", "list")
    assert ran.code == 1
    assert "--db" in ran.err


def test_a_named_file_wins_over_the_workspace(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_sandbox(workspace / "other.db").close()
    assert told(workspace, "account", "list", "--db", "other.db")["accounts"] == []
    monkeypatch.setenv("KRAKENCTL_SANDBOX_DB", "other.db")
    assert told(workspace, "account", "list")["accounts"] == []


# --- accounts


def test_an_account_is_set_up_and_listed(here: Path) -> None:
    made = told(
        here, "account", "create", "--name", "acme-mm", "--sub-account-of", "acme", "--email", "mm@acme.example"
    )
    assert (made["iiban"][:2], made["subAccountOf"], made["email"]) == ("AA", "acme", "mm@acme.example")
    del made["format"]
    assert told(here, "account", "list")["accounts"][1] == made
    assert "acme-mm" in sandbox(here, "account", "list").out


@pytest.mark.parametrize(
    "args",
    [("--name", "acme"), ("--name", ""), ("--name", "a\nb"), ("--name", "b", "--sub-account-of", "nobody")],
    ids=["taken", "empty", "two lines", "no master"],
)
def test_an_account_that_cannot_be_is_refused(args: tuple[str, ...], here: Path) -> None:
    assert sandbox(here, "account", "create", *args).code == 64
    assert len(told(here, "account", "list")["accounts"]) == 1


def test_an_unknown_account_is_told_with_those_that_there_are(here: Path) -> None:
    ran = sandbox(here, "key", "create", "--account", "acne", "--name", "bot")
    assert ran.code == 64
    assert "there are: acme" in ran.err


def test_in_an_empty_sandbox_it_is_told_how_to_make_an_account(tmp_path: Path) -> None:
    open_sandbox(tmp_path / "sandbox.db").close()
    assert "account create" in sandbox(tmp_path, "token", "--account", "acme").err


# --- keys


def test_a_key_has_what_its_flags_say(here: Path) -> None:
    made = key(
        here, "--permission", "query-funds", "--permission", "modify-trades", "--ip", "203.0.113.10", "--ip",
        "2001:db8::/32", "--valid-until", "2200-01-01", "--query-from", "2020-01-01", "--query-to",
        "2021-01-01T12:00:00Z", "--nonce-window", "5",
    )  # fmt: skip
    assert made["permissions"] == ["query-funds", "modify-trades"]
    assert made["ipAllowlist"] == ["203.0.113.10", "2001:db8::/32"]
    assert made["validUntil"] == "2200-01-01T00:00:00Z"
    assert (made["queryFrom"], made["queryTo"]) == ("2020-01-01T00:00:00Z", "2021-01-01T12:00:00Z")
    assert made["nonceWindow"] == 5


def test_a_lifetime_begins_on_the_sandboxs_clock(here: Path) -> None:
    told(here, "clock", "--freeze", "2030-01-01")
    assert key(here, "--valid-for", "90d")["validUntil"] == "2030-04-01T00:00:00Z"


def test_all_stands_for_every_permission(here: Path) -> None:
    assert key(here, "--permission", "all")["permissions"] == [code.value for code in Permission]


def test_a_secret_is_shown_once(here: Path) -> None:
    made = key(here)
    listed = sandbox(here, "key", "list", "-o", "json").out + sandbox(here, "key", "list").out
    assert made["secret"] not in listed
    del made["format"], made["secret"]
    assert told(here, "key", "list")["keys"] == [made]


def test_as_text_both_halves_are_on_stdout(here: Path) -> None:
    ran = sandbox(here, "key", "create", "--account", "acme", "--name", "bot")
    public, secret = (line.split()[-1] for line in ran.out.splitlines())
    assert (len(public), len(secret)) == (56, 88)


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (["--permission", "query_funds"], "query-funds"),
        (["--permission", "Query Fund"], "query-funds"),
        (["--permission", "query-funds,modify-trades"], "--permission query-funds --permission modify-trades"),
        (["--ip", "203.0.113.300"], "203.0.113.300"),
        (["--valid-until", "2001-01-01"], "over"),
        (["--valid-until", "soon"], "2027-05-01"),
        (["--valid-for", "90"], "90d"),
        (["--valid-for", "90d", "--valid-until", "2200-01-01"], "one of them"),
        (["--query-from", "2021-01-01", "--query-to", "2020-01-01"], "before its start"),
        (["--otp", "hunter2"], "argument"),  # others can see a command's arguments
        (["--nonce-window", "-1"], "--nonce-window"),
    ],
    ids=lambda flags: " ".join(flags) if isinstance(flags, list) else "",
)
def test_what_the_website_would_refuse_makes_no_key(flags: list[str], word: str, here: Path) -> None:
    ran = sandbox(here, "key", "create", "--account", "acme", "--name", "bot", *flags)
    assert ran.code == 64
    assert word in " ".join(ran.err.split())
    assert told(here, "key", "list")["keys"] == []


def test_a_name_is_given_once_and_free_again_after_a_revoke(here: Path) -> None:
    first = key(here)["apiKey"]
    assert sandbox(here, "key", "create", "--account", "acme", "--name", "bot").code == 64
    assert told(here, "key", "revoke", "--account", "acme", "--name", "bot")["keys"] == []
    assert key(here)["apiKey"] != first


def test_a_full_account_may_have_no_further_key(here: Path) -> None:
    key(here)
    told(here, "switches", "keys-per-account=1")
    assert "no further key" in sandbox(here, "key", "create", "--account", "acme", "--name", "two").err


def test_to_revoke_what_is_not_there_names_what_is(here: Path) -> None:
    key(here)
    assert "it has: bot" in sandbox(here, "key", "revoke", "--account", "acme", "--name", "bat").err


def test_the_keys_of_one_account_are_listed_alone(here: Path) -> None:
    sandbox(here, "account", "create", "--name", "other")
    key(here)
    assert [k["name"] for k in told(here, "key", "list", "--account", "acme")["keys"]] == ["bot"]
    assert told(here, "key", "list", "--account", "other")["keys"] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=300), permission=st.text(max_size=30), ip=st.text(max_size=30))
def test_whatever_is_typed_becomes_a_key_or_a_sentence(here: Path, name: str, permission: str, ip: str) -> None:
    flags = (f"--name={name}", f"--permission={permission}", f"--ip={ip}")
    ran = sandbox(here, "key", "create", "--account", "acme", *flags, "-o", "json")
    assert ran.code in (0, 64)
    assert "format" in ran.json


@pytest.mark.parametrize("flag", ["--account", "--name", "--permission", "--ip"])
def test_bytes_that_are_no_text_are_refused(flag: str, here: Path) -> None:
    flags = {"--account": "acme", "--name": "bot"} | {flag: "\udcff"}
    ran = sandbox(here, "key", "create", *(word for pair in flags.items() for word in pair))
    assert ran.code == 64, ran


def test_a_second_factor_comes_through_a_pipe(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\nmore\n"))
    assert key(here, "--otp")["secondFactor"] == "password"
    assert second_factor(here) == "static:hunter2"


def test_a_second_factor_comes_from_the_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKENCTL_SANDBOX_KEY_OTP", "hunter2")
    key(here)
    assert second_factor(here) == "static:hunter2"


@pytest.mark.parametrize("piped", [b"", b"\n", b"\xff\n", b"x" * 300])
def test_a_second_factor_that_is_none_makes_no_key(here: Path, piped: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(piped), encoding="utf-8"))
    assert sandbox(here, "key", "create", "--account", "acme", "--name", "bot", "--otp").code == 64
    assert told(here, "key", "list")["keys"] == []


def test_a_second_factor_is_asked_for_twice_and_not_shown(here: Path) -> None:
    args = ("sandbox", "key", "create", "--account", "acme", "--name", "bot", "--otp")
    asked, again = "Second factor (not shown): ", "Once more (not shown): "
    mistyped = {asked: "hunter2", again: "hunter3"}
    right = {f"again.\r\n{asked}": "hunter2", f"again.\r\n{asked}\r\n{again}": "hunter2"}
    seen = on_a_terminal(*args, cwd=here, answers=mistyped | right)
    assert seen.code == 0, seen.out
    assert "hunter2" not in seen.out
    assert second_factor(here) == "static:hunter2"


def second_factor(here: Path) -> str:
    with closing(sqlite3.connect(here / "sandbox.db")) as connection:
        [otp] = connection.execute("SELECT otp FROM key WHERE name = 'bot'").fetchone()
    return otp


# --- tokens


def test_a_token_is_what_the_token_endpoint_answers(here: Path) -> None:
    assert told(here, "token", "--account", "acme")["token_type"] == "bearer"
    assert len(sandbox(here, "token", "--account", "acme").out.split()) == 1


def test_a_token_lives_as_long_as_krakens_or_as_long_as_asked(here: Path) -> None:
    assert told(here, "token", "--account", "acme")["expires_in"] == 4 * 3600
    assert told(here, "token", "--account", "acme", "--valid-for", "3650d")["expires_in"] == 3650 * 86400
    sandbox(here, "switches", "access-token-seconds=60")
    assert told(here, "token", "--account", "acme")["expires_in"] == 60


def test_a_tokens_lifetime_that_is_none_is_refused(here: Path) -> None:
    assert "--valid-for" in sandbox(here, "token", "--account", "acme", "--valid-for", "for ever").err


def test_a_word_that_is_no_scope_is_told_with_those_that_there_are(here: Path) -> None:
    assert "there are: account.info:basic" in sandbox(here, "token", "--account", "acme", "--scope", "nope").err
    assert "did you mean funds-query?" in sandbox(here, "token", "--account", "acme", "--scope", "fund-query").err


def test_a_scope_may_be_short(here: Path) -> None:
    assert sandbox(here, "token", "--account", "acme", "--scope", "read", "--scope", "account.info:basic").code == 0


@pytest.mark.parametrize(("flag", "word"), [("--scope", "fund-query"), ("--client", "krakenctl")])
def test_an_unknown_scope_or_client_is_told_with_what_may_be_meant(flag: str, word: str, here: Path) -> None:
    ran = sandbox(here, "token", "--account", "acme", flag, word)
    assert ran.code == 64
    assert "did you mean" in ran.err or "there are" in ran.err


# --- switches, clock, faults, endpoints


def test_every_switch_is_listed_with_its_default_and_source(tmp_path: Path) -> None:
    found = told(tmp_path, "switches")["switches"]
    assert [row["name"] for row in found] == list(SWITCHES)
    assert all(row["value"] == row["default"] and row["source"] for row in found)
    text = sandbox(tmp_path, "switches").out
    assert all(switch.source in text for switch in SWITCHES.values())


def test_switches_are_set_all_or_none_and_reset(here: Path) -> None:
    def standing(*args: str) -> dict[str, str]:
        return {row["name"]: row["value"] for row in told(here, "switches", *args)["switches"]}

    assert standing("tier=starter", "put-null=keep")["tier"] == "starter"
    assert sandbox(here, "switches", "tier=pro", "put-null=nonsense").code == 64
    assert standing()["tier"] == "starter"
    assert standing("--reset", "put-null=keep") == {s.name: s.default for s in SWITCHES.values()} | {"put-null": "keep"}


def test_a_reset_of_the_switches_leaves_the_clock(here: Path) -> None:
    told(here, "clock", "--freeze", "2030-01-01")
    told(here, "switches", "--reset")
    assert told(here, "clock")["frozen"] is True


def test_the_clock_is_frozen_moved_and_let_go(here: Path) -> None:
    assert told(here, "clock", "--freeze", "2030-01-01")["time"] == "2030-01-01T00:00:00Z"
    assert told(here, "clock", "--advance", "90d")["time"] == "2030-04-01T00:00:00Z"
    assert told(here, "clock", "--run")["frozen"] is False
    assert told(here, "clock", "--offset", "-30s")["offset"] == -30
    assert told(here, "clock", "--offset", "0")["offset"] == 0
    assert told(here, "clock", "--freeze", "now")["frozen"] is True
    assert "frozen" in sandbox(here, "clock").out


@pytest.mark.parametrize(
    "flags", [["--advance", "soon"], ["--offset", "--30s"], ["--freeze", "x"], ["--run", "--advance", "1d"]]
)
def test_a_clock_that_cannot_be_moved_so_stays(flags: list[str], here: Path) -> None:
    told(here, "clock", "--freeze", "2030-01-01")
    assert sandbox(here, "clock", *flags).code == 64
    assert told(here, "clock")["time"] == "2030-01-01T00:00:00Z"


def test_faults_are_added_listed_and_cleared(here: Path) -> None:
    added = told(
        here, "fault", "add", "cut,endpoint=AddOrder,nth=2", "misissue,add=withdraw-funds+query-ledger,times=always"
    )
    assert [fault["kind"] for fault in added["faults"]] == ["cut", "misissue"]
    assert told(here, "fault", "list") == added
    [left] = told(here, "fault", "clear", str(added["faults"][0]["id"]))["faults"]
    assert left["kind"] == "misissue"
    assert told(here, "fault", "clear")["faults"] == []
    assert sandbox(here, "fault", "clear", "7").code == 64


def test_a_fault_is_listed_as_it_may_be_added_again(here: Path) -> None:
    told(
        here,
        "fault",
        "add",
        "misissue,add=withdraw-funds+query-ledger,times=always",
        "error,error=EService:Busy,after=yes",
    )
    before = told(here, "fault", "list")["faults"]
    specs = [line.split("  ")[1].strip() for line in sandbox(here, "fault", "list").out.splitlines()[1:]]
    told(here, "fault", "clear")
    again = told(here, "fault", "add", *specs)["faults"]
    assert [fault | {"id": 0} for fault in again] == [fault | {"id": 0} for fault in before]


def test_with_a_mistake_in_one_fault_none_is_set(here: Path) -> None:
    assert sandbox(here, "fault", "add", "cut", "cutt").code == 64
    assert told(here, "fault", "list")["faults"] == []


def test_a_fault_that_could_never_strike_is_refused_and_the_hint_comes_once(here: Path) -> None:
    ran = sandbox(here, "fault", "add", "cut", "rate-limit,endpoint=Balanc")
    assert ran.code == 64
    assert ran.err.count("did you mean POST /0/private/Balance?") == 1
    assert told(here, "fault", "list")["faults"] == []


def test_the_kinds_of_fault_are_told_with_their_settings(tmp_path: Path) -> None:
    status = told(tmp_path, "fault", "kinds")["kinds"]["http-error"]["settings"]["status"]
    assert (status["default"], status["canBe"]) == (502, "a whole number from 400 to 599")
    text = sandbox(tmp_path, "fault", "kinds").out
    assert "(a whole number from 400 to 599; default 502)" in text
    assert "(one of signing, listing, both; default signing)" in text
    assert "strikes only POST /oauth/fast-api-key, POST /app/settings/api/new" in text


def test_endpoints_say_what_they_are_gated_by_and_cost(tmp_path: Path) -> None:
    [balance] = [e for e in told(tmp_path, "endpoints")["endpoints"] if e["path"] == "/0/private/Balance"]
    assert (balance["gatedBy"], balance["costHigh"]) == ("signature + query-funds", 1)
    assert (balance["served"], balance["gate"], balance["cost"]) == (True, "query-funds", 1)
    assert "/0/private/Balance" in sandbox(tmp_path, "endpoints", "--group", "account").out


def test_an_unknown_group_of_endpoints_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    assert "account" in sandbox(tmp_path, "endpoints", "--group", "acount").err


# --- reset


def test_reset_of_a_named_file_deletes_it_and_nothing_else(here: Path) -> None:
    (here / "diary.txt").write_text("dear diary")
    assert sandbox(here, "reset", "--db", "sandbox.db").code == 64  # nobody to ask
    assert sandbox(here, "reset", "--db", "sandbox.db", "--yes").code == 0
    assert [path.name for path in here.iterdir()] == ["diary.txt"]


def test_reset_deletes_no_file_that_is_no_sandbox(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("dear diary\n" * 100)
    assert sandbox(tmp_path, "reset", "--db", "diary.txt", "--yes").code == 1
    assert (tmp_path / "diary.txt").exists()


def test_what_is_refused_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    assert json.loads(sandbox(tmp_path, "key", "list", "-o", "json").out)["format"] == "krakenctl.error/v1"


def test_the_first_account_makes_the_sandbox(tmp_path: Path) -> None:
    assert sandbox(tmp_path, "account", "create", "--name", "acme", "--db", "new.db").code == 0
    assert sandbox(tmp_path, "account", "list", "--db", "new.db").out.count("acme")


def test_a_key_without_permissions_is_made_but_not_in_silence(here: Path) -> None:
    ran = sandbox(here, "key", "create", "--account", "acme", "--name", "bare")
    assert ran.code == 0
    assert "no permission" in ran.err


@pytest.mark.parametrize(
    ("offset", "told"),
    [
        ("0", "running with this computer's"),
        ("90d", "90d ahead"),
        ("-30s", "30s behind"),
        ("1d", "1d ahead"),
    ],
)
def test_the_clock_says_how_far_it_is_from_the_computers(here: Path, offset: str, told: str) -> None:
    assert told in sandbox(here, "clock", f"--offset={offset}").out
