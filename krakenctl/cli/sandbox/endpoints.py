"""krakenctl sandbox endpoints: what is served."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, OutputOption
from krakenctl.cli.sandbox.where import show, table
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        krakenctl sandbox endpoints --group account
        krakenctl sandbox endpoints -o json
        """
    )
)
def endpoints(
    ctx: typer.Context,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="GROUP", envvar="KRAKENCTL_SANDBOX_GROUP", help="Only those of one group."),
    ] = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List every endpoint: what it is gated by, what it costs, who says so. It needs no sandbox.

    Also what Kraken has and the sandbox does not serve. With -o json: with disputed gates and costs, and reasons.
    """
    from krakenctl.sandbox.coverage import coverage

    shell = Shell.of(ctx, None, output, no_color=no_color)
    rows = coverage()
    found = rows if group is None else _of_group(rows, group)
    text = table(("GROUP", "METHOD", "PATH", "COST", "GATED BY"), map(_row, found))
    show(shell, "endpoints", {"endpoints": found}, text)


def _of_group(rows: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    found = [row for row in rows if row["group"] == group]
    if not found:
        from krakenctl.errors import UsageError

        groups = dict.fromkeys(row["group"] for row in rows)
        raise UsageError(f"there is no group “{group}” of endpoints", hint=f"there are: {', '.join(groups)}")
    return found


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    cost = "" if row["cost"] is None else str(row["cost"])
    gated = row["gatedBy"] if row["served"] else f"not served: {row['reason']}"
    return (row["group"], row["method"], row["path"], cost, gated)
