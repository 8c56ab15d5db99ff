"""The chaos matrix: every run struck at every boundary, by every fault, under every quirk; then mended by ordinary
runs, and looked at. Prints what was kept and what was lost; exits 1 if anything was. See docs/chaos.md."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

from chaos import matrix  # the package of the helpers, not this file
from chaos.by_person import ALL
from chaos.cell import Cell
from chaos.faults import FAULTS
from chaos.imports import IMPORTS, killed
from chaos.quirks import COLUMNS, POSTGRES
from chaos.sabotage import SABOTAGE
from chaos.shared_state import available


def main() -> int:
    asked = _arguments()
    if asked.cell:
        return _one(Cell.parse(asked.cell))
    if asked.sabotage:
        return _sabotaged(asked.sabotage)
    if asked.imports:
        return _imports()
    scenarios, faults, quirks = asked.scenario or ALL, asked.fault or FAULTS, asked.quirk or COLUMNS
    if POSTGRES in quirks and not available():
        print("There is no PostgreSQL to start, or no psycopg: that column is left out.", file=sys.stderr)
    if asked.fast:
        parts = matrix.fast([*scenarios], [*faults], [*quirks])
    else:
        parts = matrix.whole([*scenarios], [*faults], [*quirks], every=asked.every)
    verdicts, seconds = matrix.timed(lambda: matrix.run(parts, asked.processes, _progress))
    for line in (*matrix.table(verdicts), "", *matrix.summary(verdicts, seconds)):
        print(line)
    return int(any(verdict.lost or matrix.unstruck(verdict) for verdict in verdicts))


def _one(cell: Cell) -> int:
    verdict = matrix.one(cell)
    print(f"{cell}: struck {verdict.where or 'nothing'}, the run ended with {verdict.ended}")
    for loss in verdict.lost:
        print(f"  {loss}")
    print("lost" if verdict.lost else "every promise was kept")
    return int(bool(verdict.lost))


def _sabotaged(names: list[str]) -> int:
    """Break krakenctl on purpose: 0 if every breach is noticed."""
    blind = 0
    for name in SABOTAGE if "all" in names else names:
        lost = matrix.sabotaged(name).lost
        noticed = [loss for loss in lost if loss.startswith(f"{SABOTAGE[name].breaks}:")]
        blind += not noticed
        print(f"{'noticed' if noticed else 'MISSED'}: {name} ({'; '.join(noticed or lost) or 'nothing lost'})")
    return int(blind > 0)


def _imports() -> int:
    """Each killed before every deed that outlasts it: 0 if the same import has finished all of them."""
    found = []
    for name in IMPORTS:
        with matrix.a_folder() as folder, killed(name, Path(folder)) as run:
            wrong = [f"{name}/{strike}: {each}" for strike in range(run.deeds) for each in run.at(strike)]
            print(f"{name}: killed {run.deeds} times, {len(wrong)} complaints", *wrong, sep="\n  ")
            found += wrong
    return int(bool(found))


def _progress(done: int, of: int) -> None:
    print(f"\r{done} of {of} parts", end="" if done < of else "\n", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", action="append", choices=ALL, help="only this one (may be repeated)")
    parser.add_argument("--fault", action="append", choices=FAULTS, help="only this one (may be repeated)")
    parser.add_argument("--quirk", action="append", choices=COLUMNS, help="only under this one (may be repeated)")
    parser.add_argument("--fast", action="store_true", help="the part that the test suite runs")
    parser.add_argument(
        "--every", action="store_true", help="repeat the mending runs also where the world stands alike"
    )
    parser.add_argument("--cell", metavar="SCENARIO/BOUNDARY/FAULT/QUIRK", help="one cell, as the summary names it")
    parser.add_argument(
        "--sabotage", action="append", choices=["all", *SABOTAGE], help="break krakenctl on purpose; must be noticed"
    )
    parser.add_argument("--imports", action="store_true", help="kill imports instead")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="default: one per core")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
