"""The sandbox's website in headless Chromium: by mouse, by keyboard alone, and as assistive programs see it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from krakenctl.model.permission import Permission
from krakenctl.sandbox import clock
from krakenctl.sandbox.checks import otp
from krakenctl.sandbox.checks.signature import sign
from krakenctl.sandbox.people import seed
from krakenctl.sandbox.server import Server

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to drive")

NOW = 1_800_000_000  # 2027-01-15 08:00 UTC
HOME = "/app/settings/api"
ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
PAGES = ("/sign-in", HOME, f"{HOME}/new", f"{HOME}/1", f"{HOME}/1/revoke", f"{HOME}/1/2fa", "/app/settings/apps")


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    db: Path = tmp_path_factory.mktemp("website") / "sandbox.db"
    seed.seed_account(db, username="acme", email="desk@acme.example")
    clock.freeze(db, NOW)
    with Server(db) as server:
        yield server.url


@pytest.fixture
def stranger(browser, url):
    """A page of a browser in which nobody is signed in."""
    with browser.new_context(base_url=url, locale="en-GB", timezone_id="Asia/Tokyo") as context:
        context.set_default_timeout(5000)
        yield context.new_page()


@pytest.fixture
def page(stranger):
    stranger.goto("/")
    stranger.get_by_label("Account").select_option("acme")
    stranger.get_by_role("button", name="Sign in").click()
    return stranger


def create(page, name: str, *boxes: str) -> tuple[str, str]:
    page.goto(f"{HOME}/new")
    page.get_by_label("Name").fill(name)
    for box in boxes:
        page.get_by_role("checkbox", name=box, exact=True).check()
    page.get_by_role("button", name="Generate key").click()
    return pair(page)


def pair(page) -> tuple[str, str]:
    return page.get_by_label("API key", exact=True).input_value(), page.get_by_label("Private key").input_value()


def call(url: str, key: tuple[str, str], name: str, nonce: int, **given: Any) -> Any:
    """A signed call over HTTP, as a program makes it with a pair that was copied."""
    path, body = f"/0/private/{name}", urlencode({"nonce": nonce} | given).encode()
    headers = {"API-Key": key[0], "API-Sign": sign(key[1], path, str(nonce), body)}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    with urlopen(Request(url + path, body, headers), timeout=10) as answer:
        return json.load(answer)


def test_a_key_made_with_every_field_is_that_key_over_http(page, url):
    page.get_by_role("link", name="Create API key").click()
    page.get_by_label("Name").fill("full")
    for code in Permission:
        page.locator(f"#{code}").check()
    page.get_by_label("Restrict to IP addresses").check()
    page.get_by_label("IP addresses", exact=True).fill("127.0.0.1, 2001:db8::/32")
    page.get_by_label("Key expiration").fill("2030-01-01T12:30")
    page.get_by_label("Query start").fill("2026-01-01T00:00")
    page.get_by_label("Query end").fill("2026-12-31T23:59")
    page.get_by_label("Custom nonce window").check()
    page.get_by_label("Nonce window", exact=True).fill("5000")
    page.get_by_role("button", name="Generate key").click()
    info = call(url, pair(page), "GetApiKeyInfo", 1)["result"]
    shown = {field: info[field] for field in ("api_key_name", "ip_allowlist", "valid_until", "query_from", "query_to")}
    assert set(info["permissions"]) == set(Permission)
    assert shown == {
        "api_key_name": "full",
        "ip_allowlist": ["127.0.0.1", "2001:db8::/32"],
        "valid_until": "1893501000",
        "query_from": "1767225600",
        "query_to": "1798761540",
    }


def test_an_edited_key_may_do_what_it_then_says(page, url):
    key = create(page, "edited", "Query ledger entries")
    assert call(url, key, "Balance", 1)["error"] == ["EGeneral:Permission denied"]
    page.goto(HOME)
    page.get_by_role("link", name="Edit edited").click()
    page.get_by_role("checkbox", name="Query", exact=True).check()
    page.get_by_role("button", name="Save API key").click()
    assert page.get_by_role("status").inner_text() == "The API key was saved."
    assert call(url, key, "Balance", 2)["error"] == []


def test_a_revoked_key_signs_no_more(page, url):
    key = create(page, "doomed")
    page.goto(HOME)
    page.get_by_role("link", name="Revoke doomed").click()
    page.get_by_role("button", name="Revoke API key").click()
    assert page.get_by_role("status").inner_text() == "The API key was revoked."
    assert call(url, key, "GetApiKeyInfo", 1)["error"] == ["EAPI:Invalid key"]


def test_an_authenticator_app_is_set_up_for_a_key(page, url):
    key = create(page, "guarded")
    page.goto(HOME)
    page.get_by_role("link", name="2FA of guarded").click()
    code = otp.totp(page.locator("#totp-secret").inner_text(), NOW // 30)
    page.get_by_label("Authenticator app").check()
    page.get_by_label("Code that the app shows now").fill(code)
    page.get_by_role("button", name="Save").click()
    assert call(url, key, "GetApiKeyInfo", 1)["error"] == ["EAPI:Invalid signature"]
    assert call(url, key, "GetApiKeyInfo", 2, otp=code)["error"] == []


def test_neither_reloading_nor_going_back_shows_the_secret_again(page):
    _, secret = create(page, "once")
    page.reload()
    assert page.get_by_role("heading", level=1).inner_text() == "This form has already made its API key"
    page.go_back()
    assert secret not in page.content()
    page.goto(HOME)
    assert page.get_by_role("heading", name="once", exact=True).count() == 1


def test_signing_out_ends_the_session(page):
    page.get_by_role("button", name="Sign out").click()
    page.goto(HOME)
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"


def test_problems_are_in_focus_and_lead_to_their_fields(page):
    page.goto(f"{HOME}/new")
    page.get_by_label("Name").fill("master")
    page.get_by_role("button", name="Generate key").click()
    page.get_by_role("alert").wait_for()
    page.wait_for_function(
        "document.activeElement.getAttribute('role') === 'alert'"
    )  # a browser gives it in its own time
    page.get_by_role("link", name="Another API key of this account has this name.").click()
    page.wait_for_function("document.activeElement.id === 'name'")
    assert page.title().startswith("Error: ")


def tab_to(page, name: str) -> None:
    """Press Tab until the element of that id, or with that text, has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if name in page.evaluate("[document.activeElement.id, document.activeElement.innerText]"):
            return
    pytest.fail(f"Tab does not reach {name}")


