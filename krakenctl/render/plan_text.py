"""A plan for a terminal: the summary first, then each change, field by field, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krakenctl.model.finding import Finding
from krakenctl.model.live import Phase
from krakenctl.model.permission import in_order
from krakenctl.model.plan import Action, Change, Overlap, Plan, PlannedAccount, SavedPlan
from krakenctl.model.time import show_time
from krakenctl.render import words
from krakenctl.render.findings_text import finding_lines
from krakenctl.render.paint import Paint, count, visible
from krakenctl.render.recovery import plan_lines

INDENT = 6
LABEL = 13
ANY = "any"
FOOT = {
    Action.REPLACE: "± replace: a new key with a new secret, because what differs cannot be edited.",
    Action.ROTATE: "↻ rotate: the same grants, a new key with a new secret.",
}


def render(plan: Plan, paint: Paint, *, as_of: bool = False) -> str:
    """`as_of`: say for when the plan is. Left out, two plans of an unchanged world are the same text."""
    return "\n".join(_lines(plan, paint, as_of=as_of)) + "\n"


def _lines(plan: Plan, paint: Paint, *, as_of: bool) -> Iterator[str]:
    title = f"Plan for {visible(plan.workspace)} on {_endpoint(plan)}"
    title += f", as of {show_time(plan.now)}" if as_of else ""
    yield paint("Plan", "bold") + paint.wrapped(title, indent=2, first=0).removeprefix("Plan")
    yield paint("  " + paint.wrapped(words.summary(plan), indent=2), "bold", *(("red",) if _gaps(plan) else ()))
    yield from plan_lines(plan.recovery, paint)
    sections = _sections(plan)
    for account in plan.accounts:
        yield from _account(account, sections.get(account.name, ()), paint)
    if plan.overlaps:
        yield ""
        yield from _overlaps(plan.overlaps, paint)
    if plan.findings:
        yield ""
        yield from _findings(plan.findings, paint)
    if plan.blocks:
        yield ""
        yield from _blocks(plan, paint)
    yield ""
    yield from _foot(plan, paint)


def _overlaps(running: Sequence[Overlap], paint: Paint) -> Iterator[str]:
    if together := words.overlaps(running):
        yield f"  {together}."
        return
    for overlap in running:
        until = f"{visible(overlap.name)} lives on until {show_time(overlap.until)} (overlap)"
        yield paint.beside((f"  {visible(str(overlap.address))}:",), (until,), indent=INDENT, between=" ")


def _findings(findings: Sequence[Finding], paint: Paint) -> Iterator[str]:
    for finding, others in words.alike(findings):
        yield from finding_lines([finding], paint)
        if others:
            yield "    " + paint.wrapped(visible(words.more(others)), indent=4)


def seal(saved: SavedPlan, paint: Paint, now: int) -> str:
    """Below a saved plan: its name in the audit log, and until when it may be applied."""
    end, gone = words.end(saved, now)
    return (
        f"{paint(f'Digest {visible(saved.digest)}.', 'dim')}\n{paint(end, *(('red', 'bold') if gone else ('dim',)))}\n"
    )


def _blocks(plan: Plan, paint: Paint) -> Iterator[str]:
    """What a person must not overlook: the last thing before the count."""
    yield paint(
        paint.wrapped(words.verdict(plan), indent=2, first=0), *(("red", "bold") if plan.is_blocked else ("bold",))
    )
    for block in plan.blocks:
        colour = "yellow" if block.allowed else "red"
        told = f"{block.message}: {words.some(block.addresses)}"
        yield paint.beside((f"  ! {block.limit.value}", colour, "bold"), (visible(told),), indent=INDENT, between="  ")
        way = f"allowed with {block.flag}" if block.allowed else f"→ {block.flag} --reason TEXT"
        yield " " * INDENT + paint.wrapped(visible(way), indent=INDENT, first=INDENT)


def _endpoint(plan: Plan) -> str:
    return "the embedded sandbox" if plan.endpoint == "sandbox" else visible(plan.endpoint)


def _gaps(plan: Plan) -> bool:
    return any(change.gap for change in plan.changes)


def _sections(plan: Plan) -> dict[str, list[Change]]:
    """By account. A sub-account's own change opens its section, though its master does it."""
    sections: dict[str, list[Change]] = {}
    for change in words.without_said(plan):
        sections.setdefault(change.home, []).append(change)
    return sections


def _account(account: PlannedAccount, changes: Sequence[Change], paint: Paint) -> Iterator[str]:
    if not changes:
        return
    yield ""
    address = visible(f"{account.kind}/{account.name}")
    yield paint.beside((address, "bold"), (_standing(account), "dim"), indent=2, between=" ")
    for before, change in zip([None, *changes], changes, strict=False):
        yield from _change(change, paint, before, by_person=account.by_person)


