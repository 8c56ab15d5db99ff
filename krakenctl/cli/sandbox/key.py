"""krakenctl sandbox key: keys that a person makes and revokes on the website."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption, options_of
from krakenctl.cli.sandbox.where import AccountOption, DbOption, existing, read, show, table
from krakenctl.cli.shell import Shell, TextOrJson

_option = options_of("SANDBOX_KEY")
app = application(
    help_text="Make, list and revoke API keys, as a person does on the website.",
    epilog=example(
        """
        krakenctl sandbox key create --account acme --name bot --permission query-funds
        krakenctl sandbox key list
        """
    ),
)
_OTP = "KRAKENCTL_SANDBOX_KEY_OTP"
NameOption = Annotated[str, _option("--name", "The key's name, unique in its account.", metavar="NAME")]

PermissionOption = Annotated[
    list[str] | None,
    _option("--permission", "As query-funds; may be repeated. `all` stands for all 13.", metavar="CODE"),
]
IpOption = Annotated[
    list[str] | None,
    _option(
        "--ip",
        "An address or a block that may use the key; may be repeated. Left out: the whole world.",
        metavar="ADDRESS",
    ),
]
ValidForOption = Annotated[
    str | None, _option("--valid-for", "From now on the sandbox's clock, as 90d.", metavar="DURATION")
]
ValidUntilOption = Annotated[
    str | None, _option("--valid-until", "The key's end: 2027-05-01 or 2027-05-01T12:00:00Z.", metavar="TIME")
]
QueryFromOption = Annotated[str | None, _option("--query-from", "The start of what it may query.", metavar="TIME")]
QueryToOption = Annotated[str | None, _option("--query-to", "The end of what it may query.", metavar="TIME")]
NonceWindowOption = Annotated[
    int, _option("--nonce-window", "How far a nonce may be below the highest one.", metavar="N", min=0)
]
OtpOption = Annotated[
    bool,
    typer.Option(
        "--otp",
        help="With a second factor: a password that every call must then give as `otp`. It is asked for, or read"
        " from KRAKENCTL_SANDBOX_KEY_OTP or from a pipe: other people of this computer see a command's arguments.",
    ),
]


@app.command(
    epilog=example(
        """
        krakenctl sandbox key create --account acme --name bot --permission query-funds --permission modify-trades
        krakenctl sandbox key create --account acme --name ci --permission query-funds --ip 203.0.113.0/24 -o json
        krakenctl sandbox key create --account acme --name old --permission query-ledger --valid-for 90d
        """
    )
)
def create(
    ctx: typer.Context,
    account: AccountOption,
    name: NameOption,
    permission: PermissionOption = None,
    ip: IpOption = None,
    valid_for: ValidForOption = None,
    valid_until: ValidUntilOption = None,
    query_from: QueryFromOption = None,
    query_to: QueryToOption = None,
    nonce_window: NonceWindowOption = 0,
    otp: OtpOption = False,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Make a key by the website's rules, and print its two halves. The secret is shown this once."""
    from krakenctl.errors import UsageError
    from krakenctl.model.time import parse_duration, parse_time
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    if valid_for is not None and valid_until is not None:
        raise UsageError("--valid-for and --valid-until are two ways to say one thing", hint="give one of them")
    made = operate.make_key(
        existing(shell, db),
        account,
        name,
        permission or (),
        ip_allowlist=ip or (),
        valid_for=read(parse_duration, valid_for, "--valid-for") if valid_for else 0,
        valid_until=read(parse_time, valid_until, "--valid-until") if valid_until else 0,
        query_from=read(parse_time, query_from, "--query-from") if query_from else 0,
        query_to=read(parse_time, query_to, "--query-to") if query_to else 0,
        nonce_window=nonce_window,
        password=_password(shell) if otp or os.environ.get(_OTP) else None,
    )
    show(shell, "key", made, f"API key: {made['apiKey']}\nSecret:  {made['secret']}\n")
    if not shell.json:
        shell.note("The secret is shown this once.")
    if not made["permissions"]:
        shell.note("The key has no permission: it may ask about itself, and little else. --permission gives some.")


def _password(shell: Shell) -> str:
    """From the environment, from whoever sits at the terminal (unseen, twice), or the first line of a pipe."""
    from krakenctl.errors import UsageError

    if given := os.environ.get(_OTP):
        return given
    if shell.is_attended:
        return _typed_twice(shell)
    try:
        return "" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
    except (OSError, ValueError):
        raise UsageError("the second factor cannot be read from standard input: it is no text") from None


def _typed_twice(shell: Shell) -> str:
    from krakenctl.cli.asking import hidden

    while (first := hidden("Second factor").reveal()) != hidden("Once more").reveal():
        shell.note("The two are not the same. Type it again.")
    return first


@app.command("list", epilog=example("krakenctl sandbox key list --account acme -o json"))
def list_(
    ctx: typer.Context,
    account: Annotated[
        str | None,
        typer.Option(
            "--account", metavar="NAME", envvar="KRAKENCTL_SANDBOX_ACCOUNT", help="Only its keys. Left out: all."
        ),
    ] = None,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """List the keys, never their secrets."""
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    _print_all(shell, operate.keys_in(existing(shell, db), account))


@app.command(epilog=example("krakenctl sandbox key revoke --account acme --name bot"))
def revoke(
    ctx: typer.Context,
    account: AccountOption,
    name: NameOption,
    db: DbOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Revoke a key for good, and list what the account has left."""
    from krakenctl.sandbox.people import operate

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    path = existing(shell, db)
    operate.revoke_key(path, account, name)
    _print_all(shell, operate.keys_in(path, account))


def _print_all(shell: Shell, found: list[dict[str, Any]]) -> None:
    heads = ("ACCOUNT", "KEY", "MADE BY", "API KEY", "ENDS", "LAST USED", "PERMISSIONS")
    text = table(heads, map(_row, found)) if found else "There is no key.\n"
    show(shell, "keys", {"keys": found}, text)


def _row(key: dict[str, Any]) -> tuple[str, ...]:
    from krakenctl.render.paint import visible

    made_by = key["client"] or "website"
    ends, used = key["validUntil"] or "never", key["lastUsed"] or "never"
    permissions = " ".join(key["permissions"]) or "none"
    return (visible(key["account"]), visible(key["name"]), made_by, key["apiKey"], ends, used, permissions)
