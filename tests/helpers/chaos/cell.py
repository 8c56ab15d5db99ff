"""One cell: a workspace is copied, a process runs krakenctl in it and is struck, and then ordinary runs have to put
everything right. Each run is a process of its own, forked from this warm one."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from chaos import quirks
from chaos.boundaries import Boundaries, Boundary
from chaos.by_person import ALL
from chaos.eyes import Eyes
from chaos.faults import FAULTS, Fault
from chaos.hand import at_hand
from chaos.leaks import what_was_written
from chaos.room import MENDERS, WAITING, Aim, Room
from chaos.scenarios import APPLY, Command, Scenario, prepare
from chaos.shared_state import SharedState
from chaos.standing import standing
from chaos.still import still
from chaos.witness import Before
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
    shared: SharedState | None = None  # where the state is on a PostgreSQL server
    boundaries: tuple[Boundary, ...] = ()
    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what was lost, by how the world stood

    @classmethod
    def build(cls, scenario: str, quirk: str, folder: Path, shared: SharedState | None = None) -> Stage:
        told = ALL[scenario]

        def furnish(desk: Desk) -> None:
            quirks.switch(desk, quirk)
            if shared is not None:
                shared.settle(desk)

        with still(None):
            template = prepare(told, folder / "template/acme", furnish)
            quirks.fill(template, quirk)
            warm = template.copy(folder / "warm")
            if shared is not None:
                shared.copy(warm, "warm")
            with at_hand(warm.root, told.later or told.hand):
                _warm_up(warm, told)
        if told.killed:
            _kill(template, told.killed)
        stage = cls(told, quirk, template, folder, Before.of(template), shared)
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
        first = FAULTS["kill"] if fault.then else fault
        ended = room.child(lambda: room.struck_run(first, Aim(cell.boundary), self.scenario.run))
        where = next(iter(room.noted("struck")), "")
        if fault.then:
            self._strike_again(cell, room, FAULTS[fault.then])
        with closing(Eyes(room.desk.root)) as eyes:
            lost = tuple(dict.fromkeys((*room.noted("lost"), *what_was_written(eyes, room.desk))))
        touched = [len(room.noted(kind)) for kind in ("touched", "stays")]
        stands = repr((standing(room.desk), fault.person, fault.late, fault.pause, touched))
        if stands in self.seen and not every:
            return Verdict(cell, where, ended, (*lost, *self.seen[stands]), same=True)
        room.child(lambda: room.mending_runs(mender(stands), fault))
        after = tuple(loss for loss in dict.fromkeys(room.noted("lost")) if loss not in lost)
        self.seen[stands] = after
        return Verdict(cell, where, ended, (*lost, *after))

    def _strike_again(self, cell: Cell, room: Room, fault: Fault) -> None:
        """Somewhere else for every cell, and at the same place each time. A run that ends before it is not struck."""
        places = sum(fault.at(here) for here in self.boundaries)
        if places:
            aim = Aim(random.Random(str(cell)).randrange(places), nth=True)
            room.child(lambda: room.struck_run(fault, aim, self.scenario.again))

    def _rehearse(self) -> Iterator[Boundary]:
        room = Room(self.folder / "rehearsal", self)
        room.furnish()
        ended = room.child(room.rehearsal)
        lost = room.noted("lost")
        if lost or ended not in (0, WAITING if self.scenario.hand else 0):
            raise RuntimeError(f"{self.scenario.name} under {self.quirk} does not work unbroken: {ended}, {lost}")
        yield from (Boundary(**told) for told in room.noted("reached"))
        shutil.rmtree(room.folder, ignore_errors=True)


def _kill(desk: Desk, where: str) -> None:
    """An apply in that workspace, at that boundary."""
    process = os.fork()
    if process == 0:

        def reached(here: Boundary) -> None:
            if str(here) == where:
                os.kill(os.getpid(), signal.SIGKILL)

        Boundaries(desk.root, reached).install()
        with still(desk):
            desk.run(*APPLY)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) != -signal.SIGKILL:
        raise RuntimeError(f"there is no boundary “{where}”")


def _warm_up(desk: Desk, scenario: Scenario) -> None:
    """Whatever a run imports and compiles is there in every process that is forked from this one, and shared by all."""
    for command in (scenario.run, *filter(None, MENDERS), APPLY):
        desk.run(*(word.format(root=desk.root) for word in command))
    desk.plan()
    gc.collect()
    gc.freeze()


def mender(stands: str) -> Command:
    """What comes first after the struck run. Worlds that stand alike get the same, today and tomorrow."""
    return random.Random(stands).choice(MENDERS)
