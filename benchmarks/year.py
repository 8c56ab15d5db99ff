"""A simulated year on the sandbox: 50 keys of mixed policies, a `tick` a day, a signed call per key and hour.

    python benchmarks/year.py                       # a quarter of it: every tick, then with every third one missed
    python benchmarks/year.py --whole               # 365 days
    python benchmarks/year.py --days 60 --keys 15 -o json

Everything is real but the time: krakenctl's own commands (in this process), age-encrypted files, a signed call through
the embedded sandbox with a rising nonce. A consumer reads its secret anew when the file has changed. It fails if any
consumer's call fails, any key outlives its policy, more than two generations live, or a consumer has a gap.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from year import SCHEDULES, Fleet, Year, live_through

QUARTER, WHOLE = 91, 365  # days


def main() -> int:
    options = _options()
    ran = machine(1)
    results = {name: _measured(options, ticks) for name, ticks in SCHEDULES.items()}
    if options.output == "json":
        print(json.dumps({"machine": ran, "keys": options.keys, "days": options.days, "results": results}, indent=2))
    else:
        print(", ".join(f"{name}: {value}" for name, value in ran.items()))
        print(f"{options.keys} keys, {options.days} days, a call every {options.every} h")
        for name, result in results.items():
            print(_line(name, result))
    return 0 if all(_is_kept(result) for result in results.values()) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keys", type=int, default=50)
    days = parser.add_mutually_exclusive_group()
    days.add_argument("--days", type=int, default=QUARTER)
    days.add_argument("--whole", dest="days", action="store_const", const=WHOLE, help="the whole year")
    parser.add_argument("--every", type=int, default=1, help="hours between a consumer's calls")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    return parser.parse_args()


def _measured(options: argparse.Namespace, ticks: Callable[[int], bool]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder) / "desk", options.keys)
        began = time.perf_counter()
        year: Year = live_through(fleet, days=options.days, every=options.every, ticks=ticks)
        return {**asdict(year), "seconds": round(time.perf_counter() - began, 1)}


def _is_kept(result: dict[str, Any]) -> bool:
    return not (result["failures"] or result["broken"] or result["gaps"])


def _line(name: str, result: dict[str, Any]) -> str:
    lost = [*result["failures"], *result["broken"]]
    shown = "".join(f"\n    {line}" for line in lost[:10])
    return (
        f"{name}: {result['ticks']} ticks (exit codes {result['codes']}), {result['rotations']} rotations,"
        f" {result['calls']:,} calls, {len(result['failures'])} failed, {len(result['broken'])} policies broken,"
        f" {result['gaps']} gaps, {result['shortened']} overlaps cut short,"
        f" {result['seconds']} s{shown}"
    )


if __name__ == "__main__":
    sys.exit(main())
