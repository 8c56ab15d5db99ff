"""A client of a few lines that calls the WSGI application itself, with a signature of its own. No network."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from wsgiref.validate import validator

from krakenctl.sandbox import Sandbox
from krakenctl.sandbox.people.seed import SeededAccount

NOW = 1_800_000_000


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def result(self) -> Any:
        assert not self.json.get("error"), self.json  # what OAuth answers has none, where all is well
        return self.json["result"]

    @property
    def error(self) -> str:
        [error] = self.json["error"]
        return error


@dataclass
class Caller:
    """Sends requests to a sandbox as `master` by default."""

    sandbox: Sandbox
    master: SeededAccount
    errors: io.StringIO = field(default_factory=io.StringIO)
    nonces: Any = field(default_factory=lambda: itertools.count(1))

    def send(self, method: str, path: str, body: bytes = b"", **environ: Any) -> Reply:
        path, _, query = path.partition("?")
        base = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/json",
            "REMOTE_ADDR": "203.0.113.7",
            "SERVER_NAME": "sandbox",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": self.errors,
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        said: list[Any] = []
        app = self.sandbox if "raw" in environ else validator(self.sandbox)
        environ.pop("raw", None)
        chunks = app(base | environ, lambda status, headers, exc_info=None: said.append((status, headers)))
        got = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        [(status, headers)] = said
        return Reply(int(status[:3]), dict(headers), got)

    def oauth(self, method: str, path: str, body: Any = None, *, token: str = "", **environ: Any) -> Reply:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        access = token or self.master.token["access_token"]
        return self.send(method, path, content, HTTP_AUTHORIZATION=f"Bearer {access}", **environ)

    def keys(self, method: str, body: Any = None, **more: Any) -> Reply:
        return self.oauth(method, "/oauth/fast-api-key", body, **more)

    def issue(self, name: str = "bot", *flags: str, token: str = "", **fields: Any) -> Any:
        body = {"api_key_name": name, "permissions": dict.fromkeys(flags, True)} | fields
        return self.keys("POST", body, token=token).result

    def listed(self, token: str = "") -> Any:
        return self.keys("GET", token=token).result

    def refresh(self, refresh_token: str, client: str = "krakenctl-sandbox:") -> Reply:
        body = urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token}).encode()
        basic = base64.b64encode(client.encode()).decode()
        form = "application/x-www-form-urlencoded"
        return self.send("POST", "/oauth/token", body, CONTENT_TYPE=form, HTTP_AUTHORIZATION=f"Basic {basic}")

    def signed(self, call: str, key: tuple[str, str] | None = None, /, *, nonce: Any = None, **more: Any) -> Reply:
        """`more`: `as_json`, `query`, `environ` (a dict), and the call's own arguments."""
        public, secret = key or (self.master.public_key, self.master.secret)
        as_json, query, environ = more.pop("as_json", False), more.pop("query", ""), more.pop("environ", {})
        nonce = next(self.nonces) if nonce is None else nonce
        fields = {"nonce": nonce} | more
        body = (json.dumps(fields) if as_json else urlencode(fields)).encode()
        path = f"/0/private/{call}" + (f"?{query}" if query else "")
        inner = hashlib.sha256(str(nonce).encode() + body).digest()
        mac = hmac.new(base64.b64decode(secret), path.encode() + inner, hashlib.sha512).digest()
        headers = {"HTTP_API_KEY": public, "HTTP_API_SIGN": base64.b64encode(mac).decode()}
        headers["CONTENT_TYPE"] = "application/json" if as_json else "application/x-www-form-urlencoded"
        return self.send("POST", path, body, **headers | environ)

    def at(self, endpoint: str, key: tuple[str, str], given: dict[str, Any] | None = None) -> Reply:
        """A signed call of any route: with its nonce where it belongs, in JSON, or in a query string to read."""
        method, path = endpoint.split(" ")
        nonce, fields = next(self.nonces), dict(given or {})
        headers = {"HTTP_API_KEY": key[0]}
        if path.startswith("/funding/"):
            headers["HTTP_API_NONCE"] = str(nonce)
        else:
            fields["nonce"] = nonce
        body = json.dumps(fields).encode() if method in {"POST", "PUT"} else b""
        target = path if body or not fields else f"{path}?{urlencode(fields)}"
        inner = hashlib.sha256(str(nonce).encode() + body).digest()
        mac = hmac.new(base64.b64decode(key[1]), target.encode() + inner, hashlib.sha512).digest()
        headers["HTTP_API_SIGN"] = base64.b64encode(mac).decode()
        return self.send(method, target, body, **headers)


def pair(issued: Any) -> tuple[str, str]:
    return issued["api_key"], issued["secret"]
