"""What krakenctl prints for a person is followed to the letter in headless Chromium, on the sandbox's website."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

import followed
from by_hand import a_key, by_hand
from desk import make_desk
from dialogue import Dialogue
from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.sandbox.people import operate
from krakenctl.sandbox.server import Server

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to drive")

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
KEY, AGAIN, DELETED = "API key: ", "[n] stop here ", "Is it deleted? [y/N] "
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
        checkbox(page, label).set_checked(ticked)
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
    return shown(page)


def shown(page):
    """What the page shows once."""
    return page.get_by_label("API key", exact=True).input_value(), page.get_by_label("Private key").input_value()


def second_factor(page, told, password):
    """Of the key that is there; an empty password: none any more."""
    log_in(page, told)
    page.get_by_role("link", name=f"2FA of {told.name}").click()
    page.get_by_label("Static password" if password else "None").check()
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("status").wait_for()


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
    talk.until("Does its program use bot.a7.g2? [y/N] ")
    talk.type("y")
    told = followed.read(talk.until(DELETED))
    log_in(page, told)
    page.get_by_role("link", name=f"Revoke {told.name}").click()
    page.get_by_role("button", name="Revoke API key").click()
    assert page.get_by_role("status").inner_text() == "The API key was revoked."
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said
    assert [name for name in desk.rows() if name.startswith("bot")] == ["bot.a7.g2"]


def checkbox(page, label):
    name = "WebSocket interface" if label == "On" else label
    return page.get_by_role("checkbox", name=re.compile(rf"^{re.escape(name)}( sensitive)?$"))  # as two are marked


def unrestricted(page):
    page.get_by_label("Restrict to IP addresses").uncheck()
    page.get_by_label("IP addresses", exact=True).fill("")


def windowless(page):
    page.get_by_label("Custom nonce window").uncheck()
    page.get_by_label("Nonce window", exact=True).fill("")


def filled(label, text):
    return lambda page: page.get_by_label(label, exact=label in ("IP addresses", "Nonce window")).fill(text)


SLIPS = {  # every field of the form that Kraken tells of, but for the boxes: what is done otherwise, and what is said
    "any address": (unrestricted, "from any address, not from 127.0.0.1"),
    "an address too many": (filled("IP addresses", "127.0.0.1, 2001:db8::/32, 198.51.100.7"), "198.51.100.7"),
    "an address left out": (filled("IP addresses", "127.0.0.1"), "it works from 127.0.0.1, not from"),
    "no expiry": (filled("Key expiration", ""), "it never expires, and should on 20"),
    "another expiry": (filled("Key expiration", "2028-01-01T00:00:00"), "it expires 2028-01-01"),
    "no query start": (filled("Query start", ""), "its query window"),
    "another query start": (filled("Query start", "2026-01-01T00:00:01"), "its query window"),
    "no query end": (filled("Query end", ""), "its query window"),
    "another query end": (filled("Query end", "2027-12-31T00:00:00"), "its query window"),
    "no nonce window": (windowless, "its nonce window is 0, not 5000"),
    "another nonce window": (filled("Nonce window", "500"), "its nonce window is 500, not 5000"),
    "another name": (filled("Name", "bot"), "Kraken calls it “bot”"),
}


def slips(told):
    """By what they are called: what is done otherwise, and what is said of it."""
    for label, ticked in told.boxes.items():
        said = SPELLINGS[followed.code_of(label)].label
        yield f"the box {label}", (lambda page, label=label, on=not ticked: checkbox(page, label).set_checked(on)), said
    yield from ((what, deed, said) for what, (deed, said) in SLIPS.items())


def test_every_single_slip_in_the_browser_is_named_and_put_right_there(desk, page):
    """One after the other in one sitting: each time the key is edited, another field is wrong."""
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    log_in(page, told)
    page.get_by_role("link", name="Create API key").click()
    pair = None
    for what, slip, words in slips(told):
        fill(page, told)
        slip(page)
        if pair is None:
            page.get_by_role("button", name="Generate key").click()
            pair = shown(page)
            talk.type("\n".join(pair))
        else:
            page.get_by_role("button", name="Save API key").click()
            page.get_by_role("status").wait_for()
            talk.type("y")
        said = " ".join(talk.until(AGAIN).split())
        assert words in said, (what, said)
        assert "one thing is not right" in said, (what, said)
        desk.advance(20)
        page.goto(urlsplit(told.page).path)
        page.get_by_role("link", name="Edit bot").click()
    fill(page, told)
    page.get_by_role("button", name="Save API key").click()
    page.get_by_role("status").wait_for()
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


def test_a_key_with_a_second_factor_and_one_of_another_account_are_not_taken(desk, page):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    pair = make(page, told)
    second_factor(page, told, "a static password")
    talk.type("\n".join(pair))
    assert "second factor (2FA)" in " ".join(talk.until(AGAIN).split())
    desk.advance(20)
    second_factor(page, told, "")
    talk.type("k")
    talk.until(KEY)
    talk.type("\n".join(pair))
    assert talk.end()[0] == 0

    operate.make_account(desk.db, "other")
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE), a_key("two"))
    desk.advance(60)
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    talk.type("\n".join(make(page, replace(told, user="other"))))
    assert "it belongs to the account" in " ".join(talk.until(AGAIN).split())
    talk.type("k")
    talk.until(KEY)
    desk.advance(20)
    talk.type("\n".join(make(page, told)))
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


def test_of_the_one_box_that_kraken_does_not_tell_of_the_terminal_warns(desk, page):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    assert "Leave FIX off" in talk.seen
    log_in(page, told)
    page.get_by_role("link", name="Create API key").click()
    fill(page, told)
    on_form = {box.get_attribute("id") for box in page.get_by_role("checkbox").all()}
    assert on_form == {
        *map(str, Permission),
        "fix",
        "restrict_ip",
        "custom_nonce_window",
    }  # a new one needs a slip here
    talk.hang_up()
