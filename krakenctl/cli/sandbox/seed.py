"""krakenctl sandbox seed: fill a sandbox from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.sandbox.where import DbOption, place, show
from krakenctl.cli.shell import Shell, TextOrJson
from krakenctl.model.time import show_time
from krakenctl.render.paint import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from krakenctl.sandbox.people.sowing import Sown, SownAccount, SownClient, SownKey

app = application()
_ONCE = "Secrets and tokens are shown this once."
_NOTHING = "The seed declares nothing."
_THERE = "Nothing was made or set: all of it was there."


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

    All of it or nothing. What is missing is made; what is there is kept where it is as the file says, and where it
    differs, nothing is done. Switches are set. The clock is frozen unless somebody froze or moved it before. An account
    that has a living token gets no other. Prints the pairs and tokens that were made. A running `sandbox serve` of the
    same file has it all at once.
    """
    from krakenctl.tasks.seeding import seed as seed_from

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    path = place(shell, db)
    sown = seed_from(path, file)
    show(shell, "seed", {"db": str(path.absolute()), **_document(sown)}, "\n".join(_lines(sown)) + "\n")


def _document(sown: Sown) -> dict[str, Any]:
    return {
        **_unless_none("clock", sown.clock and {"time": show_time(sown.clock.second), "made": sown.clock.is_new}),
        "switches": [{"name": s.name, "value": s.value, "before": s.before} for s in sown.switches],
        "accounts": [_account(account) for account in sown.accounts],
        "oauthClients": [{"id": c.id, "made": c.is_new, **_unless_none("secret", c.secret)} for c in sown.clients],
        "faults": [{"id": fault.number, "kind": fault.kind, "made": fault.is_new} for fault in sown.faults],
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
    return {"name": key.name, "apiKey": key.public_key, "made": made, **_unless_none("secret", key.secret)}


def _unless_none(name: str, value: object) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _lines(sown: Sown) -> Iterator[str]:
    yield from _setting_lines(sown)
    for account in sown.accounts:
        yield from _account_lines(account)
    for client in sown.clients:
        yield from _client_lines(client)
    for fault in sown.faults:
        yield f"fault {fault.number}: {fault.kind}{_was_there(made=fault.is_new)}"
    if last := _last_line(sown):
        yield last


def _setting_lines(sown: Sown) -> Iterator[str]:
    if sown.clock is not None:
        yield f"clock {show_time(sown.clock.second)}{', frozen' if sown.clock.is_new else ': left as it was'}"
    for switch in sown.switches:
        before = f" (before: {switch.before})" if switch.value != switch.before else ": was so"
        yield f"switch {switch.name}={switch.value}{before}"


def _last_line(sown: Sown) -> str:
    if not (sown.clock or sown.switches or sown.clients or sown.accounts or sown.faults):
        return _NOTHING
    if _tells_secrets(sown):
        return _ONCE
    return "" if _has_changed(sown) else _THERE


def _tells_secrets(sown: Sown) -> bool:
    keys = (key for account in sown.accounts for key in (*account.keys, *account.futures_keys))
    tokens = (account.token for account in sown.accounts)
    return any((*tokens, *(client.secret for client in sown.clients), *(key.secret for key in keys)))


def _has_changed(sown: Sown) -> bool:
    is_set = any(switch.value != switch.before for switch in sown.switches)
    return is_set or any(made.is_new for made in (sown.clock, *sown.accounts, *sown.clients, *sown.faults) if made)


def _account_lines(account: SownAccount) -> Iterator[str]:
    below = f", sub-account of {visible(account.parent)}" if account.parent else ""
    yield f"account {visible(account.username)} ({account.iiban}{below}){_was_there(made=account.is_new)}"
    for key in account.keys:
        yield from _key_lines("key", key)
    for key in account.futures_keys:
        yield from _key_lines("Futures key", key)
    if account.has_token:
        yield f"  token{_was_there(made=account.token is not None)}"
    if account.token is not None:
        yield f"    access token   {account.token['access_token']}"
        yield f"    refresh token  {account.token['refresh_token']}"


def _key_lines(sort: str, key: SownKey) -> Iterator[str]:
    yield f"  {sort} {visible(key.name)}{_was_there(made=key.secret is not None)}"
    yield f"    API key  {key.public_key}"
    if key.secret is not None:
        yield f"    secret   {key.secret}"


def _client_lines(client: SownClient) -> Iterator[str]:
    yield f"OAuth client {visible(client.id)}{_was_there(made=client.is_new)}"
    if client.secret is not None:
        yield f"    secret  {client.secret}"


def _was_there(*, made: bool) -> str:
    return "" if made else ": was there"
