"""Measures krakenctl as people meet it: whole processes, from start to exit. It measures; it judges nothing.

For example:

    python benchmarks/bench.py                                  # everything
    python benchmarks/bench.py plan --sizes 100,1000 --runs 3
    python benchmarks/bench.py startup -o json

How fast the sandbox answers is measured by sandbox.py beside it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

# krakenctl is not imported here: the kernel counts what a parent had when it started a child as the child's memory.
HERE = Path(__file__).parent
PYTHON = [sys.executable]
SCRIPT = Path(sys.executable).with_name("krakenctl")
KRAKENCTL = [str(SCRIPT)] if SCRIPT.exists() else [*PYTHON, "-m", "krakenctl"]
BARE_TYPER = """
import typer
app = typer.Typer()

@app.command()
def hello(name: str = "you", loud: bool = False) -> None:
    print(name)

app()
"""
MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, others kilobytes
KEYS_TO_APPLY = 100  # over ten sub-accounts: Kraken takes twenty requests for a sub-account, then one a second


@dataclass(frozen=True, slots=True)
class Run:
    """One process, as the kernel accounts for it."""

    wall: float  # seconds
    cpu: float  # seconds, user and system
    peak: float  # MB of resident memory


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Result:
    group: str
    what: str
    wall: Spread
    cpu: Spread
    peak: Spread
    ratio: float | None = None  # to the first of its group: start-up only
    note: str = ""


def startup(runs: int, _sizes: Sequence[int]) -> Iterator[Result]:
    """Interleaved, because a machine that is busy for a second must not make one of them look slow."""
    contestants = {
        "empty Python (`python -c ''`)": [*PYTHON, "-c", ""],
        "`krakenctl --version`": [*KRAKENCTL, "--version"],
        "`krakenctl --help`": [*KRAKENCTL, "--help"],
        "bare typer application, `--help`": [*PYTHON, "-c", BARE_TYPER, "--help"],
    }
    measured = _interleaved(contestants, max(runs, 3) * 4)
    baseline = statistics.median(run.wall for run in measured[next(iter(contestants))])
    for what, found in measured.items():
        wall = _spread(run.wall for run in found)
        yield _result("start-up", what, found, ratio=wall.median / baseline)


def plan(runs: int, sizes: Sequence[int]) -> Iterator[Result]:
    """Everything declared is live already: the plan a fleet sees most often, and that a pull request waits for."""
    for size in sizes:
        yield from _unchanged(runs, f"{size:,} keys over {max(size // 10, 1):,} sub-accounts", "--keys", size)
    for size in sizes:
        yield from _unchanged(runs, f"{size:,} accounts with one key each", "--accounts", size)


def apply(runs: int, _sizes: Sequence[int]) -> Iterator[Result]:
    """From `init` on nothing but krakenctl: sub-accounts are requested, keys issued, secrets encrypted and stored."""
    with _folder() as folder:
        fresh = folder / "fresh"
        _generate(fresh, "--keys", KEYS_TO_APPLY)
        _run([*KRAKENCTL, "-C", str(fresh), "init"])
        found = []
        for number in range(runs + 1):
            copy = folder / str(number)
            shutil.copytree(fresh, copy)
            found.append(_run([*KRAKENCTL, "-C", str(copy), "apply", "--yes"]))
        calls = json.loads(_generate(folder / "counted", "--keys", KEYS_TO_APPLY, "--seeded"))["calls"]
    what = f"`apply` of {KEYS_TO_APPLY} keys on {KEYS_TO_APPLY // 10} new sub-accounts"
    note = f"{calls / KEYS_TO_APPLY:.1f} HTTP calls a key, plan included"
    yield _result("apply", what, found[1:], note=note)


def _unchanged(runs: int, what: str, option: str, size: int) -> Iterator[Result]:
    with _folder() as folder:
        workspace = folder / "workspace"
        _generate(workspace, option, size, "--seeded")
        commands = {
            f"`{command}`, {what}": [*KRAKENCTL, "-C", str(workspace), *words]
            for command, words in {"validate": ["validate"], "plan": ["plan", "--detailed-exitcode"]}.items()
        }
        for name, found in _interleaved(commands, runs).items():
            yield _result("nothing changed", name, found)


GROUPS: Mapping[str, Callable[[int, Sequence[int]], Iterator[Result]]] = {
    "startup": startup,
    "plan": plan,
    "apply": apply,
}


def _interleaved(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[Run]]:
    """One round to warm up (it compiles and fills the caches of the disk), then the rounds that count."""
    rounds = [{name: _run(command) for name, command in commands.items()} for _ in range(runs + 1)]
    return {name: [each[name] for each in rounds[1:]] for name in commands}


def _run(command: Sequence[str]) -> Run:
    """Run to the end. A process that fails has measured nothing, so it ends the benchmark."""
    start = time.perf_counter()
    child = subprocess.Popen(command, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"exit code {child.returncode} of: {' '.join(command)}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * MAXRSS_UNIT / 1e6)


def _generate(folder: Path, *words: object) -> str:
    command = [*PYTHON, str(HERE / "generate.py"), str(folder), *map(str, words)]
    return subprocess.run(command, env=_environment(), check=True, text=True, capture_output=True).stdout


def _environment() -> dict[str, str]:
    """Ours, but for what would make an installed command slower than it is: it is compiled once, not at each start."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="krakenctl-bench-") as name:
        yield Path(name)


