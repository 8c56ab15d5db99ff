"""The words that plans and reports share, whatever they are rendered as. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from krakenctl.model.address import Address
from krakenctl.model.coverage import Coverage
from krakenctl.model.finding import Finding, Severity
from krakenctl.model.plan import Action, Cause, Change, FieldChange, Overlap, Plan, SavedPlan, Step, Verb
from krakenctl.model.time import show_duration, show_time
from krakenctl.render.paint import count, visible

SIGNS = {
    Action.CREATE: "+",
    Action.REPLACE: "±",
    Action.ROTATE: "↻",
    Action.UPDATE: "~",
    Action.REVOKE: "−",
    Action.FORGET: "∅",
    Action.BLOCKED: "!",
}
COLOURS = {
    Action.CREATE: "green",
    Action.REPLACE: "yellow",
    Action.ROTATE: "yellow",
    Action.UPDATE: "cyan",
    Action.REVOKE: "red",
    Action.FORGET: "magenta",
    Action.BLOCKED: "red",
}
SEEN = {
    Coverage.COMPLETE: "every key is seen",
    Coverage.OUR_CLIENT: "only keys made by our client are seen; keys made on the website or by other clients are not",
    Coverage.HELD: "only keys whose secrets are kept here are seen; other keys made on the website are not",
    Coverage.NONE: "no live key is seen",
}
_COUNTED = {
    Action.CREATE: "to create",
    Action.REPLACE: "to replace",
    Action.ROTATE: "to rotate",
    Action.UPDATE: "to update in place",
    Action.REVOKE: "to revoke",
    Action.FORGET: "to forget",
    Action.BLOCKED: "blocked",
    Action.UNCHANGED: "unchanged",
}
_TAKEN_AS_RECORDED = "key-not-asked"  # the rule of plan/byhand.py
_CONTAINED_AND_LIVE = "contained-key-live"  # that of plan/contained.py


def summary(plan: Plan) -> str:
    """`3 to create · 1 to replace · 15 unchanged`; what there is none of is left out."""
    parts = [f"{plan.count(action)} {words}" for action, words in _COUNTED.items() if plan.count(action)]
    if gaps := sum(change.gap for change in plan.changes):
        parts.append(f"{gaps} with a GAP")
    return " · ".join(parts) or "nothing is declared, and nothing is there"


def in_order(plan: Plan) -> str:
    """Of a plan with nothing to do: as much as was seen, and no more."""
    if any(finding.rule == _CONTAINED_AND_LIVE for finding in plan.findings):
        return "No changes; but a key lives that was to be revoked, as said above."
    unseen = sum(finding.rule == _TAKEN_AS_RECORDED for finding in plan.findings)
    if unseen:
        return f"No changes in what was seen. {count(unseen, 'key')} could not be asked, as said above."
    return "No changes. What is live is what is declared."


def value(raw: object) -> str:
    if raw is None:
        return "none"
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, (list, tuple)):
        return ", ".join(visible(str(item)) for item in raw) or "none"
    return visible(str(raw))


def field(change: FieldChange) -> str:
    """`+ query-ledger − close-trades`, or `from → to`, or just the value of a new key."""
    if change.added or change.removed:
        return " ".join([*(f"+{visible(item)}" for item in change.added), *(f"−{visible(i)}" for i in change.removed)])
    if change.before is None:
        return value(change.after)
    return f"{value(change.before)} → {value(change.after)}"


def steps(change: Change) -> str:
    """`issue mm-btc.a7.g2 → store → check → promote → revoke mm-btc.a7.g1`: a name where it changes."""
    words, last = [], ""
    for step in change.steps:
        words.append(_step(step, last))
        last = step.name
    return " → ".join(words)


def _step(step: Step, last: str) -> str:
    verb = "request sub-account" if step.verb is Verb.REQUEST else step.verb.value
    return verb if step.name == last else f"{verb} {visible(step.name)}"


def life(change: Change, *, by_person: bool = False) -> str:
    """How long the old and the new key live, and whether the consumer stands without one in between."""
    if change.old is None or change.new is None or change.action is Action.UPDATE:
        return ""
    old, new = visible(change.old.name), visible(change.new.name)
    if Cause.EXPIRED in change.causes:
        since = show_time(change.old.spec.valid_until)
        return f"{old} has expired: its consumer has had no key since {since}, and has none until {new} is promoted"
    if change.gap:
        return (
            f"{old} is revoked before {new} is issued: a GAP, the consumer stands without a key until {new} is promoted"
        )
    if Cause.SILENT in change.causes:
        return f"{old} may be dead already: then its consumer has no key until {new} is promoted"
    return f"{old} {_lives(change, new, by_person=by_person)}; no gap"


def _lives(change: Change, new: str, *, by_person: bool) -> str:
    if change.overlap:
        return f"lives on for {show_duration(change.overlap)} after {new} is promoted, then it is revoked"
    if by_person:  # who is asked for that, before anything is deleted
        return f"lives until {new} is promoted and a person says that its program uses it"
    return f"lives until {new} is promoted, then it is revoked"


def without_said(plan: Plan) -> Iterator[Change]:
    """Its changes. The reason for which an earlier run's is still under way stands above them already."""
    said = [f": {recovery.why}" for recovery in plan.recovery]
    for change in plan.changes:
        yield replace(change, reasons=tuple(_shortened(reason, said) for reason in change.reasons))


