"""One cell: a workspace is copied, a process runs krakenctl in it and is struck, and then ordinary runs have to put
everything right. Each run is a process of its own, forked from this warm one."""

from __future__ import annotations

import gc
import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from chaos import quirks
from chaos.boundaries import Boundary
from chaos.faults import FAULTS
from chaos.room import MENDERS, Mender, Room, still
from chaos.scenarios import SCENARIOS, Scenario, prepare
from chaos.standing import standing
from chaos.witness import Before, Eyes, what_was_written
from desk import Desk

KEEP = bool(os.environ.get("CHAOS_KEEP"))  # leave the cell's folder behind, to be looked at


@dataclass(frozen=True)
class Cell:
    scenario: str
    boundary: int
    fault: str
    quirk: str

    def __str__(self) -> str:
        return f"{self.scenario}/{self.boundary}/{self.fault}/{self.quirk}"

    @classmethod
    def parse(cls, text: str) -> Cell:
        scenario, boundary, fault, quirk = text.split("/")
        return cls(scenario, int(boundary), fault, quirk)


@dataclass(frozen=True)
class Verdict:
    cell: Cell
    where: str  # the boundary in words; empty: it was never reached, nothing was struck
    ended: int | None  # how the struck run ended; negative: by a signal
    lost: tuple[str, ...] = ()  # which promises, by their number in the design: empty is good
    same: bool = False  # the world stood as after an earlier cell, so that the runs after it were not repeated


@dataclass
class Stage:
    """One scenario under one quirk: its template, and what is known of it."""

    scenario: Scenario
    quirk: str
    template: Desk
    folder: Path
    before: Before
    boundaries: tuple[Boundary, ...] = ()
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what was lost, by how the world stood

    @classmethod
    def build(cls, scenario: str, quirk: str, folder: Path) -> Stage:
        told = SCENARIOS[scenario]
        with still(None):
            template = prepare(told, folder / "template/acme", lambda desk: quirks.switch(desk, quirk))
            quirks.fill(template, quirk)
            _warm_up(template.copy(folder / "warm"))
        stage = cls(told, quirk, template, folder, Before.of(template))
        stage.boundaries = tuple(stage._rehearse())
        return stage

    def run(self, cell: Cell, *, every: bool = False, sabotage: Callable[[], None] = lambda: None) -> Verdict:
        """`every`: mend also where the world stands as after an earlier cell. `sabotage` breaks krakenctl itself."""
        room = Room(self.folder / "cell", self, sabotage)
        room.furnish()
        try:
            return self._run(cell, room, every=every)
        finally:
            if not KEEP:
                shutil.rmtree(room.folder, ignore_errors=True)

    def _run(self, cell: Cell, room: Room, *, every: bool) -> Verdict:
        fault = FAULTS[cell.fault]
        ended = room.child(lambda: room.struck_run(fault, cell.boundary))
        where = next(iter(room.noted("struck")), "")
        if cell.fault == "kill-twice":
            room.child(lambda: room.struck_run(FAULTS["kill"], _second(cell, len(self.boundaries))))
        with closing(Eyes(room.desk.root)) as eyes:
            lost = tuple(dict.fromkeys((*room.noted("lost"), *what_was_written(eyes, room.desk))))
        touched = [len(room.noted(kind)) for kind in ("touched", "stays")]
        stands = repr((standing(room.desk), fault.person, fault.late, touched))
        if stands in self.seen and not every:
            return Verdict(cell, where, ended, (*lost, *self.seen[stands]), same=True)
        room.child(lambda: room.mending_runs(mender(stands), late=fault.late))
        after = tuple(loss for loss in dict.fromkeys(room.noted("lost")) if loss not in lost)
        self.seen[stands] = after
        return Verdict(cell, where, ended, (*lost, *after))

    def _rehearse(self) -> Iterator[Boundary]:
        room = Room(self.folder / "rehearsal", self)
        room.furnish()
        ended = room.child(room.rehearsal)
        lost = room.noted("lost")
        if ended or lost:
            raise RuntimeError(f"{self.scenario.name} under {self.quirk} does not work unbroken: {ended}, {lost}")
        yield from (Boundary(**told) for told in room.noted("reached"))
        shutil.rmtree(room.folder, ignore_errors=True)


def _warm_up(desk: Desk) -> None:
    """Whatever a run imports and compiles is there in every process that is forked from this one, and shared by all."""
    desk.apply()
    desk.plan()
    gc.collect()
    gc.freeze()


def mender(stands: str) -> Mender:
    """What comes first after the struck run. Worlds that stand alike get the same, today and tomorrow."""
    return random.Random(stands).choice(MENDERS)


def _second(cell: Cell, boundaries: int) -> int:
    """Where the second run is killed: somewhere else for every cell, and the same each time."""
    return random.Random(str(cell)).randrange(boundaries)
