"""What people do to a sandbox from a command line: accounts, keys by the website's rules, tokens. It serves no request.

Rows are plain data, ready for JSON. A secret is in none but that of the key just made.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from krakenctl.errors import UsageError
from krakenctl.model.permission import ALL, SCOPE_PREFIX, Permission, in_order
from krakenctl.model.time import show_time
from krakenctl.sandbox import accounts, faults, key_rules, keys
from krakenctl.sandbox.connect import clients, tokens
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.database import opened
from krakenctl.sandbox.faults import late
from krakenctl.sandbox.faults.aim import Mark
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.website import key_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from krakenctl.sandbox.accounts import Account
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.database import Database, Where
    from krakenctl.sandbox.keys import Key

Row = dict[str, Any]

_ACCOUNTS = (
    "SELECT username, email, iiban, (SELECT username FROM account AS master WHERE master.id = account.parent_id),"
    " (SELECT count(*) FROM key WHERE account_id = account.id AND signs_until IS NULL) FROM account ORDER BY id"
)
_LONGEST_NAME = 255  # as CreateSubaccount takes it
_LONGEST_PASSWORD = 255  # as on the website


def make_account(db: Where, username: str, *, email: str | None = None, sub_account_of: str | None = None) -> Row:
    """An account that is set up and has the usual opening balances; a sub-account has none."""
    if not 1 <= len(username) <= _LONGEST_NAME or not username.isprintable():
        raise UsageError(f"an account's name is 1 to {_LONGEST_NAME} characters, in one line")
    with _up_to_date(db) as database:
        parent = "" if sub_account_of is None else _master(database, sub_account_of)
        seed.open_account(database, username, email=email or "", parent=parent)
        return next(row for row in _accounts(read_context(database.connection())) if row["username"] == username)


def accounts_in(db: Where) -> list[Row]:
    """Every account, in order of creation."""
    with _reading(db) as context:
        return list(_accounts(context))


def make_key(
    db: Where,
    username: str,
    name: str,
    permissions: Sequence[str],
    *,
    ip_allowlist: Sequence[str] = (),
    valid_for: int = 0,
    valid_until: int = 0,
    query_from: int = 0,
    query_to: int = 0,
    nonce_window: int = 0,
    password: str | None = None,
) -> Row:
    """A key as the website's form makes it, with its secret. Zero and () stand for an empty field."""
    codes = _permissions(permissions)
    with _writing(db) as context:
        account = _set_up(context, username)
        end = valid_until or (valid_for and context.second + valid_for)
        times = {"valid_until": end, "query_from": query_from, "query_to": query_to}
        fields = dict.fromkeys(codes, "on") | {"name": name} | _typed(ip_allowlist, nonce_window, times)
        made = _insert(context, account, fields, _second_factor(password))
    if made is None:
        raise UsageError(f"the account {username} may have no further key", hint="revoke one first")
    key, secret = made
    return _key_row(username, key) | {"secret": secret}


def keys_in(db: Where, username: str | None = None) -> list[Row]:
    """The keys of one account or of all, in order of creation."""
    with _reading(db) as context:
        wanted = None if username is None else accounts.known(context.connection, username).username
        return [
            _key_row(row["username"], key)
            for row in _accounts(context)
            if wanted in (None, row["username"])
            for key in keys.of_account(context.connection, accounts.known(context.connection, row["username"]).id)
        ]


def edit_key(
    db: Where,
    username: str,
    name: str,
    permissions: Sequence[str],
    *,
    renamed: str = "",
    ip_allowlist: Sequence[str] = (),
    valid_until: int = 0,
    query_from: int = 0,
    query_to: int = 0,
    nonce_window: int = 0,
) -> Row:
    """What the website's form makes of a key that there is; every field as in `make_key`, and the pair stays."""
    codes = _permissions(permissions)
    with _writing(db) as context:
        key = _known_key(context, username, name)
        times = {"valid_until": valid_until, "query_from": query_from, "query_to": query_to}
        fields = dict.fromkeys(codes, "on") | {"name": renamed or name} | _typed(ip_allowlist, nonce_window, times)
        wish = key_form.read(fields, context, key.account_id, key)
        if isinstance(wish, dict):
            raise UsageError(" ".join(wish.values()))
        keys.update(context.connection, key.id, context.second, wish)
        return _key_row(username, _known_key(context, username, wish.name))


def revoke_key(db: Where, username: str, name: str) -> None:
    with _writing(db) as context:
        key = _known_key(context, username, name)
        keys.revoke(_struck(context, username, f"/app/settings/api/{key.id}/revoke"), key.id)


def mint_token(
    db: Where, username: str, wanted: Sequence[str], client: str = clients.DEFAULT, *, valid_for: int = 0
) -> Row:
    """What the token endpoint answers after the owner's consent to these scopes; none: all that the client may have.

    Earlier tokens live on, whatever the switch `new-token-kills` says. `valid_for`: seconds; 0: as long as Kraken's do.
    """
    with _writing(db) as context:
        account = accounts.known(context.connection, username)
        known = _client(context, client)
        allowed = known.scopes(context.switches)
        granted = [_scope(scope, allowed) for scope in wanted] or allowed
        accounts.give_iiban(context.connection, account)
        return tokens.mint_seeded(context, account.id, granted, known, seconds=valid_for)


@contextmanager
def _writing(db: Where) -> Iterator[Context]:
    with _up_to_date(db) as database, database.write() as connection:
        yield read_context(connection)


@contextmanager
def _reading(db: Where) -> Iterator[Context]:
    with _up_to_date(db) as database:
        yield read_context(database.connection())


