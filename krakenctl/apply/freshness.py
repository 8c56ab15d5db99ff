"""Does a saved plan still say what a fresh one would? Pure. A plan is never trusted as an instruction."""

from __future__ import annotations

from krakenctl.model.plan import Change, Plan


def moved(saved: Plan, fresh: Plan) -> tuple[str, ...]:
    """What differs between the two, a line each; empty when the saved plan may be applied.

    Only meaning counts: another comment in a manifest, or a key used in between, moves nothing.
    """
    return (*_frame(saved, fresh), *_accounts(saved, fresh), *_changes(saved, fresh))


def _frame(saved: Plan, fresh: Plan) -> list[str]:
    pairs = {
        "workspace": (saved.workspace, fresh.workspace),
        "endpoint": (saved.endpoint, fresh.endpoint),
        "lineage of the state": (saved.lineage, fresh.lineage),
    }
    return [f"{what}: planned “{was}”, now “{now}”" for what, (was, now) in pairs.items() if was != now]


def _accounts(saved: Plan, fresh: Plan) -> list[str]:
    was = {account.name: account.iiban for account in saved.accounts}
    now = {account.name: account.iiban for account in fresh.accounts}
    return [
        f"account {name}: planned for {was.get(name) or 'no IIBAN'}, now {now.get(name) or 'no IIBAN'}"
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def _changes(saved: Plan, fresh: Plan) -> list[str]:
    was, now = _by_address(saved), _by_address(fresh)
    lines = []
    for address in dict.fromkeys((*was, *now)):
        if was.get(address) != now.get(address):
            lines.append(f"{address}: planned {_summary(was.get(address))}, now {_summary(now.get(address))}")
    return lines


def _by_address(plan: Plan) -> dict[str, list[Change]]:
    """One address may have two changes: a key left by an interrupted run goes, a new one comes."""
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(str(change.address), []).append(change)
    return groups


def _summary(changes: list[Change] | None) -> str:
    if not changes:
        return "nothing to do"
    return " and ".join(f"{c.action.value} ({', '.join(f.field for f in c.fields) or 'no field'})" for c in changes)
