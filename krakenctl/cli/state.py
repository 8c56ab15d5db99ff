"""krakenctl state: what krakenctl remembers. It never holds a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.model.recorded import Recorded

app = application(
    help_text="See what krakenctl remembers: which keys are ours, what was last sent. Never a secret.",
    epilog=example("krakenctl state list\nkrakenctl state show ApiKey/mm-desk/mm-btc"),
)


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
