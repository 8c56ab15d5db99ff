"""All cells, or a part of them, run by several processes; and what is told of them."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from chaos.boundaries import Boundary
from chaos.by_person import ALL, BY_PERSON
from chaos.cell import KEEP, Cell, Stage, Verdict
from chaos.faults import FAULTS, ON_THE_SERVER
from chaos.quirks import POSTGRES, QUIRKS
from chaos.sabotage import SABOTAGE
from chaos.scenarios import SCENARIOS
from chaos.shared_state import SharedState, available, shared_state

SHARED_MEMORY = Path("/dev/shm")  # where there is one, no disk has to be waited for
NOWHERE = -1  # a boundary that is never reached: nothing is struck
PAIRS = 6  # boundaries of each scenario at which a kill is followed by another fault
# There is room for one key more, and these need two; a plan that was saved before knows nothing of it.
_UNFIT = {("first-run", "room-for-one"), ("saved-plan", "room-for-one")}
_ON_POSTGRES = ("create", "replace", "replace-revoke-first")
# What the test suite runs (--fast) is thin.
_KILLED_EVERYWHERE = ("create", "replace", "replace-revoke-first")
_KILLS = 3  # boundaries at which each other scenario is killed
_TURNS = 6  # a scenario is struck by every sixth fault
WITH_A_PERSON = {"hand-replace": ("default", 8), "hand-unseen": ("address-first", 3), "hand-answers": ("default", 3)}
BY_HAND = ("kill", "kill-twice", "kill-later")  # what strikes a run that asks a person
REPEAT = "python benchmarks/chaos.py --cell"


@dataclass(frozen=True)
class Part:
    """Which cells of one scenario under one quirk are run."""

    scenario: str
    quirk: str
    faults: tuple[str, ...]
    thin: bool  # a few boundaries of each fault, and for a kill one of two where nothing lasting happens in between
    every: bool = False
    kills: int = _KILLS  # at so many boundaries, where it is thin

    def cells(self, boundaries: Sequence[Boundary]) -> Iterator[Cell]:
        for fault in [fault for fault in self.faults if self._fits(fault, boundaries)]:
            for here in self._thinned(fault, [here for here in boundaries if FAULTS[fault].at(here)]):
                yield Cell(self.scenario, here.number, fault, self.quirk)

    def _fits(self, fault: str, boundaries: Sequence[Boundary]) -> bool:
        """The kill switch needs no lease, so that nobody can overtake it."""
        if self.scenario in BY_PERSON and fault not in BY_HAND:
            return False
        then = FAULTS[fault].then
        leased = ALL[self.scenario].run[0] != "revoke"
        return (leased or fault != "overtaken") and (not then or any(FAULTS[then].at(here) for here in boundaries))

    def _thinned(self, fault: str, found: list[Boundary]) -> list[Boundary]:
        chance = random.Random(f"{self.scenario} {fault} {self.quirk}")
        if not self.thin:
            return chance.sample(found, min(PAIRS, len(found))) if is_pair(fault) else found
        if fault == "kill" and (self.quirk == "default" or self.scenario in BY_PERSON):
            kept = [here for here in found if not here.after and here.sort != "fsync"]
            return kept if self.scenario in _KILLED_EVERYWHERE else chance.sample(kept, min(self.kills, len(kept)))
        return chance.sample(found, min(1, len(found)))


def is_pair(fault: str) -> bool:
    return fault.startswith("kill-then-")


def whole(scenarios: Sequence[str], faults: Sequence[str], quirks: Sequence[str], *, every: bool) -> list[Part]:
    return [
        Part(name, quirk, _possible(faults, quirk), thin=False, every=every)
        for quirk in quirks
        for name in scenarios
        if _exists(name, quirk)
    ]


def _exists(scenario: str, quirk: str) -> bool:
    return scenario in _ON_POSTGRES and available() if quirk == POSTGRES else (scenario, quirk) not in _UNFIT


def _possible(faults: Sequence[str], quirk: str) -> tuple[str, ...]:
    """What else befalls a run is the same wherever its state is."""
    on_server = ("kill", "kill-twice", *ON_THE_SERVER)
    return tuple(f for f in faults if (f in on_server if quirk == POSTGRES else f not in ON_THE_SERVER))


def fast(scenarios: Sequence[str], faults: Sequence[str], quirks: Sequence[str]) -> list[Part]:
    """The main scenarios killed at every boundary, and each struck by some of the other faults, some under a quirk."""
    quirky = [quirk for quirk in QUIRKS if quirk != "default"]
    singles = [fault for fault in FAULTS if fault != "kill" and not is_pair(fault) and fault not in ON_THE_SERVER]
    pairs = [fault for fault in FAULTS if is_pair(fault)]
    parts = []
    for number, name in enumerate(SCENARIOS):
        default = ["kill", *singles[number % _TURNS :: _TURNS], *pairs[number :: len(SCENARIOS)]]
        under = quirky[number % len(quirky)]
        shares = {"default": default, under: singles[(number + 1) % _TURNS :: _TURNS] if number % _TURNS == 1 else []}
        shares[POSTGRES] = ["kill", "kill-twice", *ON_THE_SERVER] if name == "replace" else []
        for quirk, share in shares.items():
            asked = tuple(fault for fault in share if fault in faults)
            if asked and name in scenarios and quirk in quirks and _exists(name, quirk):
                parts.append(Part(name, quirk, asked, thin=True))
    return [*parts, *_with_a_person(scenarios, faults, quirks)]


def _with_a_person(scenarios: Sequence[str], faults: Sequence[str], quirks: Sequence[str]) -> Iterator[Part]:
    for name, (quirk, kills) in WITH_A_PERSON.items():
        if name in scenarios and quirk in quirks:
            struck = tuple(fault for fault in ("kill", "kill-twice") if fault in faults)
            yield Part(name, quirk, struck, thin=True, kills=kills)


def run(parts: Sequence[Part], processes: int, told: Callable[[int, int], None]) -> list[Verdict]:
    """`told`: how many parts are done, of how many."""
    found: list[Verdict] = []
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
        tasks = {pool.submit(_run, part): part for part in parts}
        for number, done in enumerate(as_completed(tasks)):
            problem = done.exception()
            found += [_broken(tasks[done], problem)] if problem else done.result()
            told(number + 1, len(parts))
    return sorted(found, key=lambda verdict: str(verdict.cell))


def _broken(part: Part, problem: BaseException) -> Verdict:
    """Nothing of that part is known; the others go on."""
    return Verdict(Cell(part.scenario, NOWHERE, part.faults[0], part.quirk), "", None, (f"broken: {problem}",))


def _run(part: Part) -> list[Verdict]:
    with a_folder() as folder, _server(part.quirk) as shared:
        stage = Stage.build(part.scenario, part.quirk, Path(folder), shared)
        return [stage.run(cell, every=part.every) for cell in part.cells(stage.boundaries)]


def _server(quirk: str) -> AbstractContextManager[SharedState | None]:
    return shared_state() if quirk == POSTGRES else nullcontext()


def one(cell: Cell) -> Verdict:
    with a_folder() as folder, _server(cell.quirk) as shared:
        return Stage.build(cell.scenario, cell.quirk, Path(folder), shared).run(cell, every=True)


def sabotaged(name: str) -> Verdict:
    """A cell in which krakenctl itself is broken: its verdict must say so."""
    sabotage = SABOTAGE[name]
    with a_folder() as folder:
        stage = Stage.build(sabotage.scenario, "default", Path(folder))
        cell = Cell(sabotage.scenario, _last_before_a_key(stage, sabotage.struck), sabotage.struck or "kill", "default")
        return stage.run(cell, every=True, sabotage=sabotage.does)


def _last_before_a_key(stage: Stage, fault: str) -> int:
    if not fault:
        return NOWHERE
    issue = next(here.number for here in stage.boundaries if FAULTS["misissue"].at(here))
    return max(here.number for here in stage.boundaries if FAULTS[fault].at(here) and here.number <= issue)


@contextmanager
def a_folder() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="chaos-", dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
    try:
        yield folder
    finally:
        if KEEP:
            print(f"left behind: {folder}", file=sys.stderr)  # noqa: T201
        else:
            shutil.rmtree(folder, ignore_errors=True)


# What is told


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """A line per fault, a column per scenario: cells, and after a minus those where something was lost."""
    ran = Counter((verdict.cell.fault, verdict.cell.scenario) for verdict in verdicts)
    lost = Counter((verdict.cell.fault, verdict.cell.scenario) for verdict in verdicts if verdict.lost)
    scenarios = [name for name in ALL if any(key[1] == name for key in ran)]
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
    return not verdict.where and ALL[verdict.cell.scenario].parallelism == 1


def _by_loss(bad: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in bad:
        for loss in verdict.lost:
            groups.setdefault(loss, []).append(verdict)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def timed(work: Callable[[], list[Verdict]]) -> tuple[list[Verdict], float]:
    began = time.monotonic()
    return work(), time.monotonic() - began
