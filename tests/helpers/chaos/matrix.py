"""All cells, or a part of them, run by several processes; and what is told of them."""

from __future__ import annotations

import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from chaos.boundaries import Boundary
from chaos.cell import Cell, Stage, Verdict
from chaos.faults import FAULTS
from chaos.quirks import QUIRKS
from chaos.sabotage import SABOTAGE
from chaos.scenarios import SCENARIOS

SHARED_MEMORY = Path("/dev/shm")  # where there is one, no disk has to be waited for
NOWHERE = -1  # a boundary that is never reached: nothing is struck
REPEAT = "python benchmarks/chaos.py --cell"
# Left out of the part that the test suite runs, and only there: scenario, fault and quirk. docs/chaos.md says why.
KNOWN = {("replace-revoke-first", "person-adds", "room-for-one")}


@dataclass(frozen=True)
class Part:
    """Which cells of one scenario under one quirk are run."""

    scenario: str
    quirk: str
    faults: tuple[str, ...]
    thin: bool  # a few boundaries of each fault, and for a kill one of two where nothing lasting happens in between
    every: bool = False

    def cells(self, boundaries: Sequence[Boundary]) -> Iterator[Cell]:
        known = {fault for fault in self.faults if self.thin and (self.scenario, fault, self.quirk) in KNOWN}
        for fault in [fault for fault in self.faults if fault not in known]:
            for here in self._thinned(fault, [here for here in boundaries if FAULTS[fault].at(here)]):
                yield Cell(self.scenario, here.number, fault, self.quirk)

    def _thinned(self, fault: str, found: list[Boundary]) -> list[Boundary]:
        if not self.thin:
            return found
        if fault == "kill":  # it does not undo what was flushed or not, nor anything between two deeds
            return [here for here in found if not here.after and here.sort != "fsync"]
        chance = random.Random(f"{self.scenario} {fault} {self.quirk}")
        return chance.sample(found, min(1, len(found)))


def whole(scenarios: Sequence[str], faults: Sequence[str], quirks: Sequence[str], *, every: bool) -> list[Part]:
    return [Part(name, quirk, tuple(faults), thin=False, every=every) for quirk in quirks for name in scenarios]


def fast(scenarios: Sequence[str], faults: Sequence[str], quirks: Sequence[str]) -> list[Part]:
    """Each scenario killed at every boundary, and struck once by every other fault: half of them under a quirk."""
    quirky = [quirk for quirk in QUIRKS if quirk != "default"]
    others = [fault for fault in faults if fault != "kill"]
    parts = []
    for number, name in enumerate(SCENARIOS):
        turn = number % 2
        halves = {
            "default": [*(fault for fault in faults if fault == "kill"), *others[turn::2]],
            quirky[number % len(quirky)]: others[1 - turn :: 2],
        }
        if name in scenarios:
            parts += [Part(name, quirk, tuple(half), thin=True) for quirk, half in halves.items() if quirk in quirks]
    return parts


def run(parts: Sequence[Part], processes: int, told: Callable[[int, int], None]) -> list[Verdict]:
    """`told`: how many parts are done, of how many."""
    found: list[Verdict] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        for number, done in enumerate(as_completed([pool.submit(_run, part) for part in parts])):
            found += done.result()
            told(number + 1, len(parts))
    return sorted(found, key=lambda verdict: str(verdict.cell))


def _run(part: Part) -> list[Verdict]:
    with a_folder() as folder:
        stage = Stage.build(part.scenario, part.quirk, Path(folder))
        return [stage.run(cell, every=part.every) for cell in part.cells(stage.boundaries)]


def one(cell: Cell) -> Verdict:
    with a_folder() as folder:
        return Stage.build(cell.scenario, cell.quirk, Path(folder)).run(cell, every=True)


def sabotaged(name: str) -> Verdict:
    """A cell in which krakenctl itself is broken: its verdict must say so."""
    sabotage = SABOTAGE[name]
    with a_folder() as folder:
        stage = Stage.build(sabotage.scenario, "default", Path(folder))
        issue = next(here.number for here in stage.boundaries if FAULTS["misissue"].at(here))
        cell = Cell(sabotage.scenario, issue if sabotage.misissued else NOWHERE, "misissue", "default")
        return stage.run(cell, every=True, sabotage=sabotage.does)


def a_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(
        ignore_cleanup_errors=True, prefix="chaos-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
    )


# What is told


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """A line per fault, a column per scenario: cells, and after a minus those where something was lost."""
    ran = Counter((verdict.cell.fault, verdict.cell.scenario) for verdict in verdicts)
    lost = Counter((verdict.cell.fault, verdict.cell.scenario) for verdict in verdicts if verdict.lost)
    scenarios = [name for name in SCENARIOS if any(key[1] == name for key in ran)]
    letters = {name: chr(ord("A") + number) for number, name in enumerate(scenarios)}
    yield from (f"{letters[name]} = {name}" for name in scenarios)
    yield ""
    yield " " * 22 + "".join(f"{letter:>8}" for letter in letters.values()) + f"{'all':>9}"
    for fault in [name for name in FAULTS if any(key[0] == name for key in ran)]:
        row = [_figure(ran[fault, name], lost[fault, name]) for name in scenarios]
        total = _figure(sum(ran[fault, n] for n in scenarios), sum(lost[fault, n] for n in scenarios))
        yield f"{fault:22}" + "".join(f"{figure:>8}" for figure in row) + f"{total:>9}"


def _figure(cells: int, lost: int) -> str:
    if not cells:
        return "·"
    return f"{cells} −{lost}" if lost else str(cells)


def summary(verdicts: Sequence[Verdict], seconds: float) -> Iterator[str]:
    bad, missed = [v for v in verdicts if v.lost], [v for v in verdicts if unstruck(v)]
    same = sum(verdict.same for verdict in verdicts)
    kept = len(verdicts) - len(bad)
    yield f"{len(verdicts)} cells in {seconds:.0f} s: {kept} kept every promise, {len(bad)} did not."
    yield f"{same} of them stood, once struck, exactly as an earlier one did; the runs after it were not repeated."
    if missed:
        yield f"{len(missed)} ended before their boundary and were not struck, as {missed[0].cell}."
    for loss, cells in _by_loss(bad).items():
        yield f"\n{loss}\n  {len(cells)} cells, as {cells[0].where} ({cells[0].ended})\n  {REPEAT} {cells[0].cell}"


def unstruck(verdict: Verdict) -> bool:
    """It proves nothing: the run ended before its boundary. In parallel runs that may be."""
    return not verdict.where and SCENARIOS[verdict.cell.scenario].parallelism == 1


def _by_loss(bad: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in bad:
        for loss in verdict.lost:
            groups.setdefault(loss, []).append(verdict)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def timed(work: Callable[[], list[Verdict]]) -> tuple[list[Verdict], float]:
    began = time.monotonic()
    return work(), time.monotonic() - began
