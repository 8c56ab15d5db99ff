"""What there is to do on an account whose keys a person makes on the website. See scenarios.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import desk as d
from chaos.hand import ANSWERS, hand, piped
from chaos.scenarios import BOT, SCENARIOS, VIEW, Docs, Scenario
from desk import Desk, Doc
from krakenctl.model.permission import Permission
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import MISTYPED, SHUT_OUT, toggled

_HERE = "127.0.0.1"  # where the embedded sandbox sees krakenctl
_ASKED = {"ipAllowlist": [_HERE, d.HOME], "validFor": "180d"}
_UNASKED = {"ipAllowlist": [d.HOME], "validFor": "180d"}  # this host is not let in
_DATED = {"ipAllowlist": [_HERE, d.HOME], "validUntil": "2027-07-01T00:00:00Z"}
_OVERLAP = {"rotation": {"overlap": "24h"}}
_FIRST = frozenset({"bot.a7.g1"})
_SAME = {BOT: "query-funds", VIEW: "query-funds"}
_WIDER = {BOT: "query-ledger", VIEW: "query-funds"}


def _account(defaults: Mapping[str, object] = _ASKED) -> Doc:
    return d.account(surface="website", keyDefaults=dict(defaults), permissions={"deny": ["withdraw-funds"]})


def _key(name: str, permission: str = "query-funds", **spec: object) -> Doc:
    return d.key(name, permission, consumer={"nonce": "ms"}, **spec)


def _two(permission: str = "query-funds", defaults: Mapping[str, object] = _ASKED, **spec: object) -> Docs:
    return (_account(defaults), _key("bot", permission, **spec), _key("view"))


def _follow(desk: Desk) -> None:
    """Make the key that the plan asks for, and write down what the page showed."""
    [change] = desk.plan()["changes"]
    name, until = next(step["name"] for step in change["steps"] if step["verb"] == "issue"), 1_814_400_000
    made = operate.make_key(
        desk.db, "acme", name, ["query-ledger"], ip_allowlist=_DATED["ipAllowlist"], valid_until=until
    )
    told = {"name": name, "apiKey": made["apiKey"], "secret": made["secret"]}
    file = desk.root / ANSWERS
    file.touch(mode=0o600)
    file.write_text(json.dumps(told) + "\n")


def _restrict(desk: Desk) -> None:
    """Somebody shuts this host out, and Kraken says that there is no such key."""
    desk.switch("check-order", "address-first")
    until = desk.rows()["bot.a7.g1"].valid_until
    operate.edit_key(desk.db, "acme", "bot.a7.g1", ["query-funds"], ip_allowlist=[d.HOME], valid_until=until)


_REPLACE = Scenario(
    name="hand-replace",
    before=(_two(),),
    after=_two("query-ledger"),
    grants=_WIDER,
    goes=_FIRST,
    hand=hand(),
)

BY_PERSON = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="hand-create", before=((_account(), _key("view")),), after=_two(), grants=_SAME, hand=hand()),
        _REPLACE,
        replace(_REPLACE, name="hand-mistaken", hand=hand(mistakes=(toggled(Permission.WITHDRAW_FUNDS),))),
        replace(  # which cannot be seen from here; who does not know any more what they did begins anew
            _REPLACE,
            name="hand-mistyped",
            hand=hand(mistakes=(MISTYPED,)),
            later=hand(begins_anew=True),
        ),
        replace(  # and says so of a key that lives on
            _REPLACE,
            name="hand-belied",
            hand=hand(mistakes=(MISTYPED,), begins_anew=True, deletes=False),
            later=hand(begins_anew=True, deletes=False),
        ),
        replace(
            _REPLACE,
            name="hand-overlap",
            before=(_two(**_OVERLAP),),
            after=_two("query-ledger", **_OVERLAP),
            goes=frozenset(),
        ),
        Scenario(
            name="hand-revoke",
            before=(_two(),),
            after=(_account(), _key("view")),
            grants={VIEW: "query-funds"},
            ends=frozenset({"acme/bot"}),
            goes=_FIRST,
            hand=hand(),
        ),
        Scenario(
            name="hand-update",
            before=(_two(),),
            after=_two(ipAllowlist=[_HERE, d.HOME, "198.51.100.7"]),
            grants=_SAME,
            hand=hand(),
        ),
        Scenario(
            name="hand-shut-out",
            before=(_two(),),
            after=_two(ipAllowlist=[_HERE, d.HOME, "198.51.100.7"]),
            grants=_SAME,
            hand=hand(mistakes=(SHUT_OUT,)),
            later=hand(),
        ),
        replace(  # nothing can be looked at: taken unseen, and the old one's end is somebody's word
            _REPLACE,
            name="hand-unseen",
            before=(_two(defaults=_UNASKED),),
            after=_two("query-ledger", defaults=_UNASKED),
            hand=hand(reason="a test"),
        ),
        replace(  # and not even true
            _REPLACE,
            name="hand-undeleted",
            before=(_two(defaults=_UNASKED),),
            after=_two("query-ledger", defaults=_UNASKED),
            hand=hand(reason="a test", deletes=False),
        ),
        replace(  # it fell silent before, lives on elsewhere, and is said to be deleted
            _REPLACE,
            name="hand-silent",
            before=(_two(),),
            after=_two(),
            grants=_SAME,
            hand=hand(deletes=False),
            prepared=_restrict,
        ),
        replace(  # a runbook was followed before the run began
            _REPLACE,
            name="hand-answers",
            before=(_two(defaults=_DATED),),
            after=_two("query-ledger", defaults=_DATED),
            hand=piped,
            later=hand(),
            prepared=_follow,
        ),
    )
}

ALL = SCENARIOS | BY_PERSON
