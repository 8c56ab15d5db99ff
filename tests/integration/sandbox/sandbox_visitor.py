"""A browser of a few lines: it keeps the cookie, follows redirects, and sends forms as their pages have them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from sandbox_caller import Caller, Reply

HOME = "/app/settings/api"


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a person finds on a page."""

    def __init__(self, reply: Reply, path: str) -> None:
        super().__init__()
        self.reply, self.path = reply, path
        self.forms: list[Form] = []
        self.words: list[str] = []
        self.values: dict[str, str] = {}  # what text areas hold, by id
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._area = ""
        self.feed(self.html)

    @property
    def html(self) -> str:
        return self.reply.body.decode()

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def form(self, action: str) -> Form:
        return next(form for form in self.forms if form.action == action)

    def by_id(self, name: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.elements if attributes.get("id") == name)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "form":
            self.forms.append(Form(given["action"] or ""))
        if tag == "textarea":
            self._area = given["id"] or ""
        if tag == "input" and (given["type"] not in {"checkbox", "radio"} or "checked" in given):
            self.forms[-1].fields[given["name"] or ""] = given.get("value") or ("on" if "checked" in given else "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._area:
            self.values[self._area] = data


class Visitor:
    def __init__(self, kraken: Caller) -> None:
        self.kraken = kraken
        self.cookie = ""
        self.seen: list[Page] = []

    def open(self, path: str, **environ: Any) -> Page:
        return self._visit("GET", path, **environ)

    def send(self, path: str, fields: dict[str, str], **environ: Any) -> Page:
        form = "application/x-www-form-urlencoded"
        return self._visit("POST", path, urlencode(fields).encode(), CONTENT_TYPE=form, **environ)

    def submit(self, page: Page, action: str = "", **changes: str | None) -> Page:
        """Send a page's form (its last one, if none is named) with some fields typed anew; None: a box not ticked."""
        form = page.form(action) if action else page.forms[-1]
        fields = form.fields | {name.replace("_dash_", "-"): value for name, value in changes.items()}
        return self.send(form.action, {name: value for name, value in fields.items() if value is not None})

    def sign_in(self, username: str = "acme") -> Visitor:
        self.submit(self.open("/sign-in"), account=username)
        return self

    def create(self, **changes: str | None) -> Page:
        return self.submit(self.open(f"{HOME}/new"), **changes)

    def _visit(self, method: str, path: str, body: bytes = b"", **environ: Any) -> Page:
        reply = self.kraken.send(method, path, body, HTTP_COOKIE=self.cookie, **environ)
        cookie = reply.headers.get("Set-Cookie", "")
        self.cookie = cookie.partition(";")[0] or self.cookie
        if reply.status == 303:
            return self._visit("GET", reply.headers["Location"])
        self.seen.append(Page(reply, path))
        return self.seen[-1]
