"""Every secret and token that the sandbox ever gave away is searched for wherever it must not be."""

from __future__ import annotations

import base64
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import desk as d
from desk import Desk, Wire
from holder import at, go_on
from krakenctl import cli
from krakenctl.errors import KrakenctlError
from krakenctl.model.key import IssuedKey, KeyPair, KeySpec, LiveKey
from krakenctl.model.secret import Secret
from krakenctl.sandbox.people import seed
from krakenctl.stores.base import Entry
from krakenctl.testing.leaks import (
    bare_locals,
    children,
    crash_report,
    everything_shown,
    living,
    seen_of,
    shown,
    spellings,
)
from running import Ran

MAY_HOLD = ("sandbox.db", "credentials", "identity.txt")  # below .krakenctl; the identity holds itself


class Told:
    """Everything that anybody could read of a run."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.raised: list[KrakenctlError] = []

    def add(self, ran: Ran) -> Ran:
        self.texts += [ran.out, ran.err]
        return ran


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    d.stop_time(monkeypatch)
    return d.make_desk(tmp_path / "acme")


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire().install(monkeypatch)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Errors of ours are read with everything that hangs on them, before the command line makes a sentence of them."""
    told = Told()
    init = KrakenctlError.__init__

    def remember(self: KrakenctlError, *args: object, **more: object) -> None:
        init(self, *args, **more)  # type: ignore[arg-type]
        told.raised.append(self)

    monkeypatch.setattr(KrakenctlError, "__init__", remember)
    return told


def test_no_secret_is_anywhere_but_where_it_belongs(desk: Desk, wire: Wire, told: Told):
    codes = [told.add(step).code for step in _a_full_life(desk, wire)]
    assert {0, 1, 4, 5} <= set(codes)
    secrets = _given_away(desk, wire)
    assert len(secrets) > 12
    _search(desk, told, secrets)
    held = (desk.root / ".krakenctl/sandbox.db").read_bytes()
    assert any(row.secret.encode() in held for row in desk.rows().values()), "the search can find"


def test_no_secret_is_in_what_any_fault_makes_us_say(desk: Desk, wire: Wire, told: Told):
    d.replace_create_first(desk)
    rehearsal = desk.copy(desk.root.with_name("rehearsal"))
    wire.clear()
    rehearsal.applied()
    for number in range(len(wire.calls)):
        for name, fault in {"after": d.lost_after, "html": _echo, "error": _quoting}.items():
            hurt = desk.copy(desk.root.with_name(f"{number}-{name}"))
            wire.clear()
            wire.faults[number] = fault
            told.add(hurt.apply())
            told.add(hurt.apply("-o", "json"))
            _search(hurt, told, _given_away(hurt, wire))


# Where a bug strikes: before, between and after all that handles a secret.
LAYERS = {
    "state": "krakenctl.state.sql.SqlState.advance",
    "promotion": "krakenctl.state.sql.SqlState.promote",
    "log": "krakenctl.state.log.line_of",
    "store": "krakenctl.stores.age.AgeStore.promote",
    "waiting for an answer": "requests.Session.send",
    "answer": "krakenctl.surfaces.connect._issued",
    "encryption": "krakenctl.stores.age._replace",
    "reading back": "krakenctl.stores.age.AgeStore._decrypted",
    "check": "krakenctl.apply.steps.check.differences",
    "workflow": "krakenctl.workflow.Desk.apply",
    "report": "krakenctl.render.report_text.render",
}


@pytest.mark.parametrize("place", LAYERS.values(), ids=LAYERS)
def test_a_crash_report_with_every_local_variable_shows_no_secret(
    desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch, place: str
):
    desk.declare(d.account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), d.key("bot"))

    real = pkgutil.resolve_name(place)

    def bug(*args: object, **more: object) -> object:
        if "issue bot.a7.g1" not in wire.calls and place != LAYERS["workflow"]:
            return real(*args, **more)  # there is no secret yet
        raise ZeroDivisionError("a bug, with a secret in the frames above")

    monkeypatch.setattr(place, bug)
    with pytest.raises(ZeroDivisionError) as caught:
        cli.main(["-C", str(desk.root), "apply", "--yes", "--allow", "open", "--reason", "a test"])
    _must_hide(crash_report(caught.value), _given_away(desk, wire))


