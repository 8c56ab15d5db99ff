"""Does a saved plan still say what a fresh one would? Pure. A plan is never trusted as an instruction."""

from __future__ import annotations

from krakenctl.model.plan import Change, Plan


def moved(saved: Plan, fresh: Plan) -> tuple[str, ...]:
    """What differs between the two, a line each; empty when the saved plan may be applied.

    Only meaning counts: another comment in a manifest, or a key used in between, moves nothing.
    """
    return (*_frame(saved, fresh), *_accounts(saved, fresh), *_changes(saved, fresh))


def _frame(saved: Plan, fresh: Plan) -> list[str]:
    """A plan made before there was a state has no lineage; what could be wrong with it shows in its changes."""
    pairs = {
        "workspace": (saved.workspace, fresh.workspace),
        "endpoint": (saved.endpoint, fresh.endpoint),
        "lineage of the state": (saved.lineage or fresh.lineage, fresh.lineage),
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
            lines.append(f"{address}: {_difference(was.get(address, []), now.get(address, []))}")
    return lines


def _difference(was: list[Change], now: list[Change]) -> str:
    """Field by field where both would do the same; else what each would do."""
    if len(was) == len(now) == 1 and was[0].action is now[0].action:
        before, after = ({field.field: field.after for field in change.fields} for change in (was[0], now[0]))
        moved = [name for name in dict.fromkeys((*before, *after)) if before.get(name) != after.get(name)]
        if moved:
            return "; ".join(
                f"{name} planned {_value(before.get(name))}, now {_value(after.get(name))}" for name in moved
            )
    return f"planned {_summary(was)}, now {_summary(now)}"


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _by_address(plan: Plan) -> dict[str, list[Change]]:
    """One address may have two changes: a key left by an interrupted run goes, a new one comes."""
    groups: dict[str, list[Change]] = {}
    for change in plan.changes:
        groups.setdefault(str(change.address), []).append(change)
    return groups


def _summary(changes: list[Change]) -> str:
    if not changes:
        return "nothing to do"
    return " and ".join(f"{c.action.value} ({', '.join(f.field for f in c.fields) or 'no field'})" for c in changes)
