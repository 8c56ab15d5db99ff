"""krakenctl tick: the scheduled run: it rotates what is due, ends what has been replaced, and asks nobody."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    ParallelismOption,
)
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        17 5 * * *  krakenctl -C /srv/keys tick --lock-timeout 10m     # a line of crontab: every day, 05:17
        krakenctl tick -o json                                         # for a pipeline
        """
    )
)
def tick(
    ctx: typer.Context,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Rotate what is due and revoke what has been replaced: to be run every day, without questions.

    It finishes what an interrupted run has begun, rotates keys whose policy would soon be broken, and revokes old keys
    whose overlap has ended. It never creates, edits or removes a key, and never brings changes of a manifest: that is
    left to apply, and counted. A key that is due but has such changes makes it leave with exit code 8.
    """
    from krakenctl.cli.carry_out import carry_out
    from krakenctl.plan.authority import Tick

    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    code = carry_out(
        shell,
        "tick",
        lambda desk: desk.plan(errand=Tick()),
        question="",
        yes=True,
        lock_timeout=lock_timeout,
        idle="Nothing is due.",
    )
    raise typer.Exit(code)
