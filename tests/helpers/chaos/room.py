"""The folder of one cell, and the processes that act in it: the run that is struck, and those that mend."""

from __future__ import annotations

import gc
import itertools
import json
import os
import random
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from chaos.boundaries import Boundaries, Boundary
from chaos.eyes import Eyes, recorded
from chaos.faults import DEEDS, Fault, Victim
from chaos.hand import at_hand
from chaos.handmade import HandWitness, given_up, unnamed
from chaos.quirks import QUIRKS
from chaos.scenarios import APPLY, Command
from chaos.still import still
from chaos.witness import Witness
from desk import NOW, Desk
from krakenctl.cli import main
from krakenctl.model.journal import Stage
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.people import operate
from krakenctl.state import sqlite
from running import Ran

if TYPE_CHECKING:
    from chaos import cell

_ABOVE_ALL = (NOW + 10**9) * 1000  # nonces for the last look, above those of whoever has asked a key before
PATIENCE = 1200  # seconds between two tries of an ordinary user: longer than any lockout, and than any late deed
TRIES = 4
MENDERS: tuple[Command, ...] = ((), ("recover",), ("tick",))  # before apply; the first: nothing
RECOVER: Command = ("recover",)
_BY_HAND = ("no room", "Too many API keys", "revoke that key by hand", "perhaps a person renamed it")
STALE, WAITING = 5, 8
LOOKED_AT = ("http", "store", "person", "website", "end")  # boundaries at which a consumer reads its secret


@dataclass
class Aim:
    """At a boundary by its number; or at the nth of those that a fault can strike, in a run nobody has rehearsed."""

    number: int
    nth: bool = False
    struck: int | None = None  # where it has

    def at(self, here: Boundary) -> bool:
        if not self.nth:
            return here.number == self.number
        self.number -= 1
        return self.number < 0


