"""What one durable entry of the journal costs, beside a bare fsync on the same disk and in the same run.

For example:

    python benchmarks/journal.py
    python benchmarks/journal.py --dsn "host=127.0.0.1 dbname=scratch"    # PostgreSQL too, in a schema of its own

It measures within one process: the calls of the state's port, as apply makes them. The contestants take turns.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path

from krakenctl.model.journal import Stage
from krakenctl.model.run import Deed, Run
from krakenctl.model.secret import Secret
from krakenctl.state.base import State, StateHome
from krakenctl.state.postgres import PostgresHome
from krakenctl.state.sqlite import SqliteHome
from krakenctl.testing.examples import ADDRESS, intent

RUN = Run(id="0" * 32, who="bench", host="bench", command="apply")
ENTRY = b"x" * 200  # about what an entry of the journal comes to

Contestants = Mapping[str, Callable[[], object]]


def bare(folder: Path, stack: ExitStack) -> Contestants:
    file = stack.enter_context((folder / "bare").open("ab", buffering=0))

    def write() -> None:
        file.write(ENTRY)
        os.fsync(file.fileno())

    return {"a bare write and fsync": write}


def deeds(name: str, home: StateHome, stack: ExitStack) -> Contestants:
    state: State = stack.enter_context(closing(home.open()))
    numbers, live_name = count(1), intent(1).live_name
    deed = Deed(at=1_800_000_000, run=RUN, verb="issue", outcome="done", address=ADDRESS, name=live_name)
    state.begin(intent(1))
    return {
        f"{name}: how far a change has come": lambda: state.advance(ADDRESS, live_name, Stage.STORED),
        f"{name}: a change begins": lambda: state.begin(intent(next(numbers))),
        f"{name}: a line of the audit log": lambda: state.log.append(deed),
    }


def contestants(folder: Path, dsn: str, stack: ExitStack) -> Contestants:
    found = {**bare(folder, stack), **deeds("SQLite", SqliteHome(folder / "state.db"), stack)}
    if dsn:
        home = PostgresHome(lambda: Secret(dsn), "--dsn", f"krakenctl_bench_{os.getpid()}")
        stack.callback(home.remove)
        found |= deeds("PostgreSQL", home, stack)
    return found


def measured(taking_part: Contestants, rounds: int) -> Iterator[tuple[str, list[float]]]:
    """Microseconds, by contestant."""
    found: dict[str, list[float]] = {name: [] for name in taking_part}
    for number in range(-10, rounds):  # the first ones warm up
        for name, deed in taking_part.items():
            start = time.perf_counter()
            deed()
            if number >= 0:
                found[name].append((time.perf_counter() - start) * 1e6)
    yield from found.items()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--dsn", default="", help="a PostgreSQL database to measure too")
    wish = parser.parse_args()
    print("| | median | least | to a bare fsync |\n|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory(prefix="krakenctl-bench-") as folder, ExitStack() as stack:
        base = 0.0
        for name, times in measured(contestants(Path(folder), wish.dsn, stack), wish.rounds):
            median = statistics.median(times)
            base = base or median
            print(f"| {name} | {median:.0f} µs | {min(times):.0f} µs | {median / base:.1f} × |")


if __name__ == "__main__":
    main()
