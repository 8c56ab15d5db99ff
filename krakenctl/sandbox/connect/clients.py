"""OAuth clients as rows: registered, found, and told from impostors.

Source: the Kraken Connect guide (a public client keeps no secret; a confidential one gets its secret from Kraken).
Kraken reviews clients by hand and sends the secret encrypted; here one is simply added, and its secret shown once.
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from krakenctl.errors import UsageError
from krakenctl.sandbox.connect import scopes as all_scopes
from krakenctl.sandbox.connect.hashes import kept

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from krakenctl.sandbox.context import Context

DEFAULT = "krakenctl-sandbox"  # public; schema.sql puts it into every new file

_ID = re.compile(r"[A-Za-z0-9._~-]{1,64}")  # no colon: Basic authentication could not tell it from the secret
_PLAIN = re.compile(r"[!-~]{1,2000}")
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?((?:[/?].*)?)")


class Client(NamedTuple):
    id: str
    name: str
    secret_hash: bytes | None  # None: public, and its secret is empty
    uris: str
    scope_text: str  # empty: every scope there is

    @property
    def is_confidential(self) -> bool:
        return self.secret_hash is not None

    def scopes(self, switches: Mapping[str, str]) -> tuple[str, ...]:
        """What it may ask for, in the order of Kraken's list."""
        own = self.scope_text.split()
        return tuple(scope for scope in all_scopes.known(switches) if not own or scope in own)

    def may_redirect_to(self, uri: str) -> bool:
        """Letter by letter, but for the port of a loopback address. Source: RFC 6749 3.1.2.3; RFC 8252 7.3."""
        return any(_is_same(registered, uri) for registered in self.uris.split())


def add(
    context: Context, client: str, *, name: str, redirect_uris: Iterable[str], scopes: Iterable[str], confidential: bool
) -> str | None:
    """Register a client; no scopes: every one there is. Returns a confidential client's secret, which is shown once."""
    uris, wanted = tuple(redirect_uris), tuple(scopes)
    _check(context, client, name, uris, wanted)
    secret = secrets.token_urlsafe(32) if confidential else None
    row = (client, name, None if secret is None else kept(secret), " ".join(uris), " ".join(wanted))
    context.connection.execute(
        "INSERT INTO client (id, name, secret_hash, redirect_uris, scopes) VALUES (?, ?, ?, ?, ?)", row
    )
    return secret


def by_id(connection: sqlite3.Connection, client: str) -> Client | None:
    row = connection.execute(
        "SELECT id, name, secret_hash, redirect_uris, scopes FROM client WHERE id = ?", (client,)
    ).fetchone()
    return None if row is None else Client._make(row)


def ours(connection: sqlite3.Connection) -> Client:
    """The one that every sandbox knows from its beginning."""
    found = by_id(connection, DEFAULT)
    assert found is not None  # noqa: S101 - schema.sql puts it into every file, and nothing takes it out
    return found


def authenticated(connection: sqlite3.Connection, authorization: str) -> Client | None:
    """The client that an `Authorization: Basic` header proves, with base64 of `client_id:client_secret`."""
    scheme, _, credentials = authorization.partition(" ")
    try:
        name, colon, secret = base64.b64decode(credentials, validate=True).decode("ascii").partition(":")
    except ValueError:  # no base64, or no ASCII
        return None
    client = by_id(connection, name) if colon and scheme.lower() == "basic" else None
    return client if client is not None and _is_right(client, secret) else None


def _is_right(client: Client, secret: str) -> bool:
    if client.secret_hash is None:
        return not secret
    return hmac.compare_digest(client.secret_hash, kept(secret))


def _is_same(registered: str, uri: str) -> bool:
    if registered == uri:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(uri)
    return ours is not None and theirs is not None and ours.groups() == theirs.groups()


def _check(context: Context, client: str, name: str, uris: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    if not _ID.fullmatch(client):
        raise UsageError("an OAuth client's id is 1 to 64 letters, digits and any of . _ ~ -")
    if by_id(context.connection, client) is not None:
        raise UsageError(f"the sandbox already has an OAuth client “{client}”")
    if not name.strip() or not name.isprintable():
        raise UsageError(f"the OAuth client “{client}” needs a name that people can read")
    if not uris:
        raise UsageError(f"the OAuth client “{client}” needs a redirect URI")
    for uri in uris:
        if not _can_be_registered(uri):
            raise UsageError(
                f"the OAuth client “{client}” cannot have the redirect URI “{uri}”",
                hint="it begins with https:// or, on this machine only, http://127.0.0.1, and has no fragment",
            )
    for scope in scopes:
        if scope not in all_scopes.ALL:
            raise UsageError(f"Kraken Connect has no scope “{scope}”", hint=f"there are: {', '.join(all_scopes.ALL)}")


def _can_be_registered(uri: str) -> bool:
    if not _PLAIN.fullmatch(uri) or "#" in uri or "\\" in uri:
        return False
    if _LOOPBACK.fullmatch(uri):
        return True
    try:
        parts = urlsplit(uri)
        return parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False