def _shortened(reason: str, said: Sequence[str]) -> str:
    why = next(filter(reason.endswith, said), "")
    return f"{reason.removesuffix(why)}, as said above" if why else reason


_TAKEN = (Verb.ISSUE, Verb.UPDATE, Verb.REVOKE)  # by a person, where no API does it


def by_hand(plan: Plan) -> str:
    """What people have to do of it themselves; empty: nothing."""
    theirs = {account.name: account.traits.called for account in plan.accounts if account.by_person}
    on = [change for change in plan.changes if change.address.kind == "ApiKey" and change.account in theirs]
    steps = sum(step.verb in _TAKEN for change in on for step in change.steps)
    if not steps:
        return ""
    where = " and ".join(sorted({theirs[change.account] for change in on}))
    return f"By a person on {where}: {count(steps, 'step')}. At a terminal, `krakenctl apply` says what to do."


MANY = 3  # of a sort, that are still told one by one


def cut_short(plan: Plan) -> str:
    """What the consumers of replaced keys should know; empty: all of them keep the time they were promised."""
    early = [change.old for change in plan.changes if change.old and Cause.SUPERSEDED in change.causes]
    running = [old for old in early if not old.spec.has_ended(plan.now)]  # the end that its overlap gave it
    if not running:
        return ""
    end = max(old.spec.valid_until for old in running)
    until = f"; the last would have lasted until {show_time(end)}" if end else ""
    return f"{count(len(running), 'overlap')} {'ends' if len(running) == 1 else 'end'} early{until}."


FEW = 5  # addresses that are named; the JSON has them all


def alike(findings: Sequence[Finding]) -> Iterator[tuple[Finding, tuple[Finding, ...]]]:
    """Each finding, and those that say the same of other resources; the JSON has them all. Errors stand alone."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        hint = finding.hint.replace(finding.address, "") if finding.address else finding.hint
        one = finding.severity is Severity.ERROR
        groups.setdefault(number if one else (finding.rule, finding.severity, hint), []).append(finding)
    for group in groups.values():
        shown = 1 if len(group) > MANY else len(group)
        yield from ((finding, ()) for finding in group[: shown - 1])
        yield group[shown - 1], tuple(group[shown:])


def more(findings: Sequence[Finding]) -> str:
    return f"… and {len(findings)} more (`krakenctl plan -o json` names them all)"


def overlaps(running: Sequence[Overlap]) -> str:
    """In place of more than a few; empty: they are told one by one."""
    if len(running) <= MANY:
        return ""
    return f"{len(running)} overlaps running, the first ends {show_time(min(each.until for each in running))}"


def verdict(plan: Plan) -> str:
    if plan.is_blocked:
        return "Blocked: apply refuses this plan, because it goes beyond a safety limit."
    return "Beyond a safety limit, and allowed for this run:"


def some(addresses: Sequence[Address]) -> str:
    listed = ", ".join(map(str, addresses[:FEW]))
    return f"{listed} and {len(addresses) - FEW} more" if len(addresses) > FEW else listed


def end(saved: SavedPlan, now: int) -> tuple[str, bool]:
    """Until when it may be applied, and whether that is over."""
    if now >= saved.expires:
        return f"Expired at {show_time(saved.expires)}: apply refuses it.", True
    return f"Can be applied until {show_time(saved.expires)}.", False
