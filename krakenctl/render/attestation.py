"""What became of an attestation: for a terminal and as JSON. Pure. Schema: schemas/attested.schema.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from krakenctl.model import attestation
from krakenctl.model.attestation import Attested, Keeping
from krakenctl.model.time import show_time
from krakenctl.render.human import labelled
from krakenctl.render.paint import Paint, visible
from krakenctl.render.recovery import done_lines, recovered_json
from krakenctl.render.report_text import head_line

FORMAT = "krakenctl.attested/v1"


def to_json(done: Attested) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "address": str(done.address),
        "name": done.name,
        "verdict": _verdict(done),
        "secret": done.secret.value,
        "differences": list(done.differences),
        **({"left": done.left} if done.left else {}),
        **({"hint": done.hint} if done.hint else {}),
        "said": attestation.to_json(done.said),
        "recovered": [recovered_json(one) for one in done.recovered],
        **({"logHead": done.log_head} if done.log_head else {}),
    }


def _verdict(done: Attested) -> str:
    return "differs" if done.differences else "claimed" if done.claimed else "attested"


def text(done: Attested, paint: Paint) -> str:
    return "\n".join(_lines(done, paint)) + "\n"


def _lines(done: Attested, paint: Paint) -> Iterator[str]:
    yield from _differing(done, paint) if done.differences else _right(done, paint)
    if done.log_head:
        yield head_line(done.log_head, paint)


def _differing(done: Attested, paint: Paint) -> Iterator[str]:
    yield paint(
        paint.wrapped(f"{visible(done.name)} is not the key that was asked for. Nothing was done.", 2, 0), "red", "bold"
    )
    for each in done.differences:
        yield "  " + paint.wrapped(f"- {visible(labelled(each))}", indent=4, first=2)
    yield paint.wrapped(f"Next: {visible(done.hint)}.", 2, 0)


def _right(done: Attested, paint: Paint) -> Iterator[str]:
    where = f"asked by {visible(done.said.who)} on {visible(done.said.host)} at {show_time(done.said.at)}"
    yield paint(
        paint.wrapped(f"{visible(done.name)} is what was asked for: it says so itself, {where}.", 2, 0), "green"
    )
    if told := _BROUGHT if done.brought else _KEPT[done.secret]:
        yield paint.wrapped(told, 2, 0)
    if done.left:
        yield paint.wrapped(f"It is not finished here: {visible(done.left)}. {_FINISH}", 2, 0)
    yield from done_lines(done.recovered, paint)


_BROUGHT = "That was brought here, and proves nothing: the key stays marked as taken unseen."
_FINISH = "Next: `krakenctl apply` on a host that has the store finishes with it."
_KEPT = {
    Keeping.SAME: "",
    Keeping.MENDED: "The pair that was kept had been mistyped; the one that answered is kept now.",
    Keeping.WRITTEN: "What was kept cannot be read here; the pair that answered is kept now.",
    Keeping.UNTRIED: (
        "What the store keeps could not be compared with the pair that answered: the key stays marked as taken unseen."
    ),
}
