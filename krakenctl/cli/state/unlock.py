"""krakenctl state unlock: the lease is taken from one that hangs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of, yes_option
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.model.run import Lease

REASON_HELP = "Why; it goes into the audit log."

_option = options_of("STATE_UNLOCK")
app = application()


@app.command(epilog=example('krakenctl state unlock --reason "its host was switched off"'))
def unlock(
    ctx: typer.Context,
    reason: Annotated[str, _option("--reason", REASON_HELP, metavar="TEXT")],
    yes: Annotated[bool, yes_option("STATE_UNLOCK")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Take the lease from whoever holds it, for one that hangs and does not die.

    Whoever had it does nothing more once it notices, which is before its next step; the next run finishes what was
    under way. A holder that has died needs no unlock: the next run takes over by itself.
    """
    from krakenctl.actor import new_run
    from krakenctl.render import locks as view
    from krakenctl.tasks import remembered

    if not reason.strip():
        raise UsageError("a lease is taken away with a reason, and there is none", hint="add --reason TEXT")
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    held, dead = remembered.holder(shell.root())
    if held is None:
        told = view.to_json(None, dead=dead)
        shell.print_json(told) if shell.json else shell.print(view.render(None, shell.paint(), dead=dead))
        return
    if not yes:
        shell.note(f"{held.sentence()}.")
        if not shell.confirm("Take the lease away?", "--yes"):
            shell.note("Nothing was done.")
            raise typer.Exit(1)
    taken, head = remembered.unlock(shell.root(), replace(new_run("state unlock"), reason=reason.strip()))
    shell.note("The lease is free." if taken else "It was given back meanwhile.")
    _print(shell, taken, head, dead=dead)


def _print(shell: Shell, taken: Lease | None, head: str, *, dead: bool) -> None:
    from krakenctl.render import locks as view
    from krakenctl.render.report_text import head_line

    if shell.json:
        shell.print_json(view.to_json(taken, dead=dead, log_head=head))
    elif head:
        shell.print(head_line(head, shell.paint()) + "\n")
