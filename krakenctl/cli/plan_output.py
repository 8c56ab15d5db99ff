"""A plan to standard output or into a file, for plan, apply and show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from krakenctl.errors import PlanFileError
from krakenctl.plan import planfile

if TYPE_CHECKING:
    from krakenctl.cli.shell import Shell
    from krakenctl.model.plan import Plan

LARGEST_BYTES = 256 * 1024 * 1024


def print_plan(shell: Shell, plan: Plan, *, with_now: bool) -> None:
    """In the shell's format. Without `now`, two plans of an unchanged world are the same bytes."""
    if shell.json:
        shell.print(planfile.dump(plan, with_now=with_now))
    elif shell.output == "markdown":
        from krakenctl.render import plan_markdown

        shell.print(plan_markdown.render(plan))
    else:
        from krakenctl.render import plan_text

        shell.print(plan_text.render(plan, shell.paint()))


def write_plan(path: Path, plan: Plan) -> None:
    """Whole or not at all. Raises PlanFileError."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        beside.write_text(planfile.dump(plan, with_now=True), encoding="utf-8")
        beside.replace(path)
    except OSError as problem:
        raise PlanFileError(f"the plan cannot be saved to {path}: {problem.strerror}") from None


def read_plan(path: Path) -> Plan:
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