def _result(group: str, what: str, runs: Sequence[Run], *, ratio: float | None = None, note: str = "") -> Result:
    wall, cpu, peak = (_spread(getattr(run, field) for run in runs) for field in ("wall", "cpu", "peak"))
    return Result(group, what, wall, cpu, peak, ratio, note)


def _spread(values: Iterator[float]) -> Spread:
    sample = sorted(values)
    return Spread(statistics.median(sample), sample[0], sample[-1])


def machine(runs: int) -> dict[str, str]:
    """What it ran on: without this, a number says nothing."""
    asked = subprocess.run([*KRAKENCTL, "--version"], env=_environment(), check=True, text=True, capture_output=True)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "krakenctl": asked.stdout.split()[-1],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "runs": str(runs),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
    )


def as_markdown(where: Mapping[str, str], results: Sequence[Result]) -> str:
    """Tables for the README."""
    about = (
        f"{where['processor']}, {where['system']}, {where['python']}, krakenctl {where['krakenctl']}, {where['date']}."
    )
    head = f"Medians (least – most) of {where['runs']} runs of whole processes, start-up four times as many. {about}\n"
    return "\n".join([head, *(_table(group, results) for group in dict.fromkeys(each.group for each in results))])


def _table(group: str, results: Sequence[Result]) -> str:
    lines = [f"| {group} | wall | CPU | peak memory | |", "|---|--:|--:|--:|---|"]
    for each in results:
        if each.group == group:
            note = f"{each.ratio:.1f} ×" if each.ratio is not None else each.note
            wall, cpu = (_seconds(spread) for spread in (each.wall, each.cpu))
            lines.append(f"| {each.what} | {wall} | {cpu} | {_megabytes(each.peak)} | {note} |")
    return "\n".join([*lines, ""])


def _seconds(spread: Spread) -> str:
    unit, factor, digits = ("ms", 1000, 0) if spread.median < 1 else ("s", 1, 2)
    median, least, most = (f"{value * factor:.{digits}f}" for value in (spread.median, spread.least, spread.most))
    return f"{median} {unit} ({least} – {most})"


def _megabytes(peak: Spread) -> str:
    """Nothing where it may be this process that was measured, and not its child."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MAXRSS_UNIT / 1e6
    return f"{peak.median:.0f} MB" if peak.least > own else "—"


def as_json(where: Mapping[str, str], results: Sequence[Result]) -> str:
    return json.dumps({"machine": where, "results": [asdict(each) for each in results]}, indent=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("group", nargs="?", choices=[*GROUPS, "all"], default="all")
    parser.add_argument("--sizes", default="100,1000,10000", help="keys, and accounts, of the plans")
    parser.add_argument("--runs", type=int, default=5, help="that count; one more warms up")
    parser.add_argument("-o", "--output", choices=["markdown", "json"], default="markdown")
    wish = parser.parse_args()
    results = []
    for group in GROUPS if wish.group == "all" else [wish.group]:
        for result in GROUPS[group](wish.runs, [int(size) for size in wish.sizes.split(",")]):
            print(f"{result.what}: {_seconds(result.wall)}", file=sys.stderr)
            results.append(result)
    print((as_json if wish.output == "json" else as_markdown)(machine(wish.runs), results))


if __name__ == "__main__":
    main()