def test_what_a_process_list_or_a_child_could_see_holds_no_secret(desk: Desk, wire: Wire, told: Told):
    with children() as started:
        for ran in _a_full_life(desk, wire):
            told.add(ran)
        subprocess.run(["true"], check=True)
    assert "subprocess.Popen" in "".join(started), "the hook can see"
    _must_hide("\n".join(started), _given_away(desk, wire))


def test_the_hunt_sees_a_child_that_lives_and_what_it_was_given():
    """Whether it is told of one that is started later, or only looks at the end; and the children of children."""
    with _cat_that_runs(["sh", "-c", "HIDDEN=canary-$0 cat; :", "below"]):
        with children() as started:
            subprocess.run(["true"], check=True)
        assert any("HIDDEN=canary-below" in told for told in started)
        with children() as started:
            pass
        assert any("HIDDEN=canary-below" in told for told in started)
    with children() as started, _cat_that_runs(["cat", "-"], env={"HIDDEN": "canary-late"}):
        assert "HIDDEN=canary-late" in "".join(living())
    assert "canary-late" in "".join(started)


@contextmanager
def _cat_that_runs(words: list[str], **more: Any) -> Iterator[None]:
    """It has echoed something: it is no copy of this process any more, and has not ended."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, bufsize=0, **more) as cat:
        assert cat.stdin is not None
        assert cat.stdout is not None
        cat.stdin.write(b"x")
        assert cat.stdout.read(1) == b"x"
        yield
        cat.stdin.close()


def test_the_hunt_sees_a_child_that_has_only_just_been_started():
    """Between the old program and the new one it has neither arguments nor environment."""
    for _ in range(50):
        with subprocess.Popen(["cat", "-"], stdin=subprocess.PIPE) as cat:
            assert next(seen_of(cat.pid)) == "cat\0-\0"
            assert cat.stdin is not None
            cat.stdin.close()


def test_the_hunt_sees_what_a_child_inherits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HIDDEN", "canary-inherited")
    with children() as started:
        subprocess.run(["true"], check=True)
    assert "canary-inherited" in started[0]


def test_the_hunt_does_not_wait_for_a_child_that_has_ended():
    with subprocess.Popen(["true"]) as ended:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
        assert next(seen_of(ended.pid)) == ""


@pytest.mark.parametrize("point", ["after-issue:1", "put:1", "promote:1", "list:3"])
def test_a_run_in_the_middle_of_an_issue_shows_its_secret_to_nobody(desk: Desk, wire: Wire, told: Told, point: str):
    """Not in the process list, not in its environment, and in no file that it has left half-written."""
    desk.declare(d.account(), d.key("bot"))
    with at(desk, point, "wait") as running:
        assert desk.ours() == ["bot.a7.g1"]
        secrets = _given_away(desk, wire)
        seen = [*seen_of(running.pid), *living(running.pid)]
        assert "holder.py" in "".join(seen)
        _must_hide("\n".join(seen), secrets)
        _search(desk, told, secrets)
        code, said = go_on(running)
        assert code == 0
        _must_hide(said, secrets)


def test_a_sandbox_that_serves_shows_no_secret_and_neither_does_who_talks_to_it(desk: Desk, wire: Wire):
    desk.declare(d.account(), d.key("bot"))
    desk.applied()
    words = [sys.executable, "-m", "krakenctl", "-C", str(desk.root), "sandbox", "serve", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as serving:
        try:
            assert serving.stdout is not None
            said = serving.stdout.readline()
            seen = [said, *seen_of(serving.pid), *living(serving.pid)]
            assert "sandbox" in "".join(seen)
            _must_hide("\n".join(seen), _given_away(desk, wire))
        finally:
            serving.kill()


# A text has to be somewhere when it comes in or is used: for a line or two, in functions of a few lines.
BARE = {
    "krakenctl.model.secret.<dictcomp>:value",
    "krakenctl.model.secret.__init__:text",
    "krakenctl.model.secret.hidden:fields",
    "krakenctl.stores.age.<genexpr>:line",
    "krakenctl.stores.age.<listcomp>:line",
    "krakenctl.stores.age._hidden:fields",
    "krakenctl.surfaces.kraken.signing._signed:key",
    "krakenctl.transport.http._body:content",
    "krakenctl.transport.http._body:piece",
    "krakenctl.transport.http._hidden:fields",
    "krakenctl.transport.http._hidden:secret",
}


def test_hardly_a_variable_of_ours_ever_holds_a_bare_secret(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """At no line of a whole apply. Wherever a crash strikes, its report has nothing to show."""
    secret = base64.b64encode(b"canary".ljust(64, b"!")).decode()
    monkeypatch.setattr("krakenctl.sandbox.keys.new_pair", lambda: ("public-part-of-the-canary", secret))
    folder = desk.root / ".krakenctl"
    tokens = [json.loads(file.read_text()) for file in (folder / "credentials").iterdir()]
    secrets = {secret, repr(base64.b64decode(secret))[2:-1]}
    secrets |= {fields[name] for fields in tokens for name in ("access_token", "secret") if name in fields}
    secrets |= {line for line in (folder / "identity.txt").read_text().splitlines() if not line.startswith("#")}
    keys = d.account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), d.key("bot")
    with bare_locals(secrets, within=_ours) as found:
        desk.declare(*keys, d.subaccount("mm"))
        assert desk.apply().code == 0
    assert "krakenctl.model.secret.__init__:text" in found, "the hunt can see"
    assert found <= BARE


def _ours(module: str) -> bool:
    """Without the sandbox, which is the exchange's side, and without the hunt itself."""
    theirs = ("krakenctl.sandbox", "krakenctl.transport.wsgi", "krakenctl.wiring.embedded", "krakenctl.testing")
    return module.startswith("krakenctl.") and not module.startswith(theirs)


