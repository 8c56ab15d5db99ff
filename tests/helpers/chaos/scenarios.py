"""What the run that is struck has to do: one kind of step each. A scenario is manifests before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import desk as d
from chaos.hand import Persons, at_hand
from desk import DAY, Desk, Doc
from krakenctl.sandbox import accounts, keys
from krakenctl.sandbox.connect import clients
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.people import seed

Docs = tuple[Doc, ...]
Command = tuple[str, ...]

APPLY: Command = ("apply", "--yes", *d.MEANT)
TICK: Command = ("tick",)
PLAN = "reviewed.plan"
BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"
OTHER_WORKSPACE = ("bot.b9.g1", "view.b9.g2")  # its keys are made through the same client, so our list shows them
BY_HAND = "by hand"
LISTED_STRANGERS = (*OTHER_WORKSPACE, "another tool's")

_OVERLAP = {"rotation": {"overlap": "24h"}}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`after` is what the struck run brings. `before` was applied, one after another, without any trouble."""

    name: str
    before: tuple[Docs, ...]
    after: Docs
    grants: Mapping[str, str]  # what must be there in the end and nothing else: permissions by address
    secrets: Mapping[str, str] = field(default_factory=dict)  # paths by address, where they are not account/name
    days: float = 0  # that pass between before and after
    gap: frozenset[str] = frozenset()  # paths whose consumers were told of a gap (revoke-first)
    ends: frozenset[str] = frozenset()  # paths that need no secret any more
    goes: frozenset[str] = frozenset()  # names of keys that the plan says it revokes
    released: frozenset[str] = frozenset()  # names of keys that live on and are no longer ours
    back: Docs | None = None  # what the runs after the struck one apply; None: the same
    run: Command = APPLY  # the struck run; `{root}` is the workspace's folder
    again: Command = APPLY  # what has to put everything right, run until it leaves with 0
    killed: str = ""  # an apply was killed at this boundary before: the struck run is the one that recovers
    leaves: Mapping[str, str] = field(default_factory=dict)  # what plan shows in the end: actions by address
    dies: frozenset[str] = frozenset()  # names of keys that must be gone in the end
    evidence: frozenset[str] = frozenset()  # paths whose slots keep dead secrets
    parallelism: int = 1  # above 1 the boundaries of several accounts come in any order
    hand: Persons | None = None  # who makes the keys, where no API does, and is there for the first command
    later: Persons | None = None  # and for those after it; None: the same
    prepared: Callable[[Desk], None] = lambda _: None  # what somebody has done before the struck run

    @property
    def manifests(self) -> Docs:
        """In force when all is done."""
        return self.after if self.back is None else self.back

    def path(self, address: str) -> str:
        return self.secrets.get(address, address.removeprefix("ApiKey/"))

    def by(self, run: Command, *, again: Command) -> Scenario:
        return replace(self, run=run, again=again)

    def declare(self, desk: Desk) -> None:
        desk.declare(*self.manifests)


def _account(**spec: object) -> Doc:
    return d.account(permissions={"deny": ["withdraw-funds"]}, **spec)


def _key(name: str, permission: str = "query-funds", **spec: object) -> Doc:
    return d.key(name, permission, **spec)


_ANYWHERE = {"keyDefaults": {"ipAllowlist": "any", "validFor": "180d"}}
_FULL = {"limits": {"keysPerAccount": 2 + len(LISTED_STRANGERS)}}
_KEPT_PATH = {"secret": {"path": "acme/bot"}}
_BETA = d.account("beta", permissions={"deny": ["withdraw-funds"]})
_BASE = (_account(), _key("bot"), _key("view"))
_WIDER = {BOT: "query-ledger", VIEW: "query-funds"}
_SAME = {BOT: "query-funds", VIEW: "query-funds"}
_FIRST = frozenset({"bot.a7.g1"})
_BOTH = _FIRST | {"bot.a7.g2"}
_REPLACED = (_account(), _key("bot", "query-ledger"), _key("view"))
_RETIRED = (
    (_account(), _key("bot", **_OVERLAP), _key("view")),
    (_account(), _key("bot", "query-ledger", **_OVERLAP), _key("view")),
)
_AGING = (_account(), _key("bot", rotation={"maxAge": "30d", "overlap": "24h"}), _key("view"))
_SAVED: Command = ("apply", f"{{root}}/{PLAN}", "--yes", *d.MEANT)
_COMPROMISED: Command = ("rotate", BOT, "--compromised", "--yes", "--reason", "a test")
_SWITCH: Command = ("revoke", "--yes", "--reason", "a test")
_RECOVERED = {"before": (_BASE,), "after": _REPLACED, "grants": _WIDER, "run": ("recover",), "again": ("recover",)}

SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="create",
            before=((_account(), _key("view")),),
            after=_BASE,
            grants={BOT: "query-funds", VIEW: "query-funds"},
        ),
        Scenario(  # the only keys that krakenctl may ask about themselves
            name="create-anywhere",
            before=((_account(**_ANYWHERE), _key("view")),),
            after=(_account(**_ANYWHERE), _key("bot"), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
        ),
        Scenario(
            name="replace",
            before=(_BASE,),
            after=(_account(), _key("bot", "query-ledger"), _key("view")),
            grants=_WIDER,
            goes=_FIRST,
        ),
        Scenario(  # and what was to be issued is beyond the ceiling by then
            name="replace-taken-back",
            before=(_BASE,),
            after=(_account(), _key("bot", "query-ledger"), _key("view")),
            back=(d.account(permissions={"deny": ["withdraw-funds", "query-ledger"]}), _key("bot"), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
            goes=_FIRST,
        ),
        Scenario(
            name="replace-overlap",
            before=((_account(), _key("bot", **_OVERLAP), _key("view")),),
            after=(_account(), _key("bot", "query-ledger", **_OVERLAP), _key("view")),
            grants=_WIDER,
        ),
        Scenario(
            name="replace-revoke-first",
            before=((_account(**_FULL), _key("bot"), _key("view")),),
            after=(_account(**_FULL), _key("bot", "query-ledger"), _key("view")),
            grants=_WIDER,
            gap=frozenset({"acme/bot"}),
            goes=_FIRST,
        ),
        Scenario(
            name="overlap-ended",
            before=(
                (_account(), _key("bot", **_OVERLAP), _key("view")),
                (_account(), _key("bot", "query-ledger", **_OVERLAP), _key("view")),
            ),
            after=(_account(), _key("bot", "query-ledger", **_OVERLAP), _key("view")),
            days=1.5,
            grants=_WIDER,
            goes=_FIRST,
        ),
        Scenario(
            name="rotate",
            before=(_BASE,),
            after=(_account(), _key("bot", rotation={"trigger": "leaked"}), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
            goes=_FIRST,
        ),
        Scenario(
            name="revoke",
            before=(_BASE,),
            after=(_account(), _key("view")),
            grants={VIEW: "query-funds"},
            ends=frozenset({"acme/bot"}),
            goes=_FIRST,
        ),
        Scenario(
            name="update",
            before=(_BASE,),
            after=(_account(), _key("bot", ipAllowlist=[d.HOME, "198.51.100.7"]), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
        ),
        Scenario(
            name="sub-account",
            before=((_account(), _key("view")),),
            after=(_account(), d.subaccount("mm"), _key("bot", on="mm"), _key("view")),
            grants={"ApiKey/mm/bot": "query-funds", VIEW: "query-funds"},
        ),
        Scenario(
            name="rename",
            before=((_account(), _key("bot", **_KEPT_PATH), _key("view")),),
            after=(_account(), _key("robot", metadata={"formerly": ["bot"]}, **_KEPT_PATH), _key("view")),
            grants={"ApiKey/acme/robot": "query-funds", VIEW: "query-funds"},
            secrets={"ApiKey/acme/robot": "acme/bot"},
        ),
        Scenario(
            name="rename-replace",
            before=(_BASE,),
            after=(_account(), _key("robot", "query-ledger", metadata={"formerly": ["bot"]}), _key("view")),
            grants={"ApiKey/acme/robot": "query-ledger", VIEW: "query-funds"},
            ends=frozenset({"acme/bot"}),
            goes=_FIRST,
        ),
        Scenario(
            name="forget",
            before=(_BASE,),
            after=(_account(), _key("view"), d.removed(BOT, "forget")),
            grants={VIEW: "query-funds"},
            released=frozenset({"bot.a7.g1"}),
        ),
        Scenario(
            name="two-accounts",
            before=((*_BASE, _BETA, _key("beat", on="beta")),),
            after=(
                *_BASE[:1],
                _key("bot", "query-ledger"),
                _key("view"),
                _BETA,
                _key("beat", "query-ledger", on="beta"),
            ),
            grants={**_WIDER, "ApiKey/beta/beat": "query-ledger"},
            goes=frozenset({"bot.a7.g1", "beat.a7.g1"}),
            parallelism=4,
        ),
        Scenario(name="first-run", before=(), after=_BASE, grants=_SAME),  # and it makes the state
        Scenario(  # the new key is not to live for long
            name="replace-short",
            before=(_BASE,),
            after=(_account(), _key("bot", "query-ledger", validFor="20d"), _key("view")),
            grants=_WIDER,
            goes=_FIRST,
        ),
        Scenario(name="tick-ends", before=_RETIRED, after=_RETIRED[-1], days=1.5, grants=_WIDER, goes=_FIRST).by(
            TICK, again=TICK
        ),
        Scenario(name="tick-rotates", before=(_AGING,), after=_AGING, days=29.9, grants=_SAME, goes=_FIRST).by(
            TICK, again=TICK
        ),
        Scenario(name="rotate-one", before=(_BASE,), after=_BASE, grants=_SAME, goes=_FIRST).by(
            ("rotate", BOT, "--yes"), again=APPLY
        ),
        Scenario(
            name="rotate-compromised",
            before=(_BASE,),
            after=_BASE,
            grants=_SAME,
            gap=frozenset({"acme/bot"}),
            goes=_FIRST,
            dies=_FIRST,
        ).by(_COMPROMISED, again=_COMPROMISED),
        Scenario(
            name="kill-switch",
            before=_RETIRED,
            after=_RETIRED[-1],
            grants={VIEW: "query-funds"},
            ends=frozenset({"acme/bot"}),
            evidence=frozenset({"acme/bot"}),
            goes=_BOTH,
            dies=_BOTH,
            leaves={BOT: "create"},
        ).by((*_SWITCH, BOT), again=(*_SWITCH, BOT)),
        Scenario(
            name="kill-switch-under",
            before=(_BASE,),
            after=_BASE,
            grants={},
            ends=frozenset({"acme/bot", "acme/view"}),
            evidence=frozenset({"acme/bot", "acme/view"}),
            goes=frozenset({"bot.a7.g1", "view.a7.g1"}),
            dies=frozenset({"bot.a7.g1", "view.a7.g1"}),
            leaves={BOT: "create", VIEW: "create"},
        ).by((*_SWITCH, "--under", "acme"), again=(*_SWITCH, "--under", "acme")),
        Scenario(
            name="saved-plan",
            before=((_account(), _key("bot"), _key("view"), _key("old")),),
            after=(_account(), _key("bot", "query-ledger"), _key("view"), _key("new")),
            grants={**_WIDER, "ApiKey/acme/new": "query-funds"},
            ends=frozenset({"acme/old"}),
            goes=frozenset({"bot.a7.g1", "old.a7.g1"}),
        ).by(_SAVED, again=_SAVED),
        Scenario(name="recover-begun", **_RECOVERED, goes=_BOTH, killed="after http POST /oauth/fast-api-key"),
        Scenario(name="recover-stored", **_RECOVERED, goes=_BOTH, killed="after state advance"),
        Scenario(name="recover-promoted", **_RECOVERED, goes=_BOTH, killed="after state promote"),
    )
}


def prepare(scenario: Scenario, root: Path, set_switches: Callable[[Desk], None]) -> Desk:
    """The workspace as the struck run finds it, with strangers on its account."""
    desk = d.make_desk(root)
    with at_hand(root, scenario.later or scenario.hand):
        return _prepared(desk, scenario, set_switches)


def _prepared(desk: Desk, scenario: Scenario, set_switches: Callable[[Desk], None]) -> Desk:
    set_switches(desk)
    _remember_every_secret(desk)
    _move_in_strangers(desk)
    if scenario.leaves:  # else the kill switch leaves it to a person whether one of them is ours, renamed
        desk.advance(1)
    for documents in scenario.before:
        desk.declare(*documents)
        desk.run("init")  # signs up the accounts that are new
        desk.applied()
    desk.advance(scenario.days * DAY)
    desk.declare(*scenario.after)
    if f"{{root}}/{PLAN}" in scenario.run:
        assert desk.run("plan", "--out", desk.root / PLAN).code == 0
    scenario.prepared(desk)
    _write_down_every_deed(desk)
    return desk


def _move_in_strangers(desk: Desk) -> None:
    seed.seed_website_key(desk.db, "acme", BY_HAND, ["withdraw-funds"])
    with opened(desk.db) as database, database.write() as connection:
        context, account = read_context(connection), accounts.known(connection, "acme")
        for name in LISTED_STRANGERS:
            keys.insert(connection, account.id, clients.DEFAULT, context.second, keys.KeyWish(name, frozenset()))


def _remember_every_secret(desk: Desk) -> None:
    """In the exchange's own file, so that those of keys that came and went are looked for, too."""
    with opened(desk.db) as database, database.write() as connection:
        connection.execute("CREATE TABLE ever AS SELECT secret FROM key")
        connection.execute("CREATE TRIGGER ever AFTER INSERT ON key BEGIN INSERT INTO ever VALUES (new.secret); END")


def _write_down_every_deed(desk: Desk) -> None:
    """What the exchange was asked to do, and did, from here on: a line of the audit log has to tell of each.

    People do theirs on the website, so that their keys have no client; a key is renamed by nobody else.
    """
    with opened(desk.db) as database, database.write() as connection:
        connection.execute("CREATE TABLE deed (verb, name, public_key)")
        connection.execute(
            "CREATE TRIGGER issued AFTER INSERT ON key WHEN new.client <> ''"
            " BEGIN INSERT INTO deed VALUES ('issue', new.name, new.public_key); END"
        )
        connection.execute(
            "CREATE TRIGGER ended AFTER DELETE ON key WHEN old.signs_until IS NULL AND old.client <> ''"
            " BEGIN INSERT INTO deed VALUES ('revoke', old.name, old.public_key); END"
        )
        connection.execute(
            "CREATE TRIGGER ended_slowly AFTER UPDATE OF signs_until ON key WHEN old.signs_until IS NULL"
            " BEGIN INSERT INTO deed VALUES ('revoke', new.name, new.public_key); END"
        )
