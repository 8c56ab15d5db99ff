"""A plan to standard output or into a file, for plan, apply and show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl import files
from krakenctl.errors import PlanFileError, UsageError
from krakenctl.plan import planfile

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell
    from krakenctl.model.plan import Plan, SavedPlan

LARGEST_BYTES = 256 * 1024 * 1024


def print_plan(shell: Shell, plan: Plan, *, with_now: bool) -> None:
    """In the shell's format. Without `now`, two plans of an unchanged world are the same bytes."""
    if shell.json:
        shell.print(planfile.dump(plan, with_now=with_now))
    elif shell.output == "markdown":
        from krakenctl.render import plan_markdown

        shell.print(plan_markdown.render(plan, as_of=with_now))
    else:
        from krakenctl.render import plan_text

        shell.print(plan_text.render(plan, shell.paint(), as_of=with_now))


def print_saved(shell: Shell, saved: SavedPlan, now: int) -> None:
    """The plan, and until when it may be applied. `now`: on the exchange's clock, as far as anybody knows."""
    if shell.json:
        shell.print(planfile.dump_saved(saved))
        return
    print_plan(shell, saved.plan, with_now=True)
    if shell.output == "markdown":
        print_seal(shell, saved, now)
    else:
        from krakenctl.render import plan_text

        shell.print(plan_text.seal(saved, shell.paint(), now))


def print_seal(shell: Shell, saved: SavedPlan, now: int) -> None:
    """Where the plan goes to a pull request: the digest, by which the file is known again, and its end."""
    if shell.output == "markdown":
        from krakenctl.render import plan_markdown

        shell.print(plan_markdown.seal(saved, now))


def refuse_target(path: Path) -> None:
    """Before anything is planned. Raises UsageError when no file can be saved there."""
    try:
        odd = files.oddity(path)
    except OSError as problem:
        raise UsageError(f"no plan can be saved to {path}: {problem.strerror}") from None
    if odd:
        raise UsageError(f"no plan can be saved to {path}: it is {odd}", hint="name a file, as --out tonight.plan")
    if not path.parent.is_dir():
        raise UsageError(f"no plan can be saved to {path}: there is no folder {path.parent}")


def write_plan(path: Path, plan: Plan, expires: int) -> SavedPlan:
    """Whole or not at all, and for its owner alone: it holds no secret, but names every key. Raises PlanFileError."""
    saved = planfile.seal(plan, expires)
    try:
        files.write_whole(path, planfile.dump_saved(saved).encode(), mode=0o600)
    except OSError as problem:
        raise PlanFileError(f"the plan cannot be saved to {path}: {problem.strerror}") from None
    return saved


def read_plan(path: Path) -> SavedPlan:
    """Raises PlanFileError."""
    try:
        if not path.is_file():
            raise PlanFileError(f"there is no plan {path}", hint="make one with `krakenctl plan --out FILE`")
        if path.stat().st_size > LARGEST_BYTES:
            raise PlanFileError(f"{path} is too large to be a plan")
        return planfile.load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise PlanFileError(f"{path} is not a plan: it is not text") from None
    except OSError as problem:
        raise PlanFileError(f"{path} cannot be read: {problem.strerror}") from None
