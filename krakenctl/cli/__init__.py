"""The shell: the one place that prints, prompts, reads flags and exits."""

from __future__ import annotations

import gc
import sys

# Objects made between two looks for circular garbage. Python's own 700 costs a plan of ten thousand keys an eighth of
# its time, to find nothing: what a command makes, it keeps to its end.
GARBAGE_THRESHOLD = 100_000


def entry() -> None:
    """What the `krakenctl` command runs."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.exit(main(sys.argv[1:]))


def main(args: list[str]) -> int:
    """Run one command and return its exit code. Nothing is imported that the command does not need."""
    if args == ["--version"]:
        from krakenctl import __version__

        sys.stdout.write(f"krakenctl {__version__}\n")
        return 0
    from krakenctl.cli.app import run

    return run(args)
