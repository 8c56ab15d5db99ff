"""What a person is to do on Kraken's website, for a terminal and as a runbook. Pure; one source for both.

Source of the form: support.kraken.com, "How to create an API key on Kraken Pro"; help.haasonline.com, Kraken;
support.altrady.com, Kraken. What is to be copied stands alone in its line, so that it can be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from krakenctl.model.human import HumanStep, Slip, Successor
from krakenctl.model.key import KeySpec
from krakenctl.model.page import is_served
from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.model.plan import Verb
from krakenctl.model.time import show_time
from krakenctl.render.markdown import code, plain
from krakenctl.render.paint import Paint, count, visible

_CHANGED = "change this"
_EMBEDDED = (
    "This is the embedded sandbox: its website is where “krakenctl sandbox serve” says; “krakenctl sandbox key” does"
    " without one."
)
_ADDRESSES = (Permission.ADD_WITHDRAW_ADDRESS, Permission.UPDATE_WITHDRAW_ADDRESS)  # in the form's first column
_CODES = re.compile("|".join(sorted(Permission, key=len, reverse=True)))

Local = Callable[[int], str]  # unix seconds → the same moment as the reader's clocks show it; empty: no need


class Box(NamedTuple):
    group: str
    label: str
    ticked: bool
    changed: bool = False


class Task(NamedTuple):
    """One thing to do; `paste` is to be copied to the letter."""

    do: str
    paste: str = ""
    boxes: tuple[Box, ...] = ()
    changed: bool = False


def title(step: HumanStep) -> str:
    done = {Verb.ISSUE: "make an API key", Verb.UPDATE: "edit an API key", Verb.REVOKE: "delete an API key"}
    return f"Step {step.number} of {step.of} on {step.account}: {done.get(step.verb, 'see to an API key')}"


def tasks(step: HumanStep, local: Local = lambda _: "") -> tuple[Task, ...]:
    """In the order of the website."""
    return tuple(_tasks(step, local))


def _tasks(step: HumanStep, local: Local) -> Iterator[Task]:
    if step.successor is not None:
        yield from _handed_over(step.successor)
    if not is_served(step.page):
        yield Task(_EMBEDDED)
    yield Task(f"Log in to the account {_whose(step)}, and to no other.")
    if step.wanted is None or step.verb is Verb.REVOKE:
        yield Task("Open this page:", paste=step.page)
        yield Task(
            "Find the key of exactly this name, and delete it; that cannot be undone. If it does not show, it is gone:",
            paste=step.name,
        )
        return
    if step.verb is Verb.ISSUE:
        yield Task("Open this page and press “Create API key”:", paste=step.page)
        yield Task("Enter exactly this name:", paste=step.name)
        yield Task("If a key has that name already, an earlier try made it. Without its private key: delete it first.")
    else:
        yield Task("Open this page:", paste=step.page)
        yield Task("Find the key of exactly this name, and edit it; do not rename it:", paste=step.name)
    yield from _form(step.wanted, step.before, local)
    if step.verb is Verb.ISSUE:
        yield Task("Leave FIX off, and give the key no second factor (2FA): krakenctl could not look at it.")
        yield Task("Press “Generate key”, and leave the page open: it shows the private key this once.")
    else:
        yield Task("Save it.")


def _handed_over(new: Successor) -> Iterator[Task]:
    """Kraken does not tell which of two keys a program uses; whoever runs it can."""
    where = f"{new.secret.store}:{new.secret.path}"
    yield Task(
        f"First see that its program uses {new.name}, and stop here until it does. Its pair is in the store, at"
        f" {where}, once krakenctl has taken it. A program that is started like this has it:",
        paste=f"krakenctl exec {new.address} -- PROGRAM",
    )


def _whose(step: HumanStep) -> str:
    """As it is called here, and by the number that the website shows."""
    known = [f"IIBAN {step.iiban}"] if step.iiban else []
    if not step.username:
        known.insert(0, "as the manifests call it")
    elif step.username != step.account:
        known.insert(0, f"{step.account} in the manifests")
    return (step.username or step.account) + (f" ({'; '.join(known)})" if known else "")


def _form(wanted: KeySpec, before: KeySpec | None, local: Local) -> Iterator[Task]:
    old = before or wanted
    yield Task("Permissions: tick what is ticked here, and nothing else.", boxes=tuple(_boxes(wanted, old)))
    moved = old.ip_allowlist != wanted.ip_allowlist
    if wanted.ip_allowlist:
        listed = f"turn it on and paste this ({_entries(wanted)}):"
        yield Task(f"IP address restriction: {listed}", paste=", ".join(wanted.ip_allowlist), changed=moved)
    else:
        yield Task("IP address restriction: leave it off; any address may use the key.", changed=moved)
    yield _moment("Key expiration", wanted.valid_until, old.valid_until, local)
    yield _moment("Query start", wanted.query_from, old.query_from, local)
    yield _moment("Query end", wanted.query_to, old.query_to, local)
    moved = old.nonce_window != wanted.nonce_window
    if wanted.nonce_window:
        yield Task("Custom nonce window: turn it on and enter this:", paste=str(wanted.nonce_window), changed=moved)
    else:
        yield Task("Custom nonce window: leave it off.", changed=moved)


def _boxes(wanted: KeySpec, old: KeySpec) -> Iterator[Box]:
    for each in sorted(Permission, key=lambda one: _group(one)[1]):
        label = SPELLINGS[each].label.rpartition(" – ")[2]
        ticked = each in wanted.permissions
        yield Box(_group(each)[0], label, ticked, changed=ticked != (each in old.permissions))


def _group(permission: Permission) -> tuple[str, int]:
    """The form's column, and its place."""
    if permission in _ADDRESSES:
        return "Funds permissions", 0
    legend = SPELLINGS[permission].label.partition(" – ")[0]
    return legend, ("Funds permissions", "Orders and trades", "Data", "WebSocket interface").index(legend)


