"""What the run that is struck has to do: one kind of step each. A scenario is manifests before and after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import desk as d
from desk import DAY, Desk, Doc
from krakenctl.sandbox import accounts, keys
from krakenctl.sandbox.connect import clients
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.people import seed

Docs = tuple[Doc, ...]

BOT, VIEW = "ApiKey/acme/bot", "ApiKey/acme/view"
OTHER_WORKSPACE = ("bot.b9.g1", "view.b9.g2")  # its keys are made through the same client, so our list shows them
BY_HAND = "by hand"
LISTED_STRANGERS = (*OTHER_WORKSPACE, "another tool's")

_OVERLAP = {"rotation": {"overlap": "24h"}}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`after` is what the struck run applies. `before` was applied, one after another, without any trouble."""

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
    parallelism: int = 1  # above 1 the boundaries of several accounts come in any order

    @property
    def manifests(self) -> Docs:
        """In force when all is done."""
        return self.after if self.back is None else self.back

    def path(self, address: str) -> str:
        return self.secrets.get(address, address.removeprefix("ApiKey/"))

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
            goes=frozenset({"bot.a7.g1"}),
        ),
        Scenario(  # and what was to be issued is beyond the ceiling by then
            name="replace-taken-back",
            before=(_BASE,),
            after=(_account(), _key("bot", "query-ledger"), _key("view")),
            back=(d.account(permissions={"deny": ["withdraw-funds", "query-ledger"]}), _key("bot"), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
            goes=frozenset({"bot.a7.g1"}),
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
            goes=frozenset({"bot.a7.g1"}),
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
            goes=frozenset({"bot.a7.g1"}),
        ),
        Scenario(
            name="rotate",
            before=(_BASE,),
            after=(_account(), _key("bot", rotation={"trigger": "leaked"}), _key("view")),
            grants={BOT: "query-funds", VIEW: "query-funds"},
            goes=frozenset({"bot.a7.g1"}),
        ),
        Scenario(
            name="revoke",
            before=(_BASE,),
            after=(_account(), _key("view")),
            grants={VIEW: "query-funds"},
            ends=frozenset({"acme/bot"}),
            goes=frozenset({"bot.a7.g1"}),
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
            goes=frozenset({"bot.a7.g1"}),
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
    )
}


def prepare(scenario: Scenario, root: Path, set_switches: Callable[[Desk], None]) -> Desk:
    """The workspace as the struck run finds it, with strangers on its account."""
    desk = d.make_desk(root)
    set_switches(desk)
    _remember_every_secret(desk)
    _move_in_strangers(desk)
    for documents in scenario.before:
        desk.declare(*documents)
        desk.run("init")  # signs up the accounts that are new
        desk.applied()
    desk.advance(scenario.days * DAY)
    desk.declare(*scenario.after)
    return desk


def _move_in_strangers(desk: Desk) -> None:
    seed.seed_website_key(desk.db, "acme", BY_HAND, ["withdraw-funds"])
    with opened(desk.db) as database, database.write() as connection:
        context, account = read_context(connection), accounts.known(connection, "acme")
        for name in LISTED_STRANGERS:
            keys.insert(connection, account.id, clients.DEFAULT, context.second, keys.Wish(name, frozenset()))


def _remember_every_secret(desk: Desk) -> None:
    """In the exchange's own file, so that those of keys that came and went are looked for, too."""
    with opened(desk.db) as database, database.write() as connection:
        connection.execute("CREATE TABLE ever AS SELECT secret FROM key")
        connection.execute("CREATE TRIGGER ever AFTER INSERT ON key BEGIN INSERT INTO ever VALUES (new.secret); END")
