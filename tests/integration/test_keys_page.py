"""Where people are sent to make and delete keys: the website of the Kraken that is asked, never another one's."""

from __future__ import annotations

import urllib.request

import pytest

from by_hand import a_key, by_hand
from desk import Desk, make_desk
from krakenctl.model.page import in_words, keys_page
from krakenctl.sandbox.server import Server

REAL = "https://pro.kraken.com/app/settings/api"


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path / "acme")


@pytest.mark.parametrize("endpoint", ["https://api.kraken.com", "https://API.kraken.com:443"])
def test_keys_of_the_real_kraken_are_made_on_its_website(endpoint):
    assert in_words(keys_page(endpoint)) == REAL


@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:8080", "https://sandbox.example/kraken", "https://api.kraken.com.example"]
)
def test_keys_of_another_kraken_are_made_on_its_own_website(endpoint):
    assert in_words(keys_page(endpoint)) == f"{endpoint}/app/settings/api"


def test_who_rehearses_on_a_served_sandbox_is_sent_to_its_page_and_nowhere_else(desk: Desk, tmp_path):
    desk.declare(by_hand(), a_key())
    steps = tmp_path / "steps.md"
    with Server(desk.db) as server:
        desk.settings(endpoint=server.url)
        assert desk.run("apply", "--runbook", steps).code == 8
        page = f"{server.url}/app/settings/api"
        assert f"\n      {page}\n" in steps.read_text()
        with urllib.request.urlopen(page) as opened:
            assert opened.status == 200
    assert "kraken.com" not in steps.read_text()


def test_who_rehearses_on_the_embedded_sandbox_is_told_how_to_reach_its_page(desk: Desk, tmp_path):
    desk.declare(by_hand(), a_key())
    steps = tmp_path / "steps.md"
    assert desk.run("apply", "--runbook", steps).code == 8
    told = steps.read_text()
    assert "its website is where “krakenctl sandbox serve” says" in told
    assert "\n      /app/settings/api\n" in told
    assert "kraken.com" not in told
