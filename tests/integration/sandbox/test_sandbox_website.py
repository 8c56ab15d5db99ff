"""The sandbox's website without a browser: who gets in, what each field takes, and that a secret is shown once."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox_caller import NOW, Caller
from sandbox_visitor import HOME, Visitor

from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.sandbox import clock, open_sandbox
from krakenctl.sandbox.checks import otp
from krakenctl.sandbox.context import read_context
from krakenctl.sandbox.keys import KeyWish
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.request import REMOTE
from krakenctl.sandbox.switches import set_switch
from krakenctl.sandbox.website import html, key_form
from krakenctl.sandbox.website.session import SECONDS

NEW = f"{HOME}/new"
FIXES = {"with-fix": "on", "without": None}


@pytest.fixture
def visitor(kraken: Caller) -> Visitor:
    return Visitor(kraken).sign_in()


@pytest.fixture
def stranger(kraken: Caller) -> Visitor:
    """Somebody who is signed in to another account of the same sandbox."""
    seed.seed_account(kraken.sandbox, username="other", email="desk@other.example")
    return Visitor(kraken).sign_in("other")


@pytest.fixture(scope="module")
def regular(tmp_path_factory):
    """One visitor for many examples of a law."""
    sandbox = open_sandbox(tmp_path_factory.mktemp("website") / "sandbox.db")
    clock.freeze(sandbox, NOW)
    yield Visitor(Caller(sandbox, seed.seed_account(sandbox, username="acme", email="desk@acme.example"))).sign_in()
    sandbox.close()


def pair(page) -> tuple[str, str]:
    return page.values["api-key"], page.values["private-key"]


def info(kraken: Caller, key: tuple[str, str]):
    return kraken.signed("GetApiKeyInfo", key).result


def count(visitor: Visitor, table: str) -> int:
    [number] = visitor.kraken.sandbox.database.connection().execute(f"SELECT count(*) FROM {table}").fetchone()
    return number


def number(page, name: str) -> str:
    """The row of a key in the list, by the address of its link."""
    links = [attributes["href"] or "" for tag, attributes in page.elements if tag == "a" and "href" in attributes]
    rows = [found[1] for link in links if (found := re.fullmatch(rf"{HOME}/(\d+)", link))]
    headings = re.findall(r"<h2>(.*?)</h2>", page.html)
    return rows[headings.index(name)]


def address(visitor: Visitor, name: str, more: str = "") -> str:
    return f"{HOME}/{number(visitor.open(HOME), name)}{more}"


# Sessions


@pytest.mark.parametrize("path", [HOME, NEW, f"{HOME}/1", f"{HOME}/1/revoke", f"{HOME}/1/2fa", "/app/settings/apps"])
def test_whoever_is_not_signed_in_is_asked_to_and_then_comes_back(kraken, path):
    visitor = Visitor(kraken)
    asked = visitor.open(path)
    assert (asked.path, visitor.submit(asked, account="acme").path) == (f"/sign-in?next={path}", path)


@pytest.mark.parametrize("classic", ["/", "/u/security/api"])
def test_the_classic_address_leads_to_the_list(visitor, classic):
    assert visitor.open(classic).path == HOME


@pytest.mark.parametrize(
    "goal", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil", "/a\r\nX: y", ""]
)
def test_signing_in_never_leads_to_another_site(visitor, goal):
    assert visitor.submit(visitor.open("/sign-in"), account="acme", next=goal).path == HOME


@given(goal=st.text())
def test_every_address_is_answered_with_a_local_one(goal):
    assert re.fullmatch(r"/(?!/)[!-\[\]-~]*", html.local(goal))


def test_only_accounts_that_are_set_up_can_sign_in(kraken):
    kraken.signed("CreateSubaccount", username="pending", email="p@acme.example")
    visitor = Visitor(kraken)
    page = visitor.submit(visitor.open("/sign-in"), account="pending")
    assert page.status == 422
    assert page.by_id("account")["aria-invalid"] == "true"


def test_another_site_cannot_sign_a_browser_in(kraken):
    foreign = {"HTTP_ORIGIN": "https://evil.example", "HTTP_HOST": "localhost"}
    assert Visitor(kraken).send("/sign-in", {"account": "acme"}, **foreign).status == 403


@pytest.mark.parametrize("path", ["/sign-in", HOME, NEW, "/oauth/authorize"])
@pytest.mark.parametrize("host", ["evil.example:80", "localhost.evil.example", "localhost:80@evil.example", "[::1]x"])
def test_a_name_that_was_pointed_here_opens_no_page(visitor, path, host):
    """DNS rebinding: a page of evil.example that has its name point to 127.0.0.1 may read whatever that name shows."""
    page = visitor.open(path, HTTP_HOST=host)
    assert page.status == 421
    assert "localhost or 127.0.0.1" in page.text


def test_a_name_that_was_pointed_here_signs_nobody_in(kraken):
    evil = {"HTTP_ORIGIN": "http://evil.example:80", "HTTP_HOST": "evil.example:80"}
    page = Visitor(kraken).send("/sign-in", {"account": "acme"}, **evil)
    assert (page.status, page.reply.headers.get("Set-Cookie")) == (421, None)


def test_under_any_name_the_website_opens_where_all_are_welcome(kraken):
    welcome = {"HTTP_HOST": "kraken.lan:8080", REMOTE: True}
    assert Visitor(kraken).open("/sign-in", **welcome).status == 200


def test_a_name_that_is_not_this_computers_may_call_the_api(kraken):
    assert kraken.send("GET", "/0/public/Time", HTTP_HOST="api.kraken.com").result


def test_two_sandboxes_of_one_computer_have_cookies_of_their_own(kraken):
    form = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    replies = [kraken.send("POST", "/sign-in", b"account=acme", SERVER_PORT=port, **form) for port in ("8000", "8001")]
    names = [reply.headers["Set-Cookie"].partition("=")[0] for reply in replies]
    assert names == ["sandbox_session_8000", "sandbox_session_8001"]


def test_a_browser_that_signs_in_anew_leaves_no_session_behind(visitor):
    old = visitor.cookie
    visitor.sign_in()
    assert visitor.cookie != old
    assert count(visitor, "session") == 1
    visitor.cookie = old
    assert visitor.open(HOME).path.startswith("/sign-in")


def test_sessions_and_used_forms_go_when_their_time_is_over(visitor):
    visitor.create(name="bot")
    assert (count(visitor, "session"), count(visitor, "used_form")) == (1, 1)
    clock.advance(visitor.kraken.sandbox, SECONDS)
    Visitor(visitor.kraken).sign_in().create(name="bot-2")
    assert (count(visitor, "session"), count(visitor, "used_form")) == (1, 1)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(kraken):
    reply = kraken.send("POST", "/sign-in", b"account=acme", CONTENT_TYPE="application/x-www-form-urlencoded")
    assert reply.headers["Set-Cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax")


def test_a_session_is_kept_as_a_hash(visitor):
    [row] = visitor.kraken.sandbox.database.connection().execute("SELECT * FROM session").fetchall()
    assert visitor.cookie.partition("=")[2].encode() not in b"|".join(str(value).encode() for value in row)


def test_a_session_ends_after_eight_hours(visitor):
    clock.advance(visitor.kraken.sandbox, SECONDS)
    assert visitor.open(HOME).path.startswith("/sign-in")


def test_after_signing_out_the_old_cookie_opens_nothing(visitor):
    cookie = visitor.cookie
    visitor.submit(visitor.open(HOME), "/sign-out")
    visitor.cookie = cookie
    assert visitor.open(HOME).path.startswith("/sign-in")


# Safety


POSTS = [NEW, f"{HOME}/1", f"{HOME}/1/revoke", f"{HOME}/1/2fa", "/app/settings/apps", "/sign-out"]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("csrf", [{}, {"csrf": ""}, {"csrf": "ü"}])
def test_a_form_without_this_sessions_token_does_nothing(visitor, path, csrf):
    before = visitor.open(HOME).text
    assert visitor.send(path, {"name": "x", "form": "f", "sort": "none"} | csrf).status == 403
    assert visitor.open(HOME).text == before


def test_a_token_of_one_session_is_none_of_another(visitor):
    theirs = visitor.open(NEW).form(NEW).fields
    assert Visitor(visitor.kraken).sign_in().send(NEW, theirs).status == 403


@pytest.mark.parametrize("more", ["", "/revoke", "/2fa"])
def test_a_key_of_another_account_does_not_exist(visitor, stranger, more):
    path = address(stranger, "master", more)
    form = stranger.open(path).forms[-1].fields | {"csrf": visitor.open(HOME).forms[0].fields["csrf"]}
    assert [visitor.open(path).status, visitor.send(path, form).status] == [404, 404]


@pytest.mark.parametrize("row", ["0", "-1", "x", "²", "9" * 30, "1%00"])
def test_a_key_that_never_was_is_not_found(visitor, row):
    assert visitor.open(f"{HOME}/{row}").status == 404


def test_every_page_keeps_browsers_from_scripts_frames_and_foreign_forms(visitor):
    headers = visitor.open(NEW).reply.headers
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")


def test_every_page_says_that_it_is_not_kraken(visitor):
    pages = ["/sign-in", HOME, NEW, f"{HOME}/1", f"{HOME}/1/revoke", f"{HOME}/1/2fa", "/app/settings/apps", f"{HOME}/0"]
    assert all("Sandbox – not Kraken" in visitor.open(path).text for path in pages)


printable = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)


@given(name=printable.filter(str.strip))
@settings(max_examples=40, deadline=None)
def test_no_name_becomes_markup(regular, name):
    regular.create(name="plain")
    plain = regular.open(HOME)
    path = f"{HOME}/{number(plain, 'plain')}"
    regular.submit(regular.open(path), name=name)
    hostile, *others = [regular.open(page) for page in (HOME, f"{path}/revoke", f"{path}/2fa")]
    regular.submit(others[0])
    assert [tag for tag, _ in hostile.elements] == [tag for tag, _ in plain.elements]
    assert all(name in "".join(page.words) for page in (hostile, *others))


# A new key


def test_the_pair_that_is_shown_signs(visitor):
    assert info(visitor.kraken, pair(visitor.create(name="bot")))["api_key_name"] == "bot"


def test_every_permission_has_a_box_and_none_is_ticked(visitor):
    page = visitor.open(NEW)
    assert all("checked" not in page.by_id(code) for code in Permission)


def test_boxes_are_labelled_as_krakens_website_labels_them(visitor):
    text = visitor.open(NEW).text
    assert all(part in text for spelling in SPELLINGS.values() for part in spelling.label.removesuffix("On").split("–"))


@pytest.mark.parametrize("code", list(Permission))
def test_a_box_can_be_ticked_beforehand_and_is_then_granted_to_whoever_overlooks_it(visitor, code):
    set_switch(visitor.kraken.sandbox, "website-preticked", code)
    page = visitor.open(NEW)
    assert {box for box in Permission if "checked" in page.by_id(box)} == {code}
    assert info(visitor.kraken, pair(visitor.create()))["permissions"] == [code]


def test_a_box_that_is_ticked_beforehand_says_nothing_about_a_key_that_there_is(visitor):
    visitor.create(name="bot")
    set_switch(visitor.kraken.sandbox, "website-preticked", "withdraw-funds")
    assert "checked" not in visitor.open(address(visitor, "bot")).by_id("withdraw-funds")


@given(codes=st.sets(st.sampled_from(Permission)))
@settings(max_examples=15, deadline=None)
def test_a_key_has_exactly_the_permissions_that_were_ticked(regular, codes):
    page = regular.create(**dict.fromkeys(codes, "on"))
    assert set(info(regular.kraken, pair(page))["permissions"]) == codes


@pytest.mark.parametrize(
    ("typed", "field", "kept"),
    [
        (
            {"restrict_ip": "on", "ip_allowlist": "203.0.113.10,2001:db8::/32"},
            "ip_allowlist",
            ["203.0.113.10", "2001:db8::/32"],
        ),
        ({"valid_until": "2030-01-01T12:30"}, "valid_until", "1893501000"),
        ({"query_from": "2026-01-01T00:00:01"}, "query_from", "1767225601"),
        ({"query_to": "2026-01-01T00:00"}, "query_to", "1767225600"),
        ({"custom_nonce_window": "on", "nonce_window": "5000"}, "nonce_window", 5000),
    ],
)
def test_each_field_reaches_the_key(visitor, typed, field, kept):
    key = pair(visitor.create(**typed))
    shown = visitor.kraken.signed("GetApiKeyInfo", key, environ={"REMOTE_ADDR": "203.0.113.10"}).result[field]
    assert str(shown) == str(kept)


WRONG = [
    ({"name": ""}, "name", "Give the key a name."),
    ({"name": "  "}, "name", "Give the key a name."),
    ({"name": "x" * 256}, "name", "255 characters are the most"),
    ({"name": "master"}, "name", "Another API key of this account has this name."),
    ({"restrict_ip": "on", "ip_allowlist": "203.0.113.10, home, 1.2.3.4/99"}, "ip_allowlist", "“home” is neither"),
    ({"restrict_ip": "on", "ip_allowlist": "home, 1.2.3.4/99"}, "ip_allowlist", "“1.2.3.4/99” is neither"),
    ({"restrict_ip": "on", "ip_allowlist": "10.0.0.1/8"}, "ip_allowlist", "has host bits set: write 10.0.0.0/8"),
    ({"ip_allowlist": "203.0.113.10"}, "ip_allowlist", "Tick the box above, or empty this field."),
    ({"nonce_window": "5000"}, "nonce_window", "Tick the box above, or empty this field."),
    ({"restrict_ip": "on", "ip_allowlist": " , "}, "ip_allowlist", "needs at least one"),
    ({"valid_until": "2027-01-15T08:00:00"}, "valid_until", "This time is over."),
    ({"valid_until": "soon"}, "valid_until", "“soon” is not a time"),
    ({"query_from": "1960-01-01"}, "query_from", "after 1970."),
    ({"query_from": "2026-01-02", "query_to": "2026-01-01"}, "query_to", "before its start"),
    ({"custom_nonce_window": "on", "nonce_window": ""}, "nonce_window", "a whole number"),
    ({"custom_nonce_window": "on", "nonce_window": "5.5"}, "nonce_window", "a whole number"),
    ({"custom_nonce_window": "on", "nonce_window": "9" * 19}, "nonce_window", "too large"),
    ({"custom_nonce_window": "on", "nonce_window": "9" * 5000}, "nonce_window", "too large"),
]


@pytest.mark.parametrize(("typed", "field", "says"), WRONG)
def test_what_is_wrong_is_said_at_the_top_and_at_its_field(visitor, typed, field, says):
    page = visitor.create(**typed)
    assert page.status == 422
    assert f'<a href="#{field}">' in page.html
    assert page.text.count(says) == 2
    assert page.by_id(field)["aria-invalid"] == "true"
    assert f"{field}-problem" in (page.by_id(field)["aria-describedby"] or "").split()
    assert page.by_id(f"{field}-problem")


def test_what_was_typed_is_kept_when_something_is_wrong(visitor):
    typed = {"name": "bot", "query-funds": "on", "restrict_ip": "on", "ip_allowlist": "home", "nonce_window": "7"}
    kept = visitor.create(**typed).form(NEW).fields
    assert typed.items() <= kept.items()


def test_all_problems_are_said_at_once(visitor):
    page = visitor.create(name="", valid_until="soon")
    assert page.html.count('aria-invalid="true"') == 2


@pytest.mark.parametrize(
    ("switch", "value", "typed", "says"),
    [
        ("website-name-most", "3", {"name": "long"}, "3 characters are the most"),
        ("allowlist-most", "1", {"restrict_ip": "on", "ip_allowlist": "1.2.3.4, 1.2.3.5"}, "1 are the most"),
        ("nonce-window-most", "10", {"custom_nonce_window": "on", "nonce_window": "11"}, "too large"),
        ("keys-per-account", "1", {}, "as many API keys as it may have"),
    ],
)
def test_limits_are_switches(visitor, switch, value, typed, says):
    set_switch(visitor.kraken.sandbox, switch, value)
    page = visitor.create(**({"name": "bot"} | typed))
    assert (page.status, says in page.text) == (422, True)


def test_the_name_that_is_offered_is_free(visitor):
    offered = [visitor.open(NEW).form(NEW).fields["name"] for _ in range(2) if visitor.create()]
    assert offered == [f"api-key-{NOW * 1000 + 1}", f"api-key-{NOW * 1000 + 2}"]


def test_no_name_may_be_offered(visitor):
    set_switch(visitor.kraken.sandbox, "website-name-default", "empty")
    assert visitor.open(NEW).form(NEW).fields["name"] == ""
    assert visitor.create().status == 422


# FIX


def fix_of(visitor: Visitor, name: str) -> str:
    """As the list shows it."""
    card = visitor.open(HOME).html.partition(f"<h2>{name}</h2>")[2]
    return re.findall(r"<dt>FIX permission</dt><dd>(\w+)</dd>", card)[0]


def test_the_fix_permission_is_shown_in_the_list_and_can_be_given_and_taken(visitor):
    visitor.create(name="bot", fix="on")
    assert fix_of(visitor, "bot") == "yes"
    assert "checked" in visitor.open(address(visitor, "bot")).by_id("fix")
    visitor.submit(visitor.open(address(visitor, "bot")))
    assert fix_of(visitor, "bot") == "yes"
    visitor.submit(visitor.open(address(visitor, "bot")), fix=None)
    assert fix_of(visitor, "bot") == "no"


def test_no_answer_of_the_api_tells_of_the_fix_permission(visitor):
    with_fix, without = (info(visitor.kraken, pair(visitor.create(name=name, fix=fix))) for name, fix in FIXES.items())
    assert with_fix.keys() == without.keys()
    assert with_fix["permissions"] == without["permissions"] == []
    assert "fix" not in str(with_fix).replace("with-fix", "").lower()


def test_an_update_by_the_app_that_made_a_key_leaves_its_fix_permission(visitor):
    visitor.kraken.issue("bot")
    visitor.submit(visitor.open(address(visitor, "bot")), fix="on")
    visitor.kraken.keys("PUT", {"api_key_name": "bot", "permissions": {"funds_query": True}})
    assert fix_of(visitor, "bot") == "yes"


# The secret


def test_a_form_makes_one_key_and_shows_its_secret_once(visitor):
    form = visitor.open(NEW)
    first, again = visitor.submit(form, name="one"), visitor.submit(form, name="two")
    assert (first.status, again.status) == (200, 409)
    assert again.values == {}
    assert "<h2>two</h2>" not in visitor.open(HOME).html


def test_a_form_without_its_token_makes_no_key(visitor):
    assert visitor.submit(visitor.open(NEW), form="").status == 400


def test_a_secret_is_in_exactly_one_answer(visitor):
    made = visitor.create(name="bot")
    row = address(visitor, "bot")
    visitor.submit(visitor.open(row), name="bot 2")
    for more in ("", "/revoke", "/2fa"):
        visitor.open(f"{row}{more}")
    visitor.submit(visitor.open(f"{row}/revoke"))
    _, secret = pair(made)
    assert [page for page in visitor.seen if secret in str(page.reply)] == [made]


# Editing and revoking


def test_an_edit_keeps_the_pair_and_shows_in_the_modified_time(visitor):
    key = pair(visitor.create(name="bot", **{"query-funds": "on"}))
    clock.advance(visitor.kraken.sandbox, 60)
    page = visitor.submit(visitor.open(address(visitor, "bot")), **{"query-funds": None, "query-ledger": "on"})
    after = info(visitor.kraken, key)
    assert (after["permissions"], after["modified_time"]) == (["query-ledger"], str(NOW + 60))
    assert "was saved" in page.text


def test_a_key_keeps_its_own_name_but_takes_no_other_keys(visitor):
    visitor.create(name="bot")
    form = visitor.open(address(visitor, "bot"))
    assert [visitor.submit(form).status, visitor.submit(form, name="master").status] == [200, 422]


def test_an_expired_key_can_be_edited_without_being_revived(visitor):
    visitor.create(name="bot", valid_until="2027-01-16T00:00")
    clock.advance(visitor.kraken.sandbox, 2 * 86400)
    visitor.sign_in()
    page = visitor.submit(visitor.open(address(visitor, "bot")), name="old bot")
    assert (page.path, "(expired)" in page.text) == (f"{HOME}?done=saved", True)


def test_an_edit_that_changes_nothing_wished_leaves_a_fast_api_key_as_it_was(visitor):
    visitor.kraken.issue("fast", "funds_query", ip_allowlist=["203.0.113.0/24"], nonce_window=5, valid_until=2**60)
    [before] = visitor.kraken.listed()
    visitor.submit(visitor.open(address(visitor, "fast")))
    [after] = visitor.kraken.listed()
    assert after == before | {"valid_until": 253_402_300_799}  # the last time that a date field can hold


def test_a_fast_api_key_is_listed_with_the_app_that_made_it(visitor):
    visitor.kraken.issue("fast")
    assert "made by the app krakenctl-sandbox" in visitor.open(HOME).text


def test_the_list_tells_of_a_key_what_its_owner_wants_to_know(visitor):
    key = pair(visitor.create(name="bot", valid_until="2030-01-01T00:00", **{"query-funds": "on"}))
    info(visitor.kraken, key)
    text = visitor.open(HOME).text.partition(" bot ")[2]
    for part in (
        key[0],
        "Last used 2027-01-15 08:00:00 UTC",
        "Funds permissions – Query",
        "IP addresses all",
        "Expires 2030-01-01 00:00:00 UTC",
    ):
        assert part in text


def test_revoking_asks_first_and_then_ends_the_key(visitor):
    key = pair(visitor.create(name="bot"))
    asked = visitor.open(address(visitor, "bot", "/revoke"))
    assert info(visitor.kraken, key)
    assert "was revoked" in visitor.submit(asked).text
    assert visitor.kraken.signed("GetApiKeyInfo", key).error == "EAPI:Invalid key"
    assert "<h2>bot</h2>" not in visitor.open(HOME).html


def test_a_revoked_name_is_free_again(visitor):
    visitor.create(name="bot")
    visitor.submit(visitor.open(address(visitor, "bot", "/revoke")))
    assert visitor.create(name="bot").status == 200


wishes = st.builds(
    KeyWish,
    name=printable.filter(str.strip),
    permissions=st.frozensets(st.sampled_from(Permission)),
    ip_allowlist=st.lists(st.ip_addresses().map(str), max_size=4).map(tuple),
    nonce_window=st.integers(0, 2**63 - 1),
    query_from=st.integers(0, NOW),
    query_to=st.just(0) | st.integers(NOW, 253_402_300_799),
    valid_until=st.just(0) | st.integers(NOW + 1, 253_402_300_799),
)


@given(wish=wishes)
def test_what_the_form_shows_of_a_key_is_what_it_reads(regular, wish):
    context = read_context(regular.kraken.sandbox.database.connection())
    assert key_form.read(key_form.shown(wish, fix=False), context, 1) == wish


@given(
    fields=st.dictionaries(
        st.sampled_from(
            ["name", "restrict_ip", "ip_allowlist", "valid_until", "query_from", "query_to", "nonce_window"]
        ),
        printable,
    )
)
@settings(max_examples=40, deadline=None)
def test_whatever_is_typed_is_read_or_explained(regular, fields):
    context = read_context(regular.kraken.sandbox.database.connection())
    assert key_form.read(fields, context, 1)


# Two-factor authentication


def test_a_static_password_is_needed_from_then_on(visitor):
    key = pair(visitor.create(name="bot"))
    page = visitor.submit(visitor.open(address(visitor, "bot", "/2fa")), sort="static", password="correct horse")
    assert "Two-factor authentication a static password" in page.text
    assert visitor.kraken.signed("GetApiKeyInfo", key).error == "EAPI:Invalid signature"
    assert visitor.kraken.signed("GetApiKeyInfo", key, otp="correct horse").result


def test_an_authenticator_app_is_set_up_with_the_secret_that_is_shown(visitor):
    key = pair(visitor.create(name="bot"))
    form = visitor.open(address(visitor, "bot", "/2fa"))
    code = otp.totp(form.forms[-1].fields["secret"], NOW // 30)
    assert "an authenticator app" in visitor.submit(form, sort="totp", code=code).text
    assert visitor.kraken.signed("GetApiKeyInfo", key, otp=code).result


@pytest.mark.parametrize(
    ("typed", "field"), [({"sort": "static", "password": ""}, "password"), ({"sort": "totp", "code": "12345"}, "code")]
)
def test_a_second_factor_that_would_lock_its_owner_out_is_refused(visitor, typed, field):
    form = visitor.open(f"{HOME}/1/2fa")
    page = visitor.submit(form, **typed)
    assert (page.status, page.by_id(field)["aria-invalid"]) == (422, "true")
    assert page.forms[-1].fields["secret"] == form.forms[-1].fields["secret"]


@pytest.mark.parametrize("typed", [{"sort": "sms"}, {"sort": "totp", "secret": "A"}, {"sort": None}])
def test_a_second_factor_that_was_never_offered_is_refused(visitor, typed):
    assert visitor.submit(visitor.open(f"{HOME}/1/2fa"), **typed).status == 400


def test_a_second_factor_can_be_taken_away(visitor):
    key = pair(visitor.create(name="bot"))
    path = address(visitor, "bot", "/2fa")
    visitor.submit(visitor.open(path), sort="static", password="pass")
    visitor.submit(visitor.open(path), sort="none")
    assert info(visitor.kraken, key)


# Connected apps


def test_withdrawing_a_consent_kills_the_apps_tokens(visitor):
    page = visitor.open("/app/settings/apps")
    assert "krakenctl-sandbox" in page.text
    assert "No app has access" in visitor.submit(page).text
    assert visitor.kraken.keys("GET").status == 401


def test_an_app_that_has_no_consent_cannot_lose_one(visitor):
    assert visitor.submit(visitor.open("/app/settings/apps"), client="other").status == 404


# People who do not see or point


LABELLED = {"input", "select", "textarea"}


@pytest.mark.parametrize(
    "path", ["/sign-in", HOME, NEW, f"{HOME}/1", f"{HOME}/1/revoke", f"{HOME}/1/2fa", "/app/settings/apps"]
)
def test_every_page_can_be_read_aloud(visitor, path):
    page = visitor.open(path)
    tags = [tag for tag, _ in page.elements]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    labels = {attributes["for"] for tag, attributes in page.elements if tag == "label"}
    fields = [a for tag, a in page.elements if tag in LABELLED and a.get("type") != "hidden"]
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert page.elements[0] == ("html", {"lang": "en"})
    assert (tags.count("h1"), tags.count("main"), tags.count("title"), "script" in tags) == (1, 1, 1, False)
    assert levels[0] == 1
    assert max(levels) <= 2
    assert len(ids) == len(set(ids))
    assert {field["id"] for field in fields} <= labels
    assert all(described in ids for f in fields for described in (f.get("aria-describedby") or "").split())