def test_a_key_can_be_made_with_the_keyboard_alone(stranger, url):
    stranger.goto("/")
    for name in ("Skip to the content", "account"):
        tab_to(stranger, name)
    stranger.keyboard.type("acme")
    tab_to(stranger, "Sign in")
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(url + HOME)
    tab_to(stranger, "Create API key")
    stranger.keyboard.press("Enter")
    stranger.wait_for_url(f"{url}{HOME}/new")
    tab_to(stranger, "name")
    stranger.keyboard.press("Control+a")
    stranger.keyboard.type("typed")
    for box in ("query-funds", "restrict_ip"):
        tab_to(stranger, box)
        stranger.keyboard.press("Space")
    tab_to(stranger, "ip_allowlist")
    stranger.keyboard.type("127.0.0.1")
    tab_to(stranger, "valid_until")
    stranger.keyboard.type("01012030123000P")  # P: where the browser wants AM or PM
    tab_to(stranger, "Generate key")
    stranger.keyboard.press("Enter")
    stranger.wait_for_selector("#private-key")
    info = call(url, pair(stranger), "GetApiKeyInfo", 1)["result"]
    assert (info["api_key_name"], info["permissions"], info["ip_allowlist"], info["valid_until"]) == (
        "typed",
        ["query-funds"],
        ["127.0.0.1"],
        "1893501000",
    )


NAMELESS = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a')]
    .filter(e => !(e.labels?.length || e.innerText.trim())).map(e => e.outerHTML)"""


@pytest.mark.parametrize("path", PAGES)
def test_everything_that_can_be_used_has_a_name(page, path):
    page.goto(path)
    assert page.evaluate(NAMELESS) == []
    assert page.get_by_role("main").get_by_role("heading", level=1).count() == 1


FAINT = """() => {
    const numbers = text => text.match(/[\\d.]+/g).map(Number);
    const light = rgb => rgb.slice(0, 3).map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => {
        const colour = e && numbers(getComputedStyle(e).backgroundColor);
        return !e ? [255, 255, 255] : colour[3] === 0 ? behind(e.parentElement) : colour;
    };
    const contrast = e => {
        const [dark, bright] = [light(numbers(getComputedStyle(e).color)), light(behind(e))].sort((a, b) => a - b);
        return (bright + 0.05) / (dark + 0.05);
    };
    return [...document.body.querySelectorAll('*')]
        .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) && contrast(e) < 4.5)
        .map(e => `${contrast(e).toFixed(2)} ${e.outerHTML}`);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_enough_contrast(page, scheme):
    """WCAG 2.2, 1.4.3 at level AA: 4.5 to 1."""
    page.emulate_media(color_scheme=scheme)
    for path in PAGES:
        page.goto(path)
        assert page.evaluate(FAINT) == []
    page.goto(f"{HOME}/new")
    page.get_by_label("Name").fill("master")
    page.get_by_role("button", name="Generate key").click()
    page.get_by_role("alert").wait_for()
    page.wait_for_load_state()
    assert page.evaluate(FAINT) == []


def test_pages_fit_a_window_of_320_pixels(page):
    """WCAG 2.2, 1.4.10: nothing has to be scrolled sideways."""
    page.set_viewport_size({"width": 320, "height": 640})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_no_page_breaks_its_own_policy(page):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for path in PAGES:
        page.goto(path)
    assert [text for text in said if "Content Security Policy" in text] == []
