"""A program run with a key of ours: the key is in its environment, and nowhere else. Real processes throughout."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from desk import DAY, Desk, account, key, make_desk, subaccount
from krakenctl.model.address import Address
from krakenctl.sandbox.server import Server
from krakenctl.state.sqlite import SqliteHome
from krakenctl.tasks import lending
from krakenctl.testing.leaks import bare_locals, living, seen_of, spellings
from running import Ran, krakenctl, process

BOT = "ApiKey/acme/bot"
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
OVERLAP = {"rotation": {"overlap": "24h"}}


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Two keys, one of them never issued."""
    desk = make_desk(tmp_path_factory.mktemp("exec"))
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().declare(account(), key("bot"), key("view"), key("late"))
    return desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = make_desk(tmp_path)
    desk.declare(account(), key("bot", **OVERLAP))
    return desk.applied()


def _exec(desk: Desk, *args: str, env: dict[str, str] | None = None) -> Ran:
    return process("-C", desk.root, "exec", *args, env=env)


def _environment(desk: Desk, *args: str, env: dict[str, str] | None = None) -> dict[str, str]:
    ran = _exec(desk, *args, "--", sys.executable, "-c", SHOW, env=env)
    assert ran.code == 0, ran.err
    found: dict[str, str] = ran.json
    return found


def _pair(desk: Desk, path: str = "acme/bot", **more: Any) -> tuple[str, str]:
    entry = desk.entry(path, **more)
    assert entry is not None
    return entry.public_key, entry.secret.reveal()


def _files(desk: Desk) -> dict[Path, int]:
    """When each was written; but for what SQLite keeps beside its own, and the sandbox, which knows every secret."""
    files = (file for file in desk.root.rglob("*") if file.is_file() and ".db-" not in file.name and file != desk.db)
    return {file: file.stat().st_mtime_ns for file in files}


def test_the_program_finds_key_and_secret_in_its_environment(issued: Desk) -> None:
    found = _environment(issued, BOT)
    assert (found["KRAKEN_API_KEY"], found["KRAKEN_API_SECRET"]) == _pair(issued)


def test_the_variables_may_have_other_names(issued: Desk) -> None:
    found = _environment(issued, BOT, "--key-env", "KEY", "--secret-env", "SECRET")
    assert (found["KEY"], found["SECRET"]) == _pair(issued)
    assert "KRAKEN_API_KEY" not in found
    assert _environment(issued, BOT, env={"KRAKENCTL_EXEC_ENV_PREFIX": "X_"})["X_API_KEY"] == _pair(issued)[0]


