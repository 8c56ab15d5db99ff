"""Drift as an issue's text or a comment: the summary, a table, and what was not seen. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from krakenctl.model.drift import Drift, Drifted
from krakenctl.model.time import show_time
from krakenctl.render import drift as words
from krakenctl.render.markdown import cell, code, plain, prose


def render(found: Drifted) -> str:
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Drifted) -> Iterator[str]:
    yield f"### krakenctl drift: {plain(found.workspace)} on {code(found.endpoint)}, {show_time(found.at)}"
    yield ""
    yield f"**{words.summary(found)}**"
    yield ""
    if found.drifts:
        yield "| drift | where | what | what to do |"
        yield "|---|---|---|---|"
        for drifts, more in words.grouped(found):
            yield from (_row(drift) for drift in drifts)
            if more:
                yield f"| | | … and {more} more of these | {code('krakenctl drift -o json')} |"
        yield ""
    yield from (f"- {plain(names)}: {plain(said)}." for names, said in words.coverage(found))
    yield from (f"- {prose(aside)}" for aside in words.asides(found))


def _row(drift: Drift) -> str:
    times = words.when(drift)
    what = [plain(drift.message) + (f" ({times})" if times else "")]
    what += [f"{code(row.field)}: {plain(words.field(row, drift))}" for row in drift.fields]
    what += [f"{code(risk.rule)}: {plain(risk.message)}" for risk in drift.risks]
    return f"| {drift.kind} | {code(words.head(drift))} | {cell(what)} | {prose(drift.do)} |"
