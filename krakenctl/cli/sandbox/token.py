"""krakenctl sandbox token: an access token without a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.sandbox.where import AccountOption, DbOption, existing, show
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson

app = application()


@app.command(
    epilog=example(
        """
        TOKEN=$(krakenctl sandbox token --account acme)
        krakenctl sandbox token --account acme --scope read --scope funds-query -o json
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
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Print an access token, as if the account's owner had consented in the browser. It lives for ten years.

    With -o json, what the token endpoint answers: with the refresh token and the lifetime.
    """
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    answer = operate.mint_token(existing(shell, db), account, scope or (), client)
    show(shell, "token", answer, f"{answer['access_token']}\n")