def test_secrets_that_come_in_by_the_environment_go_nowhere_else(
    desk: Desk, wire: Wire, told: Told, monkeypatch: pytest.MonkeyPatch
):
    folder = desk.root / ".krakenctl"
    given = {
        "CANARY_TOKEN": json.loads((folder / "credentials/acme.json").read_text())["access_token"],
        "CANARY_PAIR": (folder / "credentials/acme.key.json").read_text(),
        "CANARY_IDENTITY": (folder / "identity.txt").read_text(),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    store = {"type": "age", "path": "secrets", "recipientsFile": "recipients.txt", "identity": "env:CANARY_IDENTITY"}
    refs = {"token": "env:CANARY_TOKEN", "apiKey": "env:CANARY_PAIR"}
    desk.settings(stores={"main": store}, credentials={"acme": refs})
    desk.declare(d.account(), d.key("bot"))
    for command in (("plan",), ("apply", "--yes"), ("apply", "--yes", "-o", "json"), ("log",), ("state", "list")):
        told.add(desk.run(*command))
    assert desk.ours() == ["bot.a7.g1"]
    _search(desk, told, _given_away(desk, wire))


def test_a_password_for_the_database_is_in_no_error(desk: Desk, told: Told, monkeypatch: pytest.MonkeyPatch):
    password = "canary-of-the-database"
    monkeypatch.setenv("CANARY_DSN", f"postgresql://ann:{password}@127.0.0.1:1/db?connect_timeout=1")
    desk.settings(state={"type": "postgres", "dsn": "env:CANARY_DSN"})
    desk.declare(d.account(), d.key("bot"))
    for command in (("plan",), ("apply", "--yes"), ("log",), ("state", "list", "-o", "json")):
        assert told.add(desk.run(*command)).code == 1
    _search(desk, told, {password})
    _must_hide("\n".join(everything_shown(error) for error in told.raised), {password})


def test_no_object_of_ours_shows_the_secret_it_holds():
    secret = "canary/of+forty-eight=characters-that-nobody-may-see"
    hidden = Secret(secret)
    pair = KeyPair(public_key="p", secret=hidden)
    spec = KeySpec(permissions=frozenset())
    issued = IssuedKey(live=LiveKey(name="n", spec=spec, created=1), public_key="p", secret=hidden)
    entry = Entry(
        address="a", lineage="l", live_name="n", generation=1, created=1, public_key="p", secret=hidden, spec=spec
    )
    for value in (hidden, pair, issued, entry, [entry], {"entry": entry}):
        _must_hide(shown(value), {secret})


def _must_hide(text: str, secrets: set[str]) -> None:
    content = text.encode(errors="surrogatepass")
    for secret in secrets:
        assert not any(spelling in content for spelling in spellings(secret))


def _a_full_life(desk: Desk, wire: Wire) -> Iterator[Ran]:
    overlap = {"rotation": {"overlap": "24h"}}
    first = (d.account(keyDefaults={"ipAllowlist": "any", "validFor": "180d"}), d.subaccount("mm"))
    yield desk.run("init", "-o", "json")
    desk.declare(*first, d.key("bot", **overlap), d.key("view"), d.key("sub", on="mm"))
    for output in ("text", "json", "markdown"):
        yield desk.run("plan", "-o", output, "--out", desk.root / "first.plan")
    yield desk.run("show", desk.root / "first.plan")
    yield desk.apply()
    desk.declare(*first, d.key("bot", "query-ledger", **overlap), d.key("view", nonceWindow=9), d.key("sub", on="mm"))
    yield desk.run("plan", "--out", desk.root / "second.plan")
    yield desk.apply("-o", "json", desk.root / "second.plan")
    yield desk.apply(desk.root / "second.plan")  # was applied
    yield desk.apply(desk.root / "first.plan")  # is stale
    desk.fault("misissue", add="withdraw-funds", times="always")
    desk.declare(*first, d.key("view", "query-ledger"), d.key("new"))
    yield desk.apply()
    yield desk.apply("-o", "json")
    desk.mend()
    yield desk.apply()
    seed.edit_key(desk.db, "acme", "new.a7.g3", permissions=["query-funds", "withdraw-funds"])
    for command in (("tree",), ("state", "list"), ("state", "show", "ApiKey/acme/view"), ("validate",), ("plan",)):
        yield desk.run(*command)
        yield desk.run(*command, "-o", "json")
    token = desk.root / ".krakenctl/credentials/acme.json"
    kept = token.read_text()
    token.write_text(json.dumps({"access_token": "dead"}))
    yield desk.apply()
    token.write_text(kept)
    identity = desk.root / ".krakenctl/identity.txt"
    text = identity.read_text()
    identity.write_text(text.replace("AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1Q"))
    yield desk.apply()
    identity.write_text(text)
    yield desk.apply()
    assert wire.calls


def _given_away(desk: Desk, wire: Wire) -> set[str]:
    """From the wire's answers, the tables, and the credential files: secrets, tokens, the identity."""
    found = {row.secret for name in desk.usernames() for row in desk.rows(name).values()}
    for body in wire.bodies:
        result = json.loads(body).get("result")
        if isinstance(result, dict) and "secret" in result:
            found.add(result["secret"])
    for file in (desk.root / ".krakenctl/credentials").iterdir():
        fields = json.loads(file.read_text())
        found |= {fields[name] for name in ("access_token", "refresh_token", "secret") if name in fields}
    lines = (desk.root / ".krakenctl/identity.txt").read_text().splitlines()
    return (found | {line for line in lines if line and not line.startswith("#")}) - {"dead"}


def _search(desk: Desk, told: Told, secrets: set[str]) -> None:
    errors = [line for error in told.raised for line in _chain(error)]
    haystacks = {"what was printed or raised": "\n".join((*told.texts, *errors)).encode()}
    for file in desk.root.rglob("*"):
        haystacks[f"the name of {file.name}"] = str(file).encode()
        if file.is_file() and not _may_hold(desk, file):
            haystacks[str(file)] = file.read_bytes()
    for where, content in haystacks.items():
        for secret in secrets:
            for spelling in spellings(secret):
                assert spelling not in content, f"a secret is in {where}"


def _may_hold(desk: Desk, file: Path) -> bool:
    return file.relative_to(desk.root).parts[:1] == (".krakenctl",) and any(
        part.startswith(MAY_HOLD) for part in file.relative_to(desk.root).parts[1:]
    )


def _chain(error: BaseException | None) -> Iterator[str]:
    """What it says of itself, and all that it hangs on."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield from (str(one), repr(one), repr(one.args), repr(getattr(one, "__dict__", "")))
        waiting += [one.__cause__, one.__context__]


def _echo(request, deed):
    """The deed, and then a page that is no JSON around the true answer."""
    return d.answer(request, 200, b"<pre>" + deed().content)


def _quoting(request, deed):
    """The deed, and then an answer of an odd shape."""
    body = json.loads(deed().content)
    return d.answer(request, 200, json.dumps({"error": [], "result": [body.get("result")]}).encode())