@contextmanager
def _up_to_date(db: Where) -> Iterator[Database]:
    """What is due by now has happened. Bytes of a command line that are no UTF-8 are nobody's name."""
    with opened(db) as database:
        late.catch_up(database)
        try:
            yield database
        except UnicodeEncodeError:
            raise UsageError("what was typed is no text in UTF-8") from None


def _accounts(context: Context) -> Iterator[Row]:
    for row in context.connection.execute(_ACCOUNTS).fetchall():
        yield dict(zip(("username", "email", "iiban", "subAccountOf", "keys"), row, strict=True))


def _known_key(context: Context, username: str, name: str) -> Key:
    """Raises UsageError where the account has no such key."""
    account = accounts.known(context.connection, username)
    key = keys.by_name(context.connection, account.id, name)
    if key is None:
        there = ", ".join(key.name for key in keys.of_account(context.connection, account.id))
        raise UsageError(f"the account {username} has no key “{name}”", hint=f"it has: {there or 'none'}")
    return key


def _master(database: Database, username: str) -> str:
    if not accounts.known(database.connection(), username).master:
        raise UsageError(f"{username} is a sub-account, and a sub-account has none of its own")
    return username


def _set_up(context: Context, username: str) -> Account:
    account = accounts.known(context.connection, username)
    if account.iiban is None:
        raise UsageError(
            f"the sub-account {username} waits for its owner to set it up",
            hint=f"`krakenctl sandbox token --account {username}` does that",
        )
    return account


def _typed(ip_allowlist: Sequence[str], nonce_window: int, times: dict[str, int]) -> dict[str, str]:
    """As a browser sends it: what is left empty is absent."""
    fields = {field: show_time(seconds) for field, seconds in times.items() if seconds}
    if ip_allowlist:
        fields |= {"restrict_ip": "on", "ip_allowlist": ",".join(ip_allowlist)}
    if nonce_window:
        fields |= {"custom_nonce_window": "on", "nonce_window": str(nonce_window)}
    return fields


def _insert(context: Context, account: Account, fields: Row, otp: str) -> tuple[Key, str] | None:
    """None: there is no room, and the fault that took it has counted the call. Raises UsageError for a wrong form."""
    wish = key_form.read(fields, context, account.id)
    if isinstance(wish, dict):
        raise UsageError(" ".join(wish.values()))
    context = _struck(context, account.username, "/app/settings/api/new")
    if key_rules.is_full(context, account.id):
        return None
    made, secret = keys.issue(context, account.id, keys.WEBSITE, wish)
    context.connection.execute("UPDATE key SET otp = ? WHERE id = ?", (otp, made.id))
    return made._replace(otp=otp), secret


def _struck(context: Context, username: str, page: str) -> Context:
    """With the faults about keys that strike what is done on this page of the website."""
    call = Mark("POST", page, "website", username, is_page=True)
    return replace(context, faults=faults.striking(context.connection, call, faults.ABOUT_KEYS))


def _second_factor(password: str | None) -> str:
    """As a key's row holds it."""
    if password is None:
        return ""
    if not 1 <= len(password) <= _LONGEST_PASSWORD:
        raise UsageError(f"a second factor's password is 1 to {_LONGEST_PASSWORD} characters")
    return f"static:{password}"


def _permissions(codes: Iterable[str]) -> frozenset[Permission]:
    """`all` stands for all of them. Raises UsageError."""
    found: set[Permission] = set()
    for code in codes:
        if code != "all" and code not in set(Permission):
            raise UsageError(f"Kraken has no permission “{code}”", hint=_permission_meant(code))
        found |= ALL if code == "all" else {Permission(code)}
    return frozenset(found)


def _permission_meant(code: str) -> str:
    if "," in code:
        one_by_one = " ".join(f"--permission {part}" for part in code.replace(",", " ").split())
        return f"give one at a time: {one_by_one}"
    return _meant(code, [*Permission, "all"])


def _client(context: Context, client: str) -> clients.Client:
    found = clients.by_id(context.connection, client)
    if found is None:
        ids = [row[0] for row in context.connection.execute("SELECT id FROM client ORDER BY id")]
        raise UsageError(f"the sandbox has no OAuth client “{client}”", hint=_meant(client, ids))
    return found


def _scope(scope: str, allowed: Sequence[str]) -> str:
    """`read` is short for `account.fast-api-key:read`."""
    full = scope if ":" in scope else SCOPE_PREFIX + scope
    if full not in allowed:
        known = allowed if ":" in scope else [each.removeprefix(SCOPE_PREFIX) for each in allowed]
        raise UsageError(f"the client may not ask for a scope “{scope}”", hint=_meant(scope, known))
    return full


def _meant(word: str, known: Sequence[str]) -> str:
    """Lower case with hyphens is how Kraken's codes and scopes are spelt; people type labels and flags too."""
    from difflib import get_close_matches

    near = get_close_matches(word.lower().replace("_", "-").replace(" ", "-"), known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"


def _key_row(username: str, key: Key) -> Row:
    """Everything but the secret. None: no limit, or never."""
    return {
        "account": username,
        "name": key.name,
        "apiKey": key.public_key,
        "client": key.client or None,
        "permissions": [permission.value for permission in in_order(key.permissions)],
        "ipAllowlist": key.ip_allowlist,
        "nonceWindow": key.nonce_window,
        "queryFrom": _moment(key.query_from),
        "queryTo": _moment(key.query_to),
        "validUntil": _moment(key.valid_until),
        "created": _moment(key.created),
        "modified": _moment(key.modified),
        "lastUsed": _moment(key.last_used or 0),
        "secondFactor": {"": None, "static": "password", "totp": "app"}[key.otp.partition(":")[0]],
    }


def _moment(seconds: int) -> str | None:
    return show_time(seconds) if seconds else None
