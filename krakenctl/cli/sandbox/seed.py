"""krakenctl sandbox seed: fill a sandbox from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.sandbox.where import DbOption, place, show
from krakenctl.cli.shell import ColorOption, DirOption, OutputOption, Shell, TextOrJson
from krakenctl.render.paint import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from krakenctl.sandbox.people.sowing import Sown, SownAccount, SownClient, SownKey

app = application()
_ONCE = "Secrets and tokens are shown this once."
_NOTHING = "The seed declares nothing that could be made."


@app.command(
    epilog=example("krakenctl sandbox seed seed.yaml\nkrakenctl sandbox seed seed.yaml --db ci.db -o json > keys.json")
)
def seed(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A document of kind SandboxSeed: see `krakenctl schema seed`.")
    ],
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Fill the sandbox from a file: accounts, keys, balances, history, OAuth clients, switches, faults.

    All of it or nothing. What is there already is kept where it is as the file says; where it differs, nothing is done.
    Prints the pairs and tokens that were made. A running `sandbox serve` of the same file has it all at once.
    """
    from krakenctl.seeding import seed as seed_from

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    path = place(shell, db)
    sown = seed_from(path, file)
    show(shell, "seed", {"db": str(path.absolute()), **_document(sown)}, "\n".join(_lines(sown)) + "\n")


def _document(sown: Sown) -> dict[str, Any]:
    return {
        "accounts": [_account(account) for account in sown.accounts],
        "oauthClients": [{"id": c.id, "made": c.is_new, **_unless_none("secret", c.secret)} for c in sown.clients],
        "faults": list(sown.faults),
    }


def _account(account: SownAccount) -> dict[str, Any]:
    return {
        "username": account.username,
        "iiban": account.iiban,
        "made": account.is_new,
        **_unless_none("subAccountOf", account.parent or None),
        "keys": [_key(key) for key in account.keys],
        "futuresKeys": [_key(key) for key in account.futures_keys],
        **_unless_none("token", account.token),
    }


def _key(key: SownKey) -> dict[str, Any]:
    made = key.secret is not None
    return {"name": key.name, "publicKey": key.public_key, "made": made, **_unless_none("secret", key.secret)}


def _unless_none(name: str, value: object) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _lines(sown: Sown) -> Iterator[str]:
    for account in sown.accounts:
        yield from _account_lines(account)
    for client in sown.clients:
        yield from _client_lines(client)
    for number in sown.faults:
        yield f"fault {number}"
    yield _ONCE if sown.accounts or sown.clients else _NOTHING


def _account_lines(account: SownAccount) -> Iterator[str]:
    below = f", sub-account of {visible(account.parent)}" if account.parent else ""
    yield f"account {visible(account.username)} ({account.iiban}{below}){_was_there(made=account.is_new)}"
    for key in account.keys:
        yield from _key_lines("key", key)
    for key in account.futures_keys:
        yield from _key_lines("Futures key", key)
    if account.token is not None:
        yield "  token"
        yield f"    access token   {account.token['access_token']}"
        yield f"    refresh token  {account.token['refresh_token']}"


def _key_lines(sort: str, key: SownKey) -> Iterator[str]:
    yield f"  {sort} {visible(key.name)}{_was_there(made=key.secret is not None)}"
    yield f"    public key  {key.public_key}"
    if key.secret is not None:
        yield f"    secret      {key.secret}"


def _client_lines(client: SownClient) -> Iterator[str]:
    yield f"OAuth client {visible(client.id)}{_was_there(made=client.is_new)}"
    if client.secret is not None:
        yield f"    secret  {client.secret}"


def _was_there(*, made: bool) -> str:
    return "" if made else ": was there"