def _entries(wanted: KeySpec) -> str:
    number = len(wanted.ip_allowlist)
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _moment(label: str, wanted: int, old: int, local: Local) -> Task:
    if not wanted:
        return Task(f"{label}: leave it empty.", changed=bool(old))
    here = local(wanted)
    return Task(f"{label}: {_utc(wanted)}" + (f" ({here} here)" if here else "") + ".", changed=wanted != old)


def _utc(seconds: int) -> str:
    shown = show_time(seconds)
    return shown.replace("T", " ").removesuffix("Z") + " UTC" if shown.endswith("Z") else shown


# For a terminal


def handing_over(old: str, new: Successor, paint: Paint) -> str:
    """Before the old key's deletion is as much as spoken of."""
    where = f"{new.secret.store}:{new.secret.path}"
    told = (
        f"{new.name} is right, and its pair is in the store, at {where}. Next {old} is to be deleted: first see that"
        " its program uses the new one. A program that is started like this has it:"
    )
    command = paint(visible(f"krakenctl exec {new.address} -- PROGRAM"), "bold")
    return f"{paint.wrapped(visible(told), indent=0, first=0)}\n{command}\n"


def text(step: HumanStep, paint: Paint, local: Local = lambda _: "") -> str:
    """The whole step. Lines that are to be copied begin at the left edge, and nothing else is in them."""
    return "\n".join(_text(step, paint, local)) + "\n"


def _text(step: HumanStep, paint: Paint, local: Local) -> Iterator[str]:
    yield paint(paint.wrapped(visible(title(step)), indent=2, first=0), "bold")
    for number, task in enumerate(tasks(step, local), 1):
        head = f"{number:>3}. "
        mark = f" ← {_CHANGED}" if task.changed else ""
        said = paint.wrapped(visible(task.do + mark), indent=len(head), first=len(head))
        yield head + (paint(said, "yellow") if task.changed else said)
        if task.paste:
            yield paint(visible(task.paste), "bold")
        yield from _box_lines(task.boxes, paint)


