"""A person's browser at the authorize page, and the client that sent it there. No network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

from sandbox_caller import Caller, Reply

from krakenctl.sandbox.connect import clients
from krakenctl.sandbox.context import read_context

CLIENT = "krakenctl-sandbox"
BACK = "http://127.0.0.1:8765/callback"
FORM = "application/x-www-form-urlencoded"
VERIFIER = "0123456789abcdef0123456789abcdef01234567"  # 40 characters, as krakenfx/wallet sends


def challenge(verifier: str = VERIFIER) -> dict[str, str]:
    digest = hashlib.sha256(verifier.encode()).digest()
    text = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return {"code_challenge": text, "code_challenge_method": "S256"}


def told(reply: Reply) -> dict[str, str]:
    """What a redirect tells the client."""
    assert reply.status == 302, (reply.status, reply.body)
    _, _, query = reply.headers["Location"].partition("?")
    return {name: value for name, [value] in parse_qs(query, keep_blank_values=True, encoding="latin-1").items()}


@dataclass
class Browser:
    kraken: Caller
    cookie: str = ""

    def send(self, method: str, path: str, fields: dict[str, str] | None = None) -> Reply:
        body = urlencode(fields or {}).encode()
        return self.kraken.send(method, path, body, CONTENT_TYPE=FORM, HTTP_COOKIE=self.cookie)

    def sign_in(self, account: str = "acme") -> Browser:
        reply = self.send("POST", "/sign-in", {"account": account})
        self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return self

    def ask(self, path: str = "/oauth/authorize", **query: Any) -> Reply:
        return self.send("GET", f"{path}?{asked(**query)}")

    def decide(self, decision: str, *, csrf: str | None = None, **query: Any) -> Reply:
        if csrf is None:
            [csrf, *_] = re.findall(r'name="csrf" value="([^"]*)"', self.ask(**query).body.decode())
        return self.send("POST", f"/oauth/authorize?{asked(**query)}", {"decision": decision, "csrf": csrf})

    def code(self, **query: Any) -> str:
        return told(self.decide("approve", **query))["code"]


def asked(**query: Any) -> str:
    """A query string; a parameter that is None is left out."""
    whole = {"client_id": CLIENT, "redirect_uri": BACK, "response_type": "code", "state": "s t"} | query
    return urlencode({name: value for name, value in whole.items() if value is not None}, doseq=True)


def token(kraken: Caller, client: str = f"{CLIENT}:", **fields: str) -> Reply:
    """`POST /oauth/token`, by default with a code of the default client."""
    basic = base64.b64encode(client.encode()).decode()
    whole = {"grant_type": "authorization_code", "redirect_uri": BACK} | fields
    body = urlencode(whole).encode()
    return kraken.send("POST", "/oauth/token", body, CONTENT_TYPE=FORM, HTTP_AUTHORIZATION=f"Basic {basic}")


def add_client(kraken: Caller, client: str = "app", **more: Any) -> str | None:
    """A client that comes back to https://app.example/back. Returns a confidential one's secret."""
    whole = {"name": "An App", "redirect_uris": ["https://app.example/back"], "scopes": [], "confidential": False}
    with kraken.sandbox.database.write() as connection:
        return clients.add(read_context(connection), client, **(whole | more))
