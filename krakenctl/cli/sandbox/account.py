"""krakenctl sandbox account: the accounts of a sandbox."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import DbOption, existing, place, show, table
from krakenctl.cli.shell import Shell, TextOrJson

app = application(
    help_text="Make and list accounts of the sandbox.",
    epilog=example(
        """
        krakenctl sandbox account create --name acme
        krakenctl sandbox account list
        """
    ),
)


@app.command(
    epilog=example(
        """
        krakenctl sandbox account create --name acme --email desk@acme.example
        krakenctl sandbox account create --name acme-mm --sub-account-of acme
        """
    )
)
def create(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Option("--name", metavar="USERNAME", envvar="KRAKENCTL_SANDBOX_USERNAME", help="Unique in the sandbox."),
    ],
    email: Annotated[
        str | None,
        typer.Option("--email", metavar="EMAIL", envvar="KRAKENCTL_SANDBOX_EMAIL", help="Left out: one is made up."),
    ] = None,
    sub_account_of: Annotated[
        str | None,
        typer.Option(
            "--sub-account-of",
            metavar="NAME",
            envvar="KRAKENCTL_SANDBOX_SUB_ACCOUNT_OF",
            help="Its master account; it is set up at once.",
        ),
    ] = None,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Make an account that is set up and has some money, and print its IIBAN. It has no key yet.

    Where there is no sandbox yet, one is made first.
    """
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    made = operate.make_account(place(shell, db), name, email=email, sub_account_of=sub_account_of)
    show(shell, "account", made, f"The account {name} is made. Its IIBAN is {made['iiban']}.\n")


@app.command("list", epilog=example("krakenctl sandbox account list -o json"))
def list_(
    ctx: typer.Context,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List the accounts, in the order in which they were made."""
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    found = operate.accounts_in(existing(shell, db))
    rows = (
        (a["username"], a["iiban"] or "pending", a["email"], a["subAccountOf"] or "-", str(a["keys"])) for a in found
    )
    text = table(("ACCOUNT", "IIBAN", "E-MAIL", "SUB-ACCOUNT OF", "KEYS"), rows)
    show(shell, "accounts", {"accounts": found}, text if found else "The sandbox has no account.\n")