@dataclass
class Room:
    """The folder of one cell: the workspace, what is printed, temporary files, and notes that outlive a killed run."""

    folder: Path
    stage: cell.Stage
    sabotage: Callable[[], None] = lambda: None

    @property
    def desk(self) -> Desk:
        return Desk(self.folder / "acme", itertools.count(_ABOVE_ALL))

    def furnish(self) -> None:
        shutil.copytree(self.stage.template.root, self.folder / "acme")
        if self.stage.shared is not None:
            self.stage.shared.copy(self.desk, self.folder.name)
        (self.folder / "tmp").mkdir()

    def noted(self, kind: str) -> list[Any]:
        notes = self.folder / "notes"
        lines = map(json.loads, notes.read_text().splitlines()) if notes.exists() else ()
        return [line[kind] for line in lines if kind in line]

    def note(self, **what: Any) -> None:
        """One write: a kill cannot halve it."""
        handle = os.open(self.folder / "notes", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, json.dumps(what).encode() + b"\n")
        os.close(handle)

    def child(self, run: Callable[[], int]) -> int:
        """How the process ended that did it; negative: by a signal."""
        number = len(list(self.folder.glob("said.*")))
        process = os.fork()
        if process == 0:
            self._become(number, run)
        status = os.waitpid(process, os.WUNTRACED)[1]
        while os.WIFSTOPPED(status):
            self.child(self._overtake)
            os.kill(process, signal.SIGCONT)
            status = os.waitpid(process, os.WUNTRACED)[1]
        if self.stage.shared is not None:
            self.stage.shared.revive()
        return os.waitstatus_to_exitcode(status)

    def _overtake(self) -> int:
        """Somebody takes the lease of a run that seems to hang, and does its work."""
        main(["-C", str(self.desk.root), "state", "unlock", "--yes", "--reason", "it hangs"])
        return main(self._words(self.stage.scenario.again))

    def _words(self, command: Command) -> list[str]:
        return ["-C", str(self.desk.root), *(word.format(root=self.desk.root) for word in command)]

    def _become(self, number: int, run: Callable[[], int]) -> NoReturn:
        said = os.open(self.folder / f"said.{number}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for stream in (1, 2):
            os.dup2(said, stream)
        os.environ.update(TMPDIR=str(self.folder / "tmp"), KRAKENCTL_PARALLELISM=str(self.stage.scenario.parallelism))
        gc.disable()
        random.seed(str(self.stage.scenario.name))
        sqlite.BUSY_SECONDS = 0
        code = 70
        try:
            self.sabotage()
            scenario = self.stage.scenario
            with still(self.desk, number), at_hand(self.desk.root, scenario.hand, scenario.later):
                code = run()
        except BaseException:  # noqa: BLE001 - it is a finding, whatever it is
            self.note(lost=f"crash: {traceback.format_exc(limit=-3)}")
        finally:
            sys.stdout.flush()
            os._exit(code)

    # What the processes do

    def rehearsal(self) -> int:
        """Nothing is struck; every boundary is noted."""
        boundaries = Boundaries(self.desk.root, self._write_down, shared=self.stage.shared is not None)
        boundaries.install()
        code = main(self._words(self.stage.scenario.run))
        boundaries.end()
        return code

    def _write_down(self, here: Boundary) -> None:
        self.note(reached={"number": here.number, "sort": here.sort, "what": here.what, "after": here.after})

    def struck_run(self, fault: Fault, aim: Aim, command: Command) -> int:
        witness = self.witness()
        shared = self.stage.shared
        boundaries = Boundaries(
            self.desk.root, lambda here: self._watch(here, witness, fault, aim, victim), shared=shared is not None
        )
        victim = Victim(self.desk.root, boundaries, shared)
        boundaries.install()
        code = main(self._words(command))
        boundaries.end()
        return code

    def _watch(self, here: Boundary, witness: Witness, fault: Fault, aim: Aim, victim: Victim) -> None:
        if here.sort in LOOKED_AT:
            self._look(witness)
        if aim.struck is not None:
            self._watch_on(here, witness, fault, aim.struck)
        elif fault.at(here) and aim.at(here):  # in a parallel run another boundary may have this number
            self._note_people(witness, fault)
            self.note(struck=str(here))
            aim.struck = here.number
            fault.strike(victim, here)

    def _watch_on(self, here: Boundary, witness: Witness, fault: Fault, struck: int) -> None:
        if here.number == struck + 1 and fault.person:
            self._see_people(witness)
        if fault.name == "overtaken" and here.what in DEEDS and not here.after:
            self.note(lost=f"lease: a run that was overtaken went on with {here.what}")

    def _look(self, witness: Witness) -> None:
        for lost in witness.at_this_moment():
            self.note(lost=lost)

    def _note_people(self, witness: Witness, fault: Fault) -> None:
        """Whose key it is that a person is about to rename or delete."""
        rows = [row for row in witness.eyes.rows().values() if row.account == "acme"]
        if fault.name.endswith("newest"):
            rows = rows[-1:]
        elif fault.name in ("person-renames", "person-deletes"):
            rows = [row for row in rows if row.name == "bot.a7.g1"]
        if fault.person and fault.name != "person-adds":
            for row in rows:
                self.note(touched=row.public_key)
                witness.touched.add(row.public_key)
                if "renames" in fault.name:
                    self.note(stays=row.public_key)

    def _see_people(self, witness: Witness) -> None:
        for row in witness.eyes.rows().values():
            if not row.client and row.public_key not in witness.before.rows:
                self.note(stays=row.public_key)

    def mending_runs(self, first: Command, fault: Fault) -> int:
        """What an ordinary user does next, and then the last look."""
        witness, desk, again = self.witness(mending=True), self.desk, self.stage.scenario.again
        desk.mend()
        desk.advance(fault.pause)
        self.stage.scenario.declare(desk)
        boundaries = Boundaries(desk.root, lambda here: self._look(witness) if here.sort in LOOKED_AT else None)
        boundaries.install()
        if first:
            self._read_the_plan(desk, witness)
            self._say(desk.run(*first))
        self._until_done(desk, witness, again, fault)
        if fault.late:  # whatever was put off has come by then
            desk.advance(PATIENCE)
            self._until_done(desk, witness, again, fault)
        if again == RECOVER:
            self._see_that_nothing_is_left(desk)
        if again == RECOVER or (fault.person and self._may_apply()):  # the rest is beyond its authority
            self._until_done(desk, witness, APPLY, fault)
        self._judge(desk, witness)
        return 0

    def _may_apply(self) -> bool:
        """Whether apply is to put right what the scenario's command cannot: not what the kill switch took away."""
        return not self.stage.scenario.leaves

    def _say(self, ran: Ran) -> int:
        """Into the file where secrets are looked for."""
        print(ran.out, ran.err)  # noqa: T201
        return ran.code

    def _see_that_nothing_is_left(self, desk: Desk) -> None:
        """But for names that may turn up still."""
        if left := [intent.live_name for intent in recorded(desk).intents if intent.stage is not Stage.LOST]:
            self.note(lost=f"4: recover left with 0, and {left} is not recovered")

    def _until_done(self, desk: Desk, witness: Witness, command: Command, fault: Fault) -> None:
        code = 0
        for _ in range(TRIES):
            if self._may_apply() and (code in (STALE, WAITING) or (code and fault.person)):  # what is beyond it
                command = APPLY
            self._read_the_plan(desk, witness)
            ran = desk.run(*self._words(command)[2:])
            if (code := self._say(ran)) == 0:
                return
            self._answer_questions(desk)
            if any(hint in ran.out for hint in _BY_HAND):
                self._make_room(desk, witness)
            desk.advance(PATIENCE)
        self.note(lost=f"4: {TRIES} ordinary runs did not end in peace (exit code {code})")

    def _read_the_plan(self, desk: Desk, witness: Witness) -> None:
        """What a plan shows is no surprise: a gap, or no overlap, once Kraken has said that there is no more room."""
        ran = desk.run("plan", "-o", "json")
        for change in ran.json.get("changes", ()) if ran.code == 0 else ():
            witness.told_of_an_end |= {step["name"] for step in change["steps"] if step["verb"] == "revoke"}
            if change["gap"]:
                witness.told_of_a_gap.add(change["secret"]["path"])

    def _answer_questions(self, desk: Desk) -> None:
        """A person looks on the website whether the sub-account is there, and says so."""
        for name, account in recorded(desk).accounts.items():
            if account.kind == "SubAccount" and not account.iiban:
                answer = "--exists" if account.username in desk.usernames() else "--absent"
                main(["-C", str(desk.root), "recover", answer, f"SubAccount/{name}"])

    def _make_room(self, desk: Desk, witness: Witness) -> None:
        """Whoever renamed or added a key meanwhile learns that it stands in the way, and deletes it.

        And where nothing proves that an orphan is ours, somebody reads the warning, and deletes that.
        """
        unwanted = set(witness.stays)
        if not witness.provable:
            findings = desk.run("plan", "-o", "json").json.get("findings", ())
            warnings = [finding["message"] for finding in findings if finding["rule"] == "unknown-key"]
            rows = witness.eyes.rows().values()
            unwanted |= {row.public_key for row in rows if any(f"“{row.name}”" in text for text in warnings)}
        with opened(desk.db) as database, database.write() as connection:
            connection.executemany("DELETE FROM key WHERE public_key = ?", [(public,) for public in unwanted])
        witness.stays -= unwanted
        witness.touched |= unwanted

    def _judge(self, desk: Desk, witness: Witness) -> None:
        leaves = self.stage.scenario.leaves
        if leaves:  # whoever runs apply unasked brings nothing back
            self._say(desk.apply())
        if self.stage.scenario.hand:
            self._delete_what_was_given_up(desk)
        plans = [desk.run("plan", "--detailed-exitcode", "-o", "json") for _ in range(2)]
        changes = [(c["address"], c["action"], *c["reasons"]) for c in plans[0].json.get("changes", ())]
        if plans[0].code != (2 if leaves else 0) or {change[0]: change[1] for change in changes} != leaves:
            self.note(lost=f"4: in the end, plan leaves with {plans[0].code}: {changes}")
        if plans[0].out != plans[1].out:
            self.note(lost="4: two plans of one world differ")
        print(plans[0].out, plans[0].err, plans[1].err)  # noqa: T201 - into the file where secrets are looked for
        sys.stdout.flush()
        self._look(witness)
        for lost in witness.verdict(desk, plans[0].out):
            self.note(lost=lost)

    def _delete_what_was_given_up(self, desk: Desk) -> None:
        """As a plan tells a person to."""
        left, killed = given_up(desk), len(self.noted("struck"))
        for lost in unnamed(desk, desk.plan()):
            self.note(lost=lost)
        alive = [intent.live_name for intent in left if intent.live_name in desk.rows()]
        unsaid = [intent.live_name for intent in left if intent.live_name in alive and not intent.mistaken]
        if len(unsaid) > killed:
            self.note(lost=f"1: {unsaid} are left over of {killed} runs that were killed")
        for intent in left:
            if intent.live_name in alive:
                operate.revoke_key(desk.db, "acme", intent.live_name)
            main(["-C", str(desk.root), "recover", "--absent", f"{intent.address}:{intent.live_name}"])

    def witness(self, *, mending: bool = False) -> Witness:
        scenario = self.stage.scenario
        return (HandWitness if scenario.hand else Witness)(
            scenario,
            scenario.manifests if mending else scenario.after,
            self.stage.before,
            Eyes(self.desk.root),
            provable=QUIRKS.get(self.stage.quirk, {}).get("created-time") != "absent",
            touched=set(self.noted("touched")),
            stays=set(self.noted("stays")),
        )
