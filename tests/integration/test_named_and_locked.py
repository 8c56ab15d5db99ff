"""Keys that a user names, on an account that Kraken has locked or is about to lock: what inspect and import do."""

from __future__ import annotations

from pathlib import Path

import pytest

from desk import Desk, Wire, account, key, make_desk
from krakenctl.sandbox.people import operate
from waiting import NAME, waiting_desk

BOT, OURS = "ApiKey/acme/bot", "bot.a7.g1"
ANY = {"ipAllowlist": "any", "validFor": "180d"}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = make_desk(tmp_path / "w")
    desk.declare(account(keyDefaults=ANY), key("bot", consumer={"nonce": "ms"}))
    return desk.applied()


@pytest.fixture
def wire(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire().install(monkeypatch)


def locked(desk: Desk) -> None:
    """A command was told so, and wrote it down."""
    desk.fault("lockout", account="acme")
    assert desk.run("inspect", BOT).code == 1
    desk.mend()


def told(desk: Desk, *args: str | Path) -> str:
    ran = desk.run(*args)
    assert ran.code == 1, ran.out + ran.err
    return " ".join(ran.err.split())


@pytest.mark.parametrize("which", [BOT, "main:acme/bot"])
def test_inspect_leaves_a_locked_account_alone_until_the_time_that_it_tells(desk: Desk, wire: Wire, which: str) -> None:
    locked(desk)
    wire.clear()
    said = told(desk, "inspect", which)
    assert f"{which} was not asked: Kraken locked acme" in said
    assert "before 2027-01-15T08:15:00Z" in said
    assert "inspect" not in wire.calls
    desk.advance(16 * 60)
    assert desk.run("inspect", which).code == 0


def pairs_in_env(desk: Desk, *names: str) -> Path:
    file = desk.root / ".env"
    rows = [desk.rows()[name] for name in names]
    lines = [f"P{n}_API_KEY={row.public_key}\nP{n}_API_SECRET={row.secret}\n" for n, row in enumerate(rows, 1)]
    file.write_text("".join(lines))
    file.chmod(0o600)
    return file


def test_a_pair_that_the_workspace_knows_is_left_alone_wherever_it_is_read_from(desk: Desk, wire: Wire) -> None:
    operate.make_key(desk.db, "acme", "by-hand", ["query-funds"])
    locked(desk)
    wire.clear()
    assert "P1 was not asked: Kraken locked acme" in told(desk, "inspect", "--env-file", pairs_in_env(desk, OURS))
    ran = desk.run("inspect", "--env-file", pairs_in_env(desk, OURS, "by-hand"), "--all")
    assert (ran.code, "not asked: Kraken locked acme" in " ".join(ran.out.split())) == (1, True)
    assert wire.calls.count("inspect") == 1, "the other pair is nobody's that is known here"


def test_a_pair_that_waits_to_be_looked_at_is_of_a_known_account_too(tmp_path: Path) -> None:
    waits = waiting_desk(tmp_path / "website")
    waits.fault("lockout", account="acme")
    file = pairs_in_env(waits, NAME)
    told(waits, "inspect", "--env-file", file)
    waits.mend()
    assert "P1 was not asked: Kraken locked acme" in told(waits, "inspect", "--env-file", file)


def test_a_lockout_that_one_of_several_keys_meets_is_remembered(desk: Desk, wire: Wire) -> None:
    operate.make_key(desk.db, "acme", "by-hand", ["query-funds"])
    desk.fault("lockout", account="acme")
    assert desk.run("inspect", "--env-file", pairs_in_env(desk, OURS, "by-hand"), "--all").code == 1
    desk.mend()
    assert "bot was not asked: Kraken locked acme" in told(desk, "inspect", BOT)


def test_what_inspect_hears_of_a_lockout_every_command_knows(desk: Desk, wire: Wire) -> None:
    locked(desk)
    wire.clear()
    assert "locked-out" in desk.run("verify", BOT, "-o", "json").out
    assert "inspect" not in wire.calls


def test_a_row_of_refusals_keeps_no_key_from_being_inspected_and_an_answer_ends_it(desk: Desk, wire: Wire) -> None:
    for _ in range(3):
        assert desk.run("inspect", BOT, "--nonce", "1").code == 1
    assert desk.recorded().rows["acme"].calls == 3
    desk.advance(1)
    assert desk.run("inspect", BOT).code == 0
    assert "acme" not in desk.recorded().rows


def an_env_file(desk: Desk, username: str = "acme") -> Path:
    made = operate.make_key(desk.db, username, "by-hand", ["query-funds"])
    file = desk.root / ".env"
    file.write_text(f"NEW_API_KEY={made['apiKey']}\nNEW_API_SECRET={made['secret']}\n")
    file.chmod(0o600)
    return file


@pytest.mark.parametrize(
    "named", [("--account", "acme"), ("--to", "ApiKey/acme/new"), ()], ids=["account", "to", "none"]
)
def test_import_asks_no_key_that_may_be_of_a_locked_account(desk: Desk, wire: Wire, named: tuple[str, ...]) -> None:
    file = an_env_file(desk)
    locked(desk)
    wire.clear()
    said = told(desk, "import", "--from", file, *named)
    assert "nothing was asked or imported: Kraken locked acme" in said
    assert ("say which, with --account NAME" in said) == (not named)
    assert "inspect" not in wire.calls


def test_import_asks_keys_that_are_said_to_be_of_another_account(desk: Desk, wire: Wire) -> None:
    operate.make_account(desk.db, "mine")
    file = an_env_file(desk, "mine")
    locked(desk)
    ran = desk.run("import", "--from", file, "--account", "mine", "--dry-run")
    assert (ran.code, "ApiKey/mine/new" in ran.out) == (0, True), ran.out + ran.err
