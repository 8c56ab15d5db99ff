"""A plan for a terminal: the summary first, then each change, field by field, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krakenctl.model.live import Phase
from krakenctl.model.plan import Action, Change, Plan, PlannedAccount
from krakenctl.model.time import show_time
from krakenctl.render import words
from krakenctl.render.findings_text import finding_lines
from krakenctl.render.paint import Paint, count, visible

INDENT = 6
LABEL = 13
FOOT = {
    Action.REPLACE: "± replace: a new key and secret, then the old key is revoked.",
    Action.ROTATE: "↻ rotate: the same grants, a new key and secret.",
}


def render(plan: Plan, paint: Paint) -> str:
    return "\n".join(_lines(plan, paint)) + "\n"


def _lines(plan: Plan, paint: Paint) -> Iterator[str]:
    yield f"{paint('Plan', 'bold')} for {plan.workspace} on {_endpoint(plan)}"
    yield paint(f"  {words.summary(plan)}", "bold")
    sections = _sections(plan)
    for account in plan.accounts:
        yield from _account(account, sections.get(account.name, ()), paint)
    for overlap in plan.overlaps:
        yield ""
        yield f"  {overlap.address}: {visible(overlap.name)} lives on until {show_time(overlap.until)} (overlap)"
    if plan.findings:
        yield ""
        yield from finding_lines(plan.findings, paint)
    yield ""
    yield from _foot(plan, paint)


def _endpoint(plan: Plan) -> str:
    return "the embedded sandbox" if plan.endpoint == "sandbox" else plan.endpoint


def _sections(plan: Plan) -> dict[str, list[Change]]:
    """By account. A sub-account's own change opens its section, though its master does it."""
    sections: dict[str, list[Change]] = {}
    for change in plan.changes:
        account = change.address.name if change.address.kind == "SubAccount" else change.account
        sections.setdefault(account, []).append(change)
    return sections


def _account(account: PlannedAccount, changes: Sequence[Change], paint: Paint) -> Iterator[str]:
    if not changes:
        return
    yield ""
    yield f"{paint(f'{account.kind}/{account.name}', 'bold')} {paint(_standing(account), 'dim')}"
    for change in changes:
        yield from _change(change, paint)


def _standing(account: PlannedAccount) -> str:
    if account.iiban:
        return f"({account.iiban})"
    return {Phase.ABSENT: "(does not exist yet)", Phase.REQUESTED: "(not ready)"}.get(account.phase, "")


def _change(change: Change, paint: Paint) -> Iterator[str]:
    colour = words.COLOURS[change.action]
    head = f"  {words.SIGNS[change.action]} {change.address}"
    yield f"{paint(head, colour)}  {paint(_what(change), colour, 'bold')}"
    if change.action is Action.CREATE and change.old is None and change.new is not None:
        yield from _new_key(change, paint)
        return
    for field in change.fields:
        yield _row(field.field, words.field(field), paint)
    yield from (_row("why", reason, paint) for reason in change.reasons)
    if change.new is not None and change.steps and change.action is not Action.UPDATE and change.secret:
        yield _row("secret", f"a new one, in store {change.secret.store} at {change.secret.path}", paint)
    if len(change.steps) > 1 and change.action is not Action.UPDATE:
        yield _row("steps", words.steps(change), paint)
    if change.action in (Action.REPLACE, Action.ROTATE):
        yield _row("life", words.life(change), paint, *(("red",) if change.gap else ()))


def _what(change: Change) -> str:
    """The action, and the live name it acts on where that is not said below."""
    if change.address.kind == "SubAccount":
        return "request it" if change.action is Action.CREATE else change.action.value
    if change.action is Action.UPDATE:
        return "update in place" if change.steps else "rename"
    if change.action is Action.CREATE and change.new:
        return f"create {change.new.name}"
    if change.action in (Action.REVOKE, Action.FORGET):
        name = change.old.name if change.old else change.steps[0].name
        return f"{change.action.value} {visible(name)}"
    return change.action.value


def _new_key(change: Change, paint: Paint) -> Iterator[str]:
    """Compact: most plans that create, create many. Why is said only where it is not plain."""
    fields = {field.field: words.value(field.after) for field in change.fields}
    yield _row("permissions", fields.pop("permissions", "none"), paint)
    yield _row("from", fields.pop("ipAllowlist", "any"), paint)
    expires, secret = fields.pop("expires", "never"), fields.pop("secret", "")
    yield _row("expires", f"{expires} · secret to {secret}", paint)
    for name, text in fields.items():
        yield _row(name, text, paint)
    if change.reasons and not change.reasons[0].startswith("declared, and not there yet"):
        yield from (_row("why", reason, paint) for reason in change.reasons)


def _row(label: str, text: str, paint: Paint, *styles: str) -> str:
    padded = f"{label:<{LABEL - 1}} "
    body = paint.wrapped(text, indent=INDENT + LABEL, first=INDENT + len(padded))
    return " " * INDENT + paint(padded, "dim") + paint(body, *styles)


def _foot(plan: Plan, paint: Paint) -> Iterator[str]:
    for action, text in FOOT.items():
        if plan.count(action):
            yield paint(text, "dim")
    if plan.has_changes:
        touched = sum(change.is_change for change in plan.changes)
        yield f"{count(touched, 'change')}. Apply with `krakenctl apply`."
    elif plan.count(Action.BLOCKED):
        yield f"Nothing to do now; {plan.count(Action.BLOCKED)} blocked, as said above."
    else:
        yield paint("No changes. What is live is what is declared.", "green")
