"""The authorize page: who asks for what, whether the person agrees, and the code that a consent yields.

Source: krakenfx/api-specs `oauth/openapi_v3.yaml` (parameters, languages, errors) and RFC 6749 4.1. An unknown client
or redirect URI is told to the person and never redirected: anybody can write such a link.

With the switch `consent` at `auto` there is no page. Consent is then that of the person who is signed in; where nobody
is and the sandbox has exactly one account, it is that account's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from krakenctl.sandbox import accounts
from krakenctl.sandbox.connect import clients, codes, scopes
from krakenctl.sandbox.connect.tokens import Grant
from krakenctl.sandbox.envelope import BAD_REQUEST, UNKNOWN_METHOD, Answer, Refusal, redirect
from krakenctl.sandbox.request import form_fields
from krakenctl.sandbox.website import html, session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from krakenctl.sandbox.connect.clients import Client
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.request import Request

# The page is English in all of them.
_LANGUAGES = (
    "en-us",
    "es-es",
    "fil-ph",
    "fr",
    "de",
    "it-it",
    "nl",
    "pl",
    "pt-br",
    "ru-ru",
    "tr-tr",
    "uk-ua",
    "vi-vn",
    "zh-cn",
)
_THEMES = ("dark", "light")  # of `preferTheme`; the page looks as the browser prefers
_MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a known client that goes back to one of its own addresses."""

    client: Client
    redirect_uri: str
    query: str  # the request once more, for the page's form
    state: str  # empty: none was sent
    scopes: tuple[str, ...]
    challenge: str  # empty: no PKCE
    error: str  # what it is refused with; empty: it is well-formed


def ask(request: Request, context: Context, path: Mapping[str, str]) -> Answer:
    """`GET /oauth/authorize`: show who asks for what."""
    asked = _asked(request, context, path)
    if asked.error:
        return _back(asked, {"error": asked.error})
    person = session.current(request, context)
    if context.switches["consent"] == "auto":
        account_id = _only_account(context) if person is None else person.account_id
        return html.to_sign_in(request) if account_id is None else _approved(asked, account_id, context)
    return html.to_sign_in(request) if person is None else _page(asked, person)


def answer(request: Request, context: Context, path: Mapping[str, str]) -> Answer:
    """`POST /oauth/authorize`: what the person decided. Everything that was asked is in the address once more."""
    asked = _asked(request, context, path)
    if asked.error:
        return _back(asked, {"error": asked.error})
    person = session.current(request, context)
    if person is None:
        return html.to_sign_in(request)
    fields = form_fields(request.body)
    session.check_csrf(person, fields)
    match fields.get("decision"):
        case "approve":
            return _approved(asked, person.account_id, context)
        case "deny":
            return _back(asked, {"error": "access_denied"})
    raise Refusal(BAD_REQUEST, status=400)


def _asked(request: Request, context: Context, path: Mapping[str, str]) -> Asked:
    """Raises Refusal where nobody is known to whom an answer could go."""
    if "language" in path and path["language"] not in _LANGUAGES:
        raise Refusal(UNKNOWN_METHOD, status=404)
    given, repeated = _parameters(request)
    client = clients.by_id(context.connection, given.get("client_id", ""))
    if client is None:
        raise Refusal("unauthorized_client: there is no such client_id", status=400)
    uri = _redirect_uri(given, client)
    wanted = given["scope"].split(" ") if "scope" in given else ()  # none: all that the client has
    return Asked(
        client=client,
        redirect_uri=uri,
        query=urlencode(given, encoding="latin-1"),
        state=given.get("state", ""),
        scopes=tuple(scope for scope in client.scopes(context.switches) if not wanted or scope in wanted),
        challenge=given.get("code_challenge", ""),
        error="invalid_request" if repeated else _error(given, client, context.switches),
    )


def _redirect_uri(given: Mapping[str, str], client: Client) -> str:
    uri = given.get("redirect_uri", "")
    if not client.may_redirect_to(uri):
        wrong = "the client has no such redirect_uri" if uri else "there is no redirect_uri, or there are two"
        raise Refusal(f"invalid_request: {wrong}; it has registered {', '.join(client.uris.split())}", status=400)
    return uri


def _error(given: Mapping[str, str], client: Client, switches: Mapping[str, str]) -> str:
    """What is wrong with the request, in the spec's words; empty: nothing."""
    if "response_type" not in given:
        return "invalid_request"
    if given["response_type"] != "code":
        return "unsupported_response_type"
    if given.get("preferTheme", "dark") not in _THEMES or not _has_good_challenge(given, client, switches):
        return "invalid_request"
    if "scope" in given and not set(given["scope"].split(" ")) <= set(client.scopes(switches)):
        return "invalid_scope"
    return "" if switches["consent"] in ("ask", "auto") else switches["consent"]


def _has_good_challenge(given: Mapping[str, str], client: Client, switches: Mapping[str, str]) -> bool:
    """S256 only: it is what Kraken's own apps send, and `plain` protects from nothing."""
    if "code_challenge" not in given:
        needed = switches["pkce-public"] == "required" and not client.is_confidential
        return not needed and "code_challenge_method" not in given
    sound = codes.CHALLENGE.fullmatch(given["code_challenge"]) is not None
    return sound and given.get("code_challenge_method") == "S256"


def _parameters(request: Request) -> tuple[dict[str, str], bool]:
    """Those that were sent once and are not empty, and whether any came more often.

    Latin-1, so that any byte of a `state` comes back as it went in.
    """
    query = request.query.encode("latin-1", "replace").decode("latin-1")
    try:
        pairs = parse_qsl(query, encoding="latin-1", max_num_fields=_MOST_PARAMETERS)
    except ValueError:
        raise Refusal(BAD_REQUEST, status=400) from None
    names = [name for name, _ in pairs]
    once = {name: value for name, value in pairs if names.count(name) == 1}
    return once, len(once) != len(pairs)


def _only_account(context: Context) -> int | None:
    account = accounts.only(context.connection)
    return None if account is None else account.id


def _approved(asked: Asked, account_id: int, context: Context) -> Answer:
    grant = Grant(asked.client.id, account_id, " ".join(asked.scopes))
    return _back(asked, {"code": codes.issue(context, grant, asked.redirect_uri, asked.challenge)})


def _back(asked: Asked, told: dict[str, str]) -> Answer:
    """To the client, with what it asked us to remember."""
    query = urlencode(told | ({"state": asked.state} if asked.state else {}), encoding="latin-1")
    glue = "&" if "?" in asked.redirect_uri else "?"
    return redirect(f"{asked.redirect_uri}{glue}{query}", status=302)


def _page(asked: Asked, person: session.Session) -> Answer:
    return html.render(
        "consent.html",
        session=person,
        leads_away=True,
        client=asked.client,
        destination=urlsplit(asked.redirect_uri).netloc,
        lines=[scopes.line(scope) for scope in asked.scopes],
        query=asked.query,
    )
