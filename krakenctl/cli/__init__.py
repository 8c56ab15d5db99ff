"""The shell: the one place that prints, prompts, reads flags and exits."""

from __future__ import annotations

import sys


def entry() -> None:
    """What the `krakenctl` command runs."""
    sys.exit(main(sys.argv[1:]))


def main(args: list[str]) -> int:
    """Run one command and return its exit code. Nothing is imported that the command does not need."""
    if args == ["--version"]:
        from krakenctl import __version__

        sys.stdout.write(f"krakenctl {__version__}\n")
        return 0
    from krakenctl.cli.app import run

    return run(args)