def _standing(account: PlannedAccount) -> str:
    if account.iiban:
        return f"({visible(account.iiban)})"
    if account.locked_until:
        return f"(locked until {show_time(account.locked_until)})"
    unseen = "(out of reach)" if account.kind == "Account" else "(not ready)"  # only a sub-account is ever requested
    return {Phase.ABSENT: "(does not exist yet)", Phase.REQUESTED: unseen}.get(account.phase, "")


def _change(change: Change, paint: Paint, before: Change | None, *, by_person: bool) -> Iterator[str]:
    colour = words.COLOURS[change.action]
    head = f"  {words.SIGNS[change.action]} {visible(str(change.address))}"
    if before and before.action is change.action is Action.BLOCKED and before.reasons == change.reasons:
        yield paint.beside((head, colour), ("blocked likewise", colour, "bold"), indent=INDENT)
        return
    yield paint.beside((head, colour), (_what(change), "red" if change.gap else colour, "bold"), indent=INDENT)
    if change.action is Action.CREATE and change.old is None and change.new is not None:
        yield from _new_key(change, paint)
        return
    for field in change.fields:
        yield _row(field.field, words.field(field), paint, *_alarm(field.added))
    if change.action is Action.REVOKE and change.old is not None:
        yield _row("could", ", ".join(in_order(change.old.spec.permissions)) or "nothing", paint)
    yield from (_row("why", reason, paint) for reason in change.reasons)
    if change.new is not None and change.steps and change.action is not Action.UPDATE and change.secret:
        yield _row("secret", f"a new one, in store {change.secret.store} at {change.secret.path}", paint)
    if len(change.steps) > 1 and change.action is not Action.UPDATE:
        yield _row("steps", words.steps(change), paint)
    if change.action in (Action.REPLACE, Action.ROTATE):
        yield _row("life", words.life(change, by_person=by_person), paint, *(("red",) if change.gap else ()))


def _what(change: Change) -> str:
    """The action, and the live name it acts on where that is not said below."""
    if change.address.kind == "SubAccount":
        return "request it" if change.action is Action.CREATE else change.action.value
    if change.action is Action.UPDATE and not change.steps:
        return "rename" if change.renamed_from else "remember"
    if change.action is Action.UPDATE:
        return "update in place"
    if change.action is Action.CREATE and change.new:
        wait = f", once {change.waits_for} is ready" if change.waits_for else ""
        return visible(f"create {change.new.name}{wait}")
    if change.action in (Action.REVOKE, Action.FORGET):
        names = [change.old.name] if change.old else [step.name for step in change.steps[:1]]
        return " ".join([change.action.value, *(visible(name) for name in names)])
    return f"{change.action.value}, with a GAP" if change.gap else change.action.value


def _new_key(change: Change, paint: Paint) -> Iterator[str]:
    """Compact: most plans that create, create many. Why is said only where it is not plain."""
    fields = {field.field: words.value(field.after) for field in change.fields}
    yield _row("permissions", fields.pop("permissions", "none"), paint)
    origins = fields.pop("ipAllowlist", ANY)
    yield _row("from", origins, paint, *_alarm([origins]))
    expires, secret = fields.pop("expires", "never"), fields.pop("secret", "")
    yield _row("expires", f"{expires} · secret to {secret}", paint)
    for name, text in fields.items():
        yield _row(name, text, paint)
    if change.reasons and not change.reasons[0].startswith("declared, and not there yet"):
        yield from (_row("why", reason, paint) for reason in change.reasons)


def _alarm(came: Sequence[str]) -> tuple[str, ...]:
    """A key that opens to the whole world must not be overlooked."""
    return ("red",) if ANY in came else ()


def _row(label: str, text: str, paint: Paint, *styles: str) -> str:
    padded = f"{visible(label):<{LABEL - 1}} "
    body = paint.wrapped(visible(text), indent=INDENT + LABEL, first=INDENT + len(padded))
    return " " * INDENT + paint(padded, "dim") + paint(body, *styles)


def _foot(plan: Plan, paint: Paint) -> Iterator[str]:
    for action, text in FOOT.items():
        if plan.count(action):
            yield paint(paint.wrapped(text, indent=2, first=0), "dim")
    if early := words.cut_short(plan):
        yield paint(paint.wrapped(early, indent=2, first=0), "yellow")
    if by_hand := words.by_hand(plan):
        yield paint(paint.wrapped(by_hand, indent=2, first=0), "yellow")
    if plan.has_changes:
        touched = sum(change.is_change for change in plan.changes)
        yield f"{count(touched, 'change')}."
    elif plan.count(Action.BLOCKED):
        yield f"Nothing to do now; {plan.count(Action.BLOCKED)} blocked, as said above."
    elif plan.recovery:
        yield "No other changes. `krakenctl recover` does what is said above, and so does apply."
    else:
        yield paint(words.in_order(plan), "green")
