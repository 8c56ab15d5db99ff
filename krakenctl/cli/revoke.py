"""krakenctl revoke: the kill switch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of, yes_option
from krakenctl.cli.shell import Shell, TextOrJson

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.model.containment import ContainmentReport, Found, SwitchWish

NOT_CONTAINED, FORGOTTEN, INTERRUPTED = 1, 4, 130
GOES_ON = b"Interrupted: a kill switch goes on to its end, which is soon.\n"

_option = options_of("REVOKE")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl revoke ApiKey/mm-desk/mm-btc --reason "its host was broken into"
        krakenctl revoke --under mm-desk --yes           # every key of ours on it
        krakenctl revoke --under acme --unmanaged        # and below it; also keys made elsewhere
        """
    )
)
def revoke(
    ctx: typer.Context,
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Of keys, as ApiKey/mm-desk/mm-btc.")
    ] = None,
    under: Annotated[
        str,
        _option("--under", "An account, as acme or SubAccount/mm-desk: every key on it and below it.", metavar="NODE"),
    ] = "",
    unmanaged: Annotated[bool, _option("--unmanaged", "With --under: also keys that are none of ours.")] = False,
    reason: Annotated[str, _option("--reason", "Why; it goes into the state and the audit log.", metavar="TEXT")] = "",
    yes: Annotated[bool, yes_option("REVOKE")] = False,
    parallelism: Annotated[
        int | None,
        _option("--parallelism", "How many accounts at once. Left out: as many as may be.", min=1, max=64, metavar="N"),
    ] = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Revoke keys at once: the kill switch, for an emergency.

    It works with broken manifests, without a state, and while an apply is running, which notices. Afterwards these keys
    are made again only with `apply --allow contained --reason TEXT`.

    Exit code 1: something may be live, and the report says what helps. 4: they are gone, but the state could not be
    told, so that the next apply would issue them again: stop your pipelines, and run it again when the state is back.
    """
    from krakenctl.actor import new_run
    from krakenctl.cli.interrupt import Interrupt
    from krakenctl.cli.person import at_hand, heed
    from krakenctl.render import containment as view
    from krakenctl.tasks.containment.switch import open_switch

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    wish = _wish(shell, addresses or [], under, unmanaged=unmanaged)
    person = at_hand(shell)
    with open_switch(shell.root(), parallelism, person) as switch:
        found = switch.find(wish)
        if not shell.json:
            shell.note(view.before(found, shell.paint(stderr=True)))
        if not yes and not _agreed(shell, found):
            shell.note("Nothing was done.")
            raise typer.Exit(NOT_CONTAINED)
        with Interrupt(GOES_ON) as interrupt:
            heed(person, interrupt.seen)
            report = switch.contain(wish, found, replace(new_run("revoke"), reason=reason))
    if shell.json:
        shell.print_json(view.to_json(report))
    else:
        shell.print(view.after(report, shell.paint()))
    raise typer.Exit(INTERRUPTED if interrupt.seen() else _exit_code(report))


def _exit_code(report: ContainmentReport) -> int:
    if not report.contained:
        return NOT_CONTAINED
    return 0 if report.remembered else FORGOTTEN


def _agreed(shell: Shell, found: Found) -> bool:
    from krakenctl.render import containment as view

    return not found.doomed or shell.confirm(view.question(found), "--yes")


def _wish(shell: Shell, addresses: list[str], under: str, *, unmanaged: bool) -> SwitchWish:
    """Raises UsageError."""
    from krakenctl.errors import UsageError
    from krakenctl.model.containment import SwitchWish

    if bool(addresses) == bool(under):
        raise UsageError("name keys by their addresses, or a node with --under, one of the two")
    if unmanaged and not under:
        raise UsageError("--unmanaged goes with --under NODE")
    return SwitchWish(addresses=tuple(_key(shell, text) for text in addresses), under=_node(under), unmanaged=unmanaged)


def _key(shell: Shell, text: str) -> Address:
    from krakenctl.cli import addresses
    from krakenctl.errors import UsageError
    from krakenctl.tasks.containment.switch import open_switch

    def known() -> set[Address]:
        with open_switch(shell.root()) as switch:
            return switch.keys()

    address = addresses.parse(text, known)
    if address.kind != "ApiKey":
        raise UsageError(f"{text} is no key", hint=f"--under {address.name} revokes every key below it")
    return address


def _node(text: str) -> str:
    """`acme`, `Account/acme` or `SubAccount/acme` → `acme`: names of accounts are unique."""
    from krakenctl.errors import UsageError

    kind, slash, name = text.rpartition("/")
    if slash and kind not in ("Account", "SubAccount"):
        raise UsageError(f"--under takes an account, and {text} is none", hint="as acme, or SubAccount/mm-desk")
    return name