def _box_lines(boxes: Sequence[Box], paint: Paint) -> Iterator[str]:
    group = ""
    for box in boxes:
        if box.group != group:
            group = box.group
            yield f"     {group}"
        line = f"       [{'x' if box.ticked else ' '}] {box.label}"
        line += f" ← {_CHANGED}" if box.changed else ""
        yield paint(line, "yellow") if box.changed else paint(line, "bold") if box.ticked else line


def differences(step: HumanStep, wrong: Sequence[str], paint: Paint) -> str:
    """What is not as it should be; a permission is followed by what its box is called."""
    number = "one thing is" if len(wrong) == 1 else f"{len(wrong)} things are"
    told = "it cannot be asked from here" if step.slip is Slip.UNSEEN else f"{number} not right"
    lines = [paint(paint.wrapped(f"{visible(step.name)}: {told}.", indent=2, first=0), "red", "bold")]
    lines += ["  " + paint.wrapped(f"- {visible(labelled(each))}", indent=4, first=2) for each in wrong]
    return "\n".join(lines) + "\n"


def labelled(sentence: str) -> str:
    """`it lacks query-funds` → the same, with the box's own words: what people see on the website."""
    return _CODES.sub(lambda found: f"{found[0]} (“{SPELLINGS[Permission(found[0])].label}”)", sentence)


# As a runbook


def runbook(workspace: str, endpoint: str, steps: Sequence[HumanStep]) -> str:
    """Markdown with a box to tick for everything that is to be done."""
    return "\n".join(_runbook(workspace, endpoint, steps)) + "\n"


def _runbook(workspace: str, endpoint: str, steps: Sequence[HumanStep]) -> Iterator[str]:
    yield f"# {count(len(steps), 'step')} on Kraken's website"
    yield ""
    yield f"For the workspace {code(workspace)} on {code(endpoint)}. Written by `krakenctl apply --runbook`."
    yield ""
    yield "Nothing of it is done yet. Tell krakenctl of it in one of two ways, and it looks at what was done:"
    yield ""
    yield "- run `krakenctl apply` at a terminal: it shows the same steps, and no prompt shows what is typed in;"
    yield "- or pipe the line that a step ends with into `krakenctl apply --yes --stdin`, as soon as that step is done."
    yield ""
    yield "Keep keys and private keys out of this file. Where a key's end counts from its making, the end that is shown"
    yield "here holds until half of that time is over."
    for step in steps:
        yield ""
        yield f"## {plain(title(step))}"
        yield ""
        if step.moved_from:
            yield f"An earlier runbook showed the end {_utc(step.moved_from)}, which is too near by now."
            yield ""
        for task in tasks(step):
            yield from _item(task)
        yield "- [ ] Tell krakenctl, at its prompt or with this line:"
        yield ""
        yield f"      {visible(answer(step))}"


def answer(step: HumanStep) -> str:
    """The line for `--stdin`, with capitals where something is to be filled in."""
    new = {"apiKey": "API KEY", "secret": "PRIVATE KEY"}
    of = {"account": step.account, "name": step.name}
    return json.dumps({**of, **(new if step.verb is Verb.ISSUE else {"done": True})})


def _item(task: Task) -> Iterator[str]:
    yield f"- [ ] {plain(task.do)}" + (f" **({_CHANGED})**" if task.changed else "")
    if task.paste:
        yield ""
        yield f"      {visible(task.paste)}"
        yield ""
    for box in task.boxes:
        name = box.group if box.label == "On" else f"{box.group}: {box.label}"
        word = "**tick**" if box.ticked else "leave"
        yield f"  - [ ] {word} {name}" + (f" **({_CHANGED})**" if box.changed else "")
