"""One plan for each thing that a plan can say, made by the planner: what golden files and schemas are held against."""

from dataclasses import replace

from krakenctl.model.finding import Finding, Severity
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.origin import Origin
from krakenctl.model.permission import Permission
from krakenctl.model.recovery import Move, Recovery
from krakenctl.model.safety import Limit, Raised, Safety
from krakenctl.plan.guard import PlanGround, guarded
from plan_builders import (
    DAY,
    HOUR,
    NOW,
    READ,
    account,
    alive,
    bot,
    draw,
    memory,
    on,
    recorded,
    stranger,
    sub_account,
    wish,
)


def plans():
    """By name, in the order in which a reader meets them."""
    return {name: make() for name, make in _SCENES.items()}


def _one(declared, *records, limit=None, others=(), retired=(), **more):
    live = on(*(alive(record) for record in (*records, *retired)), *others)
    desired = wish(*declared, accounts=[account(keys_limit=limit)], forget=more.pop("forget", ()))
    return draw(desired, live, recorded=memory(*records, retired=retired, **more))


def _create():
    wide = bot("dashboard", grants=frozenset(Permission), ip_allowlist=(), nonce_window=5, query_from=NOW)
    return _one([bot("mm-btc", valid_for=180 * DAY), wide])


def _replace_with_overlap():
    key = bot("mm-btc", overlap=DAY, valid_for=180 * DAY)
    wanted = replace(key, grants=READ | {Permission.QUERY_LEDGER}, ip_allowlist=("198.51.100.0/28", "203.0.113.10"))
    return _one([wanted], recorded(key))


def _replace_with_gap():
    return _one([bot("mm-btc", grants=READ, overlap=DAY)], recorded(bot("mm-btc", overlap=DAY)), limit=1)


def _rotate():
    due = bot("due", max_age=90 * DAY)
    expired, asked = bot("expired", valid_for=30 * DAY), bot("asked", trigger="leak of march")
    records = recorded(due, issued=NOW - 90 * DAY), recorded(expired, issued=NOW - 31 * DAY), recorded(bot("asked"))
    return _one([due, expired, asked], *records)


def _update():
    old, protected = recorded(bot("mm-btc", valid_for=90 * DAY)), bot("vault", protect=True)
    wanted = bot("mm-btc", valid_for=180 * DAY, ip_allowlist=(), nonce_window=5)
    named = bot("new-name", formerly=(bot("old-name").address,), secret=bot("old-name").secret)
    return _one([wanted, protected, named], old, recorded(bot("vault")), recorded(bot("old-name")))


def _revoke():
    ended = bot("ended", valid_until=NOW)
    old, ours = recorded(bot("mm-btc"), retired_until=NOW), recorded(bot("mm-btc"), generation=2)
    records = ours, recorded(ended), recorded(bot("unwanted", grants=frozenset(Permission)))
    return _one([bot("mm-btc"), ended], *records, retired=[old])


def _recovery():
    """Three changes that an interrupted run has left; the third has to wait."""
    why = {
        Move.REVOKE: "its secret is in no slot, so nobody can use it",
        Move.CLOSE: "it is in use; fix.a7.g1 is revoked",
    }
    why[Move.WAIT] = "whether its secret is kept cannot be read here"
    names = ("mm-btc", "fix", "quotes")
    left = [
        Recovery(address=bot(name).address, account="acme", name=f"{name}.a7.g2", move=move, why=why[move])
        for name, move in zip(names, why, strict=True)
    ]
    keys = [bot(name) for name in names]
    live = on(*(alive(recorded(key)) for key in keys))
    return draw(wish(*keys), live, recorded=memory(*map(recorded, keys)), recovery=left)


def _forget():
    return _one([], recorded(bot("handed-over")), forget=[bot("handed-over").address])


def _blocked():
    return _one([bot("one-too-many"), bot("vault")], recorded(bot("vault")), limit=1)


def _requested():
    accounts = (account(), sub_account(), sub_account("otc"), sub_account("arb"))
    desired = wish(bot("mm-btc", "desk", overlap=HOUR), bot("quotes", "otc"), bot("scan", "arb"), accounts=accounts)
    why = "requested; the owner of otc@acme.example has still to set it up and to authorise krakenctl"
    return draw(
        desired,
        on(),
        LiveAccount(name="desk", phase=Phase.ABSENT),
        LiveAccount(name="otc", phase=Phase.REQUESTED, reason=why),
        on(name="arb", iiban="AA34 N84G EXAM PLE2"),
    )


def _findings():
    place = Origin("manifests/bots.yaml", 12, 7)
    related = (("account acme denies it", Origin("manifests/account.yaml", 4, 12)),)
    unused = Finding(
        rule="unused-set",
        severity=Severity.WARNING,
        message="no key and no set uses “monitor”",
        hint="delete it, or grant it to a key",
        origin=place,
        related=related,
    )
    live = on(stranger(), stranger("bot.a7.g9", valid_until=NOW))
    return draw(wish(bot("mm-btc")), live, findings=[unused])


def _no_changes():
    key, old = bot("mm-btc", overlap=DAY), recorded(bot("mm-btc"), retired_until=NOW + DAY)
    return _one([key], recorded(key, generation=2), retired=[old])


def _beyond_limits():
    """Twelve bots go, one comes that may withdraw from anywhere; the one is allowed, the others are not."""
    bots = [bot(f"bot-{number:02}") for number in range(12)]
    wanted = bot("payout", grants=frozenset({Permission.WITHDRAW_FUNDS}), ip_allowlist=())
    desired, records = wish(wanted), [recorded(one) for one in bots]
    plan = draw(desired, on(*map(alive, records)), recorded=memory(*records))
    raised = Raised(allow=frozenset({Limit.WITHDRAW}), reason="the new treasury")
    return guarded(plan, PlanGround(desired=desired, recorded=memory(*records)), Safety(), raised)


_SCENES = {
    "create": _create,
    "replace with overlap": _replace_with_overlap,
    "replace with a gap": _replace_with_gap,
    "rotate": _rotate,
    "update": _update,
    "revoke": _revoke,
    "forget": _forget,
    "blocked": _blocked,
    "recovery first": _recovery,
    "request sub-account": _requested,
    "findings": _findings,
    "beyond safety limits": _beyond_limits,
    "no changes": _no_changes,
    "nothing at all": lambda: draw(wish()),
}
