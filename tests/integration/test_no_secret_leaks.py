"""Every secret and token that the sandbox ever gave away is searched for wherever it must not be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

import desk as d
from desk import Desk, Wire
from krakenctl import cli
from krakenctl.errors import KrakenctlError
from krakenctl.sandbox.people import seed
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


def test_a_traceback_of_a_bug_shows_no_secret(desk: Desk, wire: Wire, monkeypatch: pytest.MonkeyPatch):
    from krakenctl.state.sql import SqlState

    desk.declare(d.account(), d.key("bot"))

    def bug(*_: object) -> None:
        raise ZeroDivisionError("a bug, with a secret in the frames above")

    monkeypatch.setattr(SqlState, "advance", bug)
    with pytest.raises(ZeroDivisionError) as caught:
        cli.main(["-C", str(desk.root), "apply", "--yes"])
    text = "\n".join(_chain(caught.value)) + "".join(
        repr(value) for frame in caught.traceback for value in frame.locals.values() if _is_plain(value)
    )
    for secret in _given_away(desk, wire):
        assert secret not in text


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
    yield desk.apply(desk.root / "second.plan")  # stale
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


def _spellings(secret: str) -> set[bytes]:
    texts = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    found = {text.encode() for text in texts} | {base64.b64encode(secret.encode())}
    if secret.endswith("=") or len(secret) == 88:  # Kraken's secrets are base64
        raw = base64.b64decode(secret)
        found |= {raw, raw.hex().encode(), raw.hex().upper().encode(), repr(raw)[2:-1].encode()}
    return found


def _search(desk: Desk, told: Told, secrets: set[str]) -> None:
    errors = [line for error in told.raised for line in _chain(error)]
    haystacks = {"what was printed or raised": "\n".join((*told.texts, *errors)).encode()}
    for file in desk.root.rglob("*"):
        haystacks[f"the name of {file.name}"] = str(file).encode()
        if file.is_file() and not _may_hold(desk, file):
            haystacks[str(file)] = file.read_bytes()
    for where, content in haystacks.items():
        for secret in secrets:
            for spelling in _spellings(secret):
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


def _is_plain(value: object) -> bool:
    """What a crash report would print of a frame of ours; not the tests' own, nor what came over the wire."""
    return type(value).__module__.startswith("krakenctl.")


def _echo(request, deed):
    """The deed, and then a page that is no JSON around the true answer."""
    return d.answer(request, 200, b"<pre>" + deed().content)


def _quoting(request, deed):
    """The deed, and then an answer of an odd shape."""
    body = json.loads(deed().content)
    return d.answer(request, 200, json.dumps({"error": [], "result": [body.get("result")]}).encode())
