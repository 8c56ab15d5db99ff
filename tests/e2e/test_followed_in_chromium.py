"""What krakenctl prints for a person is followed to the letter in headless Chromium, on the sandbox's website."""

from __future__ import annotations

import re
import shutil
from urllib.parse import urlsplit

import pytest

import followed
from by_hand import a_key, by_hand
from desk import make_desk
from dialogue import Dialogue
from krakenctl.sandbox.server import Server

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to drive")

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
KEY, AGAIN, DELETED = "API key: ", "[n] stop here ", "Is it deleted? [Y/n] "
WHOLE = {
    "ipAllowlist": ["127.0.0.1", "2001:db8::/32"],
    "validFor": "90d",
    "queryWindow": {"from": "2026-01-01", "to": "2026-12-31"},
    "nonceWindow": 5000,
}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield browser
        browser.close()


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


@pytest.fixture
def page(browser, desk):
    """Nobody is logged in."""
    with Server(desk.db) as server, browser.new_context(base_url=server.url, locale="en-GB") as context:
        context.set_default_timeout(10_000)
        yield context.new_page()


def log_in(page, told):
    page.context.clear_cookies()
    page.goto("/")
    page.get_by_label("Account").select_option(told.user)
    page.get_by_role("button", name="Sign in").click()
    page.goto(urlsplit(told.page).path)


def fill(page, told):
    """The whole form, as it is told, whatever it shows now."""
    page.get_by_label("Name").fill(told.name)
    for label, ticked in told.boxes.items():
        name = "WebSocket interface" if label == "On" else label
        words = re.compile(rf"^{re.escape(name)}( sensitive)?$")  # as the form marks two of them
        page.get_by_role("checkbox", name=words).set_checked(ticked)
    page.get_by_label("Restrict to IP addresses").set_checked(bool(told.addresses))
    page.get_by_label("IP addresses", exact=True).fill(told.addresses)
    for label, moment in told.times.items():
        page.get_by_label(label).fill(moment.replace(" ", "T"))
    page.get_by_label("Custom nonce window").set_checked(bool(told.nonce_window))
    page.get_by_label("Nonce window", exact=True).fill(told.nonce_window)


def make(page, told):
    log_in(page, told)
    page.get_by_role("link", name="Create API key").click()
    fill(page, told)
    page.get_by_role("button", name="Generate key").click()
    return page.get_by_label("API key", exact=True).input_value(), page.get_by_label("Private key").input_value()


def opened(desk):
    return Dialogue("-C", desk.root, "apply", "--yes", cwd=desk.root)


def test_a_key_is_made_replaced_and_deleted_as_the_terminal_says(desk, page):
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", "create-ws-token", **WHOLE))
    talk = opened(desk)
    talk.type("\n".join(make(page, followed.read(talk.until(KEY)))))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said

    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-funds", "export-data", ipAllowlist=["127.0.0.1"]))
    talk = opened(desk)
    talk.type("\n".join(make(page, followed.read(talk.until(KEY)))))
    told = followed.read(talk.until(DELETED))
    log_in(page, told)
    page.get_by_role("link", name=f"Revoke {told.name}").click()
    page.get_by_role("button", name="Revoke API key").click()
    assert page.get_by_role("status").inner_text() == "The API key was revoked."
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    assert [name for name in desk.rows() if name.startswith("bot")] == ["bot.a7.g2"]


SLIPS = {
    "withdraw is ticked": lambda page: page.get_by_role("checkbox", name="Withdraw", exact=True).check(),
    "query is left out": lambda page: page.get_by_role("checkbox", name="Query", exact=True).uncheck(),
    "any address": lambda page: page.get_by_label("Restrict to IP addresses").uncheck(),
    "no expiry": lambda page: page.get_by_label("Key expiration").fill(""),
    "another name": lambda page: page.get_by_label("Name").fill("bot"),
}
NAMED = dict(
    zip(
        SLIPS,
        ["it may withdraw-funds", "it lacks query-funds", "it works from", "it expires never", "“bot”"],
        strict=True,
    )
)


def test_slips_in_the_browser_are_named_and_put_right_there(desk, page):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    log_in(page, told)
    page.get_by_role("link", name="Create API key").click()
    key, secret, address = "", "", ""
    for what, slip in SLIPS.items():
        fill(page, told)
        slip(page)
        if "any address" in what:
            page.get_by_label("IP addresses", exact=True).fill("")
        page.get_by_role("button", name="Save API key" if key else "Generate key").click()
        if not key:
            key, secret = (
                page.get_by_label("API key", exact=True).input_value(),
                page.get_by_label("Private key").input_value(),
            )
            talk.type(f"{key}\n{secret}")
        else:
            page.get_by_role("status").wait_for()
            talk.type("y")
        said = " ".join(talk.until(AGAIN).split())
        assert NAMED[what] in said, said
        assert "one thing is not right" in said
        desk.advance(20)
        page.goto(urlsplit(told.page).path)
        page.get_by_role("link", name="Edit bot").click()
        address = page.url
    assert address
    fill(page, told)
    page.get_by_role("button", name="Save API key").click()
    page.get_by_role("status").wait_for()
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
