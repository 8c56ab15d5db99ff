"""krakenctl state: what krakenctl remembers. It never holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import NO_PATIENCE, ColorOption, DirOption, LockTimeoutOption, OutputOption, Shell, TextOrJson
from krakenctl.errors import UsageError

if TYPE_CHECKING:
    from krakenctl.model.recorded import Recorded
    from krakenctl.model.run import Lease

app = application(
    help_text="See what krakenctl remembers: which keys are ours, what was last sent. Never a secret.",
    epilog=example("krakenctl state list\nkrakenctl state show ApiKey/mm-desk/mm-btc"),
)
lock = application(
    help_text="See who is changing this workspace right now.", epilog=example("krakenctl state lock list")
)
app.add_typer(lock, name="lock")
REASON_HELP = "Why; it goes into the audit log."


@app.command("list", epilog=example("krakenctl state list\nkrakenctl state list -o json"))
def list_(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List every key and account that is recorded."""
    from krakenctl.render import state as view

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    recorded = _recorded(shell)
    if shell.json:
        shell.print_json(view.to_json(recorded))
    else:
        shell.print(view.render(recorded, shell.paint()))


@app.command(epilog=example("krakenctl state show ApiKey/mm-desk/mm-btc"))
def show(
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As `state list` prints it.")],
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show all that is recorded of one key or account."""
    from krakenctl.render import state as view

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    found = view.one_json(_recorded(shell), address)
    if found is None:
        raise _unknown(address, _recorded(shell))
    if shell.json:
        shell.print_json(found)
    else:
        shell.print(view.one_text(found, shell.paint()))


@lock.command("list", epilog=example("krakenctl state lock list\nkrakenctl state lock list -o json"))
def list_locks(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Show who is changing this workspace, since when, and whether they are still alive."""
    from krakenctl.workflow import holder

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    held, dead = holder(shell.root())
    _print_lock(shell, held, dead=dead)


@app.command(epilog=example('krakenctl state unlock --reason "its host was switched off"'))
def unlock(
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(metavar="TEXT", envvar="KRAKENCTL_STATE_UNLOCK_REASON", help=REASON_HELP)],
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="KRAKENCTL_STATE_UNLOCK_YES", help="Do not ask.")] = False,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Take the lease from whoever holds it, for one that hangs and does not die.

    Whoever had it does nothing more once it notices, which is before its next step; the next run finishes what was
    under way. A holder that has died needs no unlock: the next run takes over by itself.
    """
    from dataclasses import replace

    from krakenctl import workflow

    if not reason.strip():
        raise UsageError("a lease is taken away with a reason, and there is none", hint="add --reason TEXT")
    shell = Shell.of(ctx, directory, output, no_color=no_color)
    held, dead = workflow.holder(shell.root())
    if held is None:
        _print_lock(shell, None, dead=dead)
        return
    if not yes:
        shell.note(f"{held.sentence()}.")
        if not shell.confirm("Take the lease away?", "--yes"):
            shell.note("Nothing was done.")
            raise typer.Exit(1)
    run = replace(workflow.new_run("state unlock"), reason=reason.strip())
    taken, head = workflow.unlock(shell.root(), run)
    shell.note("The lease is free." if taken else "It was given back meanwhile.")
    _print_unlocked(shell, taken, head, dead=dead)


@app.command(
    epilog=example(
        """
        krakenctl state rebuild --dry-run     # what could be known, and what not
        krakenctl state rebuild
        """
    )
)
def rebuild(
    ctx: typer.Context,
    lineage: Annotated[
        str,
        typer.Option(
            metavar="LINEAGE",
            envvar="KRAKENCTL_STATE_REBUILD_LINEAGE",
            help="Whose keys are ours, where the stores hold those of several.",
        ),
    ] = "",
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            envvar="KRAKENCTL_STATE_REBUILD_REPLACE",
            help="Even if there is a state that remembers keys; a copy of it is kept.",
        ),
    ] = False,
    without_secrets: Annotated[
        bool,
        typer.Option(
            "--without-secrets",
            envvar="KRAKENCTL_STATE_REBUILD_WITHOUT_SECRETS",
            help="Even if keys with this workspace's tag are live and the stores hold no secret.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", envvar="KRAKENCTL_STATE_REBUILD_DRY_RUN", help="Show it, and remember nothing."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", envvar="KRAKENCTL_STATE_REBUILD_YES", help="Do not ask.")] = False,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Put a lost state together again from the exchange and the stores, and say what nobody could know.

    Neither of the two is changed. The stores must be readable here. Look at `krakenctl plan` afterwards.
    """
    from krakenctl.cli.rebuilding import restore, show

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if dry_run:
        show(shell, lineage, replace=replace, without_secrets=without_secrets)
        return
    if not restore(
        shell, lineage, replace=replace, without_secrets=without_secrets, yes=yes, lock_timeout=lock_timeout
    ):
        raise typer.Exit(1)


def _print_unlocked(shell: Shell, taken: Lease | None, head: str, *, dead: bool) -> None:
    from krakenctl.render import locks as view
    from krakenctl.render.report_text import head_line

    if shell.json:
        shell.print_json(view.to_json(taken, dead=dead, log_head=head))
    elif head:
        shell.print(head_line(head, shell.paint()) + "\n")


def _print_lock(shell: Shell, held: Lease | None, *, dead: bool) -> None:
    from krakenctl.render import locks as view

    if shell.json:
        shell.print_json(view.to_json(held, dead=dead))
    else:
        shell.print(view.render(held, shell.paint(), dead=dead))


def _recorded(shell: Shell) -> Recorded:
    from krakenctl.workflow import recorded

    return recorded(shell.root())


def _unknown(address: str, recorded: Recorded) -> Exception:
    from difflib import get_close_matches

    from krakenctl.errors import StateError
    from krakenctl.render import state as view

    near = get_close_matches(address, view.addresses(recorded), n=1)
    hint = f"did you mean {near[0]}?" if near else "`krakenctl state list` prints what is there"
    return StateError(f"nothing is recorded of {address}", hint=hint)
