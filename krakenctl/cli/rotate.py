"""krakenctl rotate: new secrets for keys that stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.limits import RotateAllowOption, raised
from krakenctl.cli.options import (
    NO_PATIENCE,
    ColorOption,
    DirOption,
    LockTimeoutOption,
    OutputOption,
    ParallelismOption,
    options_of,
    yes_option,
)
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.errors import UsageError
from krakenctl.model.time import parse_duration

if TYPE_CHECKING:
    from krakenctl.model.address import Address
    from krakenctl.plan.authority import Rotate

_option = options_of("ROTATE")
app = application()


@app.command(
    epilog=example(
        """
        krakenctl rotate ApiKey/mm-desk/mm-btc
        krakenctl rotate --all --older-than 60d --yes
        krakenctl rotate ApiKey/mm-desk/mm-btc --compromised --reason "seen in a CI log"
        """
    )
)
def rotate(
    ctx: typer.Context,
    addresses: Annotated[
        list[str] | None, typer.Argument(metavar="[ADDRESS]...", help="Keys, as plan prints them.")
    ] = None,
    every: Annotated[bool, _option("--all", "All keys that were issued.")] = False,
    older_than: Annotated[
        str | None, _option("--older-than", "With --all: those issued longer ago, as 60d.", metavar="AGE")
    ] = None,
    compromised: Annotated[
        bool,
        _option(
            "--compromised",
            "Revoke every old key first: its consumer stands without one until the new secret is stored.",
        ),
    ] = False,
    reason: Annotated[str, _option("--reason", "Why; kept in the audit log.", metavar="TEXT")] = "",
    allow: RotateAllowOption = [],  # noqa: B006 - typer copies it
    yes: Annotated[bool, yes_option("ROTATE")] = False,
    lock_timeout: LockTimeoutOption = NO_PATIENCE,
    parallelism: ParallelismOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Give keys a new secret now, due or not.

    The new key is as the old one was declared and issued; both work while the declared overlap lasts. A key whose
    manifest has changes that are not applied yet is refused: apply brings them. With --compromised they come along, for
    then nothing waits.
    """
    from krakenctl.cli.carry_out import carry_out
    from krakenctl.cli.person import at_hand

    limits = raised(allow, None, reason)
    shell = Shell.of(ctx, directory, output, no_color=no_color, parallelism=parallelism)
    errand = _errand(shell, addresses or [], older_than, every=every, compromised=compromised, reason=reason)
    code = carry_out(
        shell,
        "rotate",
        lambda desk: desk.plan(errand=errand),
        question="Rotate these keys?",
        yes=yes,
        lock_timeout=lock_timeout,
        idle="There is no key to rotate.",
        raised=limits,
        person=at_hand(shell),
    )
    raise typer.Exit(code)


def _errand(
    shell: Shell, addresses: list[str], older_than: str | None, *, every: bool, compromised: bool, reason: str
) -> Rotate:
    from krakenctl.plan.authority import Rotate

    if every == bool(addresses):
        raise UsageError("name the keys to rotate, or say --all", hint="`krakenctl tree` shows their addresses")
    if older_than is not None and not every:
        raise UsageError("--older-than chooses among all keys", hint="add --all, and name no key")
    try:
        age = parse_duration(older_than) if older_than is not None else 0
        keys = tuple(dict.fromkeys(_key(shell, address) for address in addresses))
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    return Rotate(addresses=keys, older_than=age, compromised=compromised, reason=reason)


def _key(shell: Shell, text: str) -> Address:
    from krakenctl.cli.addresses import of_kind, parse

    address = parse(text, lambda: of_kind("ApiKey", shell.root()))
    if address.kind != "ApiKey":
        raise ValueError(f"“{text}” is no key; write ApiKey/account/name")
    return address
