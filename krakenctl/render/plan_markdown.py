"""A plan as a pull-request comment: the summary, a table, and the details folded. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krakenctl.model.finding import Finding
from krakenctl.model.origin import Origin
from krakenctl.model.plan import Change, Overlap, Plan, SavedPlan
from krakenctl.model.safety import Block
from krakenctl.model.time import show_time
from krakenctl.render import words
from krakenctl.render.markdown import code as _code
from krakenctl.render.markdown import plain as _text
from krakenctl.render.recovery import to_do


def render(plan: Plan, *, as_of: bool = False) -> str:
    """`as_of`: say for when the plan is. Left out, two plans of an unchanged world are the same text."""
    return "\n".join(_lines(plan, as_of=as_of)) + "\n"


def _lines(plan: Plan, *, as_of: bool) -> Iterator[str]:
    when = f", as of {show_time(plan.now)}" if as_of else ""
    yield f"### krakenctl plan: {_text(plan.workspace)} on {_code(plan.endpoint)}{when}"
    yield ""
    yield f"**{words.summary(plan)}**"
    if plan.blocks:
        yield ""
        yield f"**{_text(words.verdict(plan))}**"
        yield ""
        yield from (_block(block) for block in plan.blocks)
    if plan.recovery:
        yield ""
        yield "Left by an earlier run, and seen to first:"
        yield ""
        yield from (f"- {_code(str(one.address))}: {_text(to_do(one))}" for one in plan.recovery)
    if plan.changes:
        yield ""
        yield "| | change | what | why |"
        yield "|---|---|---|---|"
        yield from (_row(change) for change in plan.changes)
        yield from _details(plan)
    if early := words.cut_short(plan):
        yield ""
        yield f"**{early}**"
    if by_hand := words.by_hand(plan):
        yield ""
        yield f"**{by_hand}**"
    if plan.overlaps:
        yield ""
        yield from _overlaps(plan.overlaps)
    if plan.findings:
        yield ""
        yield from (_finding(*group) for group in words.alike(plan.findings))
    if not plan.changes and not plan.recovery:
        yield ""
        yield words.in_order(plan)


def seal(saved: SavedPlan, now: int) -> str:
    """Below a saved plan: its name in the audit log, and until when it may be applied."""
    end, gone = words.end(saved, now)
    return f"\nDigest {_code(saved.digest)}. {f'**{_text(end)}**' if gone else _text(end)}\n"


def _block(block: Block) -> str:
    way = (
        f"allowed with {_code(block.flag)}"
        if block.allowed
        else f"raise it with {_code(f'{block.flag} --reason TEXT')}"
    )
    return f"- **{block.limit.value}**: {_text(block.message)}: {_text(words.some(block.addresses))} – {way}"


def _overlaps(running: Sequence[Overlap]) -> Iterator[str]:
    if together := words.overlaps(running):
        yield f"- {together}"
        return
    for each in running:
        yield f"- {_code(str(each.address))}: {_code(each.name)} lives on until {show_time(each.until)} (overlap)"


def _finding(finding: Finding, others: Sequence[Finding]) -> str:
    where = f"{_code(str(finding.origin))} " if finding.origin else ""
    related = "".join(
        f"; {_text(text)}" + (f" ({_code(str(o))})" if isinstance(o, Origin) else "") for text, o in finding.related
    )
    hint = f" – {_text(finding.hint)}" if finding.hint else ""
    more = f" {_text(words.more(others))}" if others else ""
    return f"- {where}**{finding.severity.value}** {_code(finding.rule)}: {_text(finding.message)}{hint}{related}{more}"


def _row(change: Change) -> str:
    fields = "<br>".join(f"{_text(field.field)}: {_text(words.field(field))}" for field in change.fields)
    what = f"**{change.action.value}**" + (" ⚠ **GAP**" if change.gap else "") + (f"<br>{fields}" if fields else "")
    waits = (f"once {change.waits_for} is ready",) if change.waits_for else ()
    why = "<br>".join(_text(reason) for reason in (*change.reasons, *waits))
    return f"| {words.SIGNS[change.action]} | {_code(str(change.address))} | {what} | {why} |"


def _details(plan: Plan) -> Iterator[str]:
    stepped = [change for change in plan.changes if change.steps]
    if not stepped:
        return
    yield ""
    yield "<details><summary>Steps</summary>"
    yield ""
    by_hand = {account.name for account in plan.accounts if account.by_person}
    for change in stepped:
        life = words.life(change, by_person=change.account in by_hand)
        yield f"- {_code(str(change.address))}: {_text(words.steps(change))}" + (f" — {_text(life)}" if life else "")
    yield ""
    yield "</details>"