def test_several_keys_have_a_prefix_each(issued: Desk) -> None:
    found = _environment(issued, f"A_={BOT}", "B_=ApiKey/acme/view")
    assert (found["A_API_KEY"], found["A_API_SECRET"]) == _pair(issued)
    assert (found["B_API_KEY"], found["B_API_SECRET"]) == _pair(issued, "acme/view")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nobody_but_the_program_has_the_secret(issued: Desk) -> None:
    _, secret = _pair(issued)
    script = "print('ready', flush=True); input()"
    command = [sys.executable, "-m", "krakenctl", "-C", issued.root, "exec", BOT, "--", sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdin is not None
        assert started.stdout is not None
        assert started.stdout.readline() == "ready\n"
        arguments, environment, _ = seen_of(started.pid)
        assert secret in environment
        assert secret not in arguments
        assert "krakenctl" not in arguments, "krakenctl has become the program, and does not wait beside it"
        assert not list(living(started.pid))
        assert secret not in "".join(seen_of(os.getpid()))
        started.communicate("\n")
    assert started.returncode == 0


def test_no_file_and_no_variable_of_ours_holds_the_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, secret = _pair(desk)
    handed: list[dict[str, str]] = []

    def execve(path: str, argv: list[str], env: dict[str, str]) -> None:
        handed.append(env)
        raise OSError(errno.ENOEXEC, "Exec format error")

    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr("krakenctl.cli.exec._unseen", lambda: resource.getrlimit(resource.RLIMIT_CORE))
    before = _files(desk)
    with bare_locals([secret], within=lambda name: name in ("krakenctl.tasks.lending", "krakenctl.cli.exec")) as found:
        ran = krakenctl("-C", desk.root, "exec", BOT, "--", "true")
    assert [env["KRAKEN_API_SECRET"] for env in handed] == [secret]
    assert (ran.code, found) == (126, set())
    assert _files(desk) == before
    for file in before:
        assert not [each for each in spellings(secret) if each in file.read_bytes()], file


def test_exit_code_input_and_output_are_the_programs(issued: Desk) -> None:
    command = [sys.executable, "-m", "krakenctl", "-C", str(issued.root), "exec", BOT, "--", "sh", "-c", "cat; exit 7"]
    done = subprocess.run(command, input=b"as it \xff is", capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (7, b"as it \xff is", b"")


def test_a_signal_ends_the_program_itself(issued: Desk) -> None:
    assert _exec(issued, BOT, "--", "sh", "-c", "kill -TERM $$").code == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_program_starts_as_from_a_shell(issued: Desk) -> None:
    shell = "ulimit -c; ulimit -Hc; grep SigIgn /proc/self/status; ls /proc/self/fd"
    assert (
        _exec(issued, BOT, "--", "sh", "-c", shell).out
        == subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout
    )


def test_flags_of_the_program_are_its_own(issued: Desk) -> None:
    assert _exec(issued, BOT, "--", "echo", "--help", "-o", "json", "--", "-C").out == "--help -o json -- -C\n"


def test_our_own_settings_and_credentials_are_not_passed_on(desk: Desk) -> None:
    identity = (desk.root / ".krakenctl/identity.txt").read_text()
    store = {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt", "identity": "env:AGE_IDENTITY"}
    refs = {"token": "env:TOKEN_{account}", "apiKey": "env:MASTER_KEY"}
    desk.settings(stores={"main": store}, credentials={"*": refs})
    ours = {"AGE_IDENTITY": identity, "TOKEN_acme": "t", "MASTER_KEY": "m", "KRAKENCTL_X": "x"}
    found = _environment(desk, BOT, env={**ours, "TOKEN_BOT": "its own", "LANG": "C"})
    assert not ours.keys() & found.keys()
    assert (found["TOKEN_BOT"], found["LANG"]) == ("its own", "C")
    kept = _environment(desk, BOT, "--keep-env", "TOKEN_acme", "--keep-env", "KRAKENCTL_X", env=ours)
    assert ours.keys() & kept.keys() == {"TOKEN_acme", "KRAKENCTL_X"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process can tell what it was started with")
@pytest.mark.parametrize("locale", [{}, {"LANG": "C"}, {"LC_CTYPE": "C"}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C"}])
def test_what_python_adds_for_itself_is_not_passed_on(issued: Desk, locale: dict[str, str]) -> None:
    plain = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    command = [sys.executable, "-m", "krakenctl", "-C", issued.root, "exec", BOT, "--", "env"]
    ran = subprocess.run(command, env={**plain, **locale}, capture_output=True, text=True, check=True)
    found = dict(line.split("=", 1) for line in ran.stdout.splitlines() if line.startswith(("LANG=", "LC_")))
    assert found == locale


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["ApiKey/acme/bott", "--", "true"], 1, "did you mean ApiKey/acme/bot?"),
        (["acme/bot", "--", "true"], 64, "did you mean ApiKey/acme/bot?"),
        (["Account/acme", "--", "true"], 64, "is no key"),
        (["ApiKey/acme/late", "--", "true"], 1, "was never issued"),
        ([BOT, "--slot", "previous", "--", "true"], 1, "is empty"),
        ([BOT, "--slot", "best", "--", "true"], 64, "current, pending or previous"),
        ([BOT, "true"], 64, "krakenctl exec ADDRESS -- true"),
        ([BOT, "--"], 64, "no program behind"),
        ([BOT, "--key-env", "A B", "--", "true"], 64, "no name of a variable"),
        ([BOT, "ApiKey/acme/view", "--", "true"], 64, "PREFIX=ADDRESS"),
        ([BOT, "--", "no-such-program"], 127, "there is no program"),
        ([BOT, "--", "/etc/passwd"], 126, "not executable"),
        ([BOT, "--", "/etc"], 126, "is a folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_refusal_says_why_and_runs_nothing(issued: Desk, args: list[str], code: int, told: str) -> None:
    ran = _exec(issued, *args)
    assert ran.code == code, ran.err
    assert told in " ".join(ran.err.split())


def test_what_the_kill_switch_revoked_is_not_handed_out(desk: Desk) -> None:
    assert desk.run("revoke", BOT, "--yes", "--reason", "leaked").code == 0
    ran = _exec(desk, BOT, "--", "true")
    assert ran.code == 1
    assert "kill switch" in ran.err
    assert "leaked" in ran.err


def test_a_replaced_key_is_handed_out_until_its_end(desk: Desk) -> None:
    old = _pair(desk)
    desk.declare(account(), key("bot", "query-ledger", **OVERLAP))
    desk.applied()
    ran = _exec(desk, BOT, "--slot", "previous", "--", "sh", "-c", "echo $KRAKEN_API_KEY")
    assert (ran.code, ran.out) == (0, f"{old[0]}\n")
    assert "bot.a7.g1 has been replaced, and ends" in ran.err
    desk.advance(2 * DAY)
    ended = _exec(desk, BOT, "--slot", "previous", "--", "true")
    assert ended.code == 1
    assert "its time is over" in ended.err
    assert _exec(desk, BOT, "--", "true").code == 0


@pytest.mark.parametrize("ended", ["acme", "mm"])
def test_a_key_of_the_same_name_on_another_account_makes_no_ended_one_usable(tmp_path: Path, ended: str) -> None:
    desk, addresses = make_desk(tmp_path), {name: f"ApiKey/{name}/bot" for name in ("acme", "mm")}
    overlaps = {name: {"rotation": {"overlap": "24h" if name == ended else "72h"}} for name in addresses}
    for grant in ("query-funds", "query-ledger"):
        keys = (key("bot", grant, on=name, **overlap) for name, overlap in overlaps.items())
        desk.declare(account(), subaccount("mm"), *keys)
        desk.applied()
    desk.advance(2 * DAY)
    previous = {name: _exec(desk, address, "--slot", "previous", "--", "true") for name, address in addresses.items()}
    assert {name: ran.code for name, ran in previous.items()} == {**dict.fromkeys(addresses, 0), ended: 1}
    assert "its time is over" in previous[ended].err


def test_a_key_that_was_renamed_is_handed_out_under_its_new_address_at_once(desk: Desk) -> None:
    """And under the one before, until the rename is applied."""
    moved = key("robot", metadata={"formerly": ["bot"]}, secret={"path": "acme/bot"}, **OVERLAP)
    desk.declare(account(), moved)
    addresses = ("ApiKey/acme/robot", BOT)
    assert [_exec(desk, address, "--", "true").code for address in addresses] == [0, 0]
    desk.applied()
    assert [_exec(desk, address, "--", "true").code for address in addresses] == [0, 1]


def test_it_needs_no_exchange_no_state_and_no_lease(desk: Desk) -> None:
    desk.db.write_bytes(b"not a database, and longer than a header would be " * 99)
    for file in desk.root.glob(".krakenctl/state.db*"):
        file.write_bytes(b"no database at all, and longer than a header of one has to be" * 9)
    ran = _exec(desk, BOT, "--", "sh", "-c", "echo $KRAKEN_API_KEY")
    assert (ran.code, ran.out) == (0, f"{_pair(desk)[0]}\n")
    assert "the state cannot be read" in ran.err


def test_where_the_state_is_lost_a_key_is_not_handed_out_without_a_word(desk: Desk) -> None:
    assert desk.run("revoke", BOT, "--yes", "--reason", "leaked").code == 0
    for file in desk.root.glob(".krakenctl/state*"):
        file.unlink()
    ran = _exec(desk, BOT, "--", "true")
    assert ran.code == 0
    assert "the state is lost, or not on this host" in ran.err


def test_a_state_that_does_not_answer_is_not_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(SqliteHome, "read", lambda _: over.wait(60))
    monkeypatch.setattr(lending, "PATIENCE", 0.01)
    loan = lending.Lender(desk.root, {}).lend(Address.parse(BOT))
    over.set()
    assert "the state cannot be read" in loan.remarks[0]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
def test_while_we_hold_the_secret_no_crash_writes_our_memory() -> None:
    told = (
        "import ctypes, resource; from krakenctl.cli.exec import _unseen; _unseen();"
        "print(resource.getrlimit(resource.RLIMIT_CORE)[0], ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    )
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout == "0 0\n"


def test_a_mistake_in_a_manifest_keeps_no_program_from_starting(desk: Desk) -> None:
    (desk.root / "manifests/all.yaml").write_text("kind: [")
    assert _environment(desk, BOT)["KRAKEN_API_KEY"] == _pair(desk)[0]
    unknown = _exec(desk, "ApiKey/acme/other", "--", "true")
    assert unknown.code == 1
    assert "in the manifests" in unknown.err


def test_a_secret_that_this_host_cannot_read_is_told(desk: Desk) -> None:
    (desk.root / ".krakenctl/identity.txt").unlink()
    ran = _exec(desk, BOT, "--", "true")
    assert ran.code == 1
    assert "identity" in ran.err


CONSUMER = """
import base64, hashlib, hmac, json, os, sys, time, urllib.request
nonce = str(time.time_ns() // 1_000_000)
body = ("nonce=" + nonce).encode()
path = "/0/private/Balance"
digest = path.encode() + hashlib.sha256(nonce.encode() + body).digest()
sign = hmac.new(base64.b64decode(os.environ["KRAKEN_API_SECRET"]), digest, hashlib.sha512).digest()
headers = {"API-Key": os.environ["KRAKEN_API_KEY"], "API-Sign": base64.b64encode(sign).decode()}
answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1] + path, body, headers))
print(json.loads(answer.read())["error"])
"""


def test_a_bot_really_signs_with_it(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.declare(account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), key("bot"))
    desk.applied()
    with Server(desk.db) as server:
        ran = _exec(desk, BOT, "--", sys.executable, "-c", CONSUMER, server.url, env={"NO_PROXY": "*"})
    assert (ran.code, ran.out) == (0, "[]\n"), ran.err


def test_with_json_an_error_is_json(issued: Desk) -> None:
    ran = _exec(issued, BOT, "--", "no-such-program", env={"KRAKENCTL_OUTPUT": "json"})
    assert json.loads(ran.out)["error"]["code"] == "no-such-program"
