"""krakenctl sandbox token: an access token without a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import AccountOption, DbOption, existing, read, show
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        TOKEN=$(krakenctl sandbox token --account acme)
        krakenctl sandbox token --account acme --scope read --scope funds-query -o json
        krakenctl sandbox token --account acme --valid-for 3650d
        """
    )
)
def token(
    ctx: typer.Context,
    account: AccountOption,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            envvar="KRAKENCTL_SANDBOX_SCOPE",
            help="What the owner consents to, as account.info:basic; `read` is short for account.fast-api-key:read."
            " May be repeated. Left out: all that the client may ask for.",
        ),
    ] = None,
    client: Annotated[
        str,
        typer.Option("--client", metavar="ID", envvar="KRAKENCTL_SANDBOX_CLIENT", help="The OAuth client."),
    ] = "krakenctl-sandbox",
    valid_for: Annotated[
        str | None,
        typer.Option(
            "--valid-for",
            metavar="DURATION",
            envvar="KRAKENCTL_SANDBOX_TOKEN_VALID_FOR",
            help="How long it lives, as 3650d. Left out: as long as Kraken's: 4 hours, 24 for a confidential client.",
        ),
    ] = None,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Print an access token, as if the account's owner had consented in the browser. Earlier ones live on.

    With -o json, what the token endpoint answers: with the refresh token and the lifetime.
    """
    from krakenctl.model.time import parse_duration
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    lifetime = read(parse_duration, valid_for, "--valid-for") if valid_for else 0
    answer = operate.mint_token(existing(shell, db), account, scope or (), client, valid_for=lifetime)
    show(shell, "token", answer, f"{answer['access_token']}\n")
