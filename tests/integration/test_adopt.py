"""krakenctl import --from connect: keys that Kraken lists become managed without their secrets; and at a terminal."""

from __future__ import annotations

import shutil

import pytest

import desk as d
from bringing import Place
from dialogue import Dialogue
from krakenctl.model.address import key_address
from krakenctl.sandbox.people import operate
from krakenctl.testing.sandbox import served

CONNECT = ("import", "--from", "connect", "-o", "json")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A workspace that knows nothing of the keys that another one has made with the same client."""
    d.stop_time(monkeypatch)
    desk = d.make_desk(tmp_path / "acme")
    desk.declare(d.account(), d.key("bot", "query-funds", "modify-trades"), d.key("dash", "query-ledger"))
    desk.applied()
    for file in desk.root.glob(".krakenctl/state.db*"):
        file.unlink()
    shutil.rmtree(desk.root / "secrets")
    desk.settings(tag="b9")
    desk.declare(d.account())
    return desk


@pytest.fixture
def adopted(desk):
    ran = desk.run(*CONNECT)
    assert ran.code == 0, ran.out + ran.err
    return desk


def test_listed_keys_are_adopted_and_the_plan_is_empty(adopted):
    assert adopted.changes() == {}
    assert {key.live_name for key in adopted.recorded().keys.values()} == {"bot.a7.g1", "dash.a7.g1"}
    assert adopted.slots() == []


def test_adopting_makes_nothing_on_the_exchange(desk):
    before = desk.rows()
    desk.run(*CONNECT)
    assert desk.rows() == before


def test_that_their_secrets_are_elsewhere_is_noted_once_and_is_no_warning(adopted):
    findings = adopted.plan()["findings"]
    assert [finding["severity"] for finding in findings if finding["rule"] == "secret-elsewhere"] == ["note"]
    assert "secret-missing" not in [finding["rule"] for finding in findings]
    assert "no secret here" in adopted.run("state", "list").out


def test_the_first_change_replaces_an_adopted_key(adopted):
    text = (adopted.root / "manifests/imported.yaml").read_text()
    grants = "  grants:\n    permissions: [query-ledger]\n"
    (adopted.root / "manifests/imported.yaml").write_text(text.replace(grants, f"{grants}  nonceWindow: 7\n"))
    assert adopted.changes() == {"ApiKey/acme/dash": "replace"}
    adopted.applied()
    key = adopted.recorded().keys[key_address("acme", "dash")]
    assert (key.live_name, key.without_secret) == ("dash.b9.g1", False)
    assert adopted.signs(adopted.entry("acme/dash")) is not None
    assert adopted.changes() == {}


def test_adopting_again_finds_nothing_new(adopted):
    ran = adopted.run(*CONNECT)
    assert (ran.code, ran.json["keys"], ran.json["files"]) == (0, [], [])


def test_a_dry_run_remembers_nothing(desk):
    ran = desk.run(*CONNECT, "--dry-run")
    assert len(ran.json["keys"]) == 2
    assert not desk.state_path.exists()


def test_where_nothing_is_listed_the_way_to_import_is_told(desk):
    desk.declare(d.account(surface="website"))
    ran = desk.run("import", "--from", "connect")
    assert ran.code == 64
    assert "--from FILE" in ran.err


def test_a_key_made_by_hand_is_no_key_of_an_account_on_connect(desk):
    made = operate.make_key(desk.db, "acme", "by-hand", ["query-ledger"])
    env = desk.root / "keys.env"
    env.write_text(f"KRAKEN_API_KEY={made['apiKey']}\nKRAKEN_API_SECRET={made['secret']}\n")
    ran = desk.run("import", "--from", env, "--account", "acme", "-o", "json")
    assert ran.code == 1
    assert "does not list it" in ran.json["leftOut"][0]["why"]


def test_a_person_types_key_after_key(tmp_path):
    with served(tmp_path / "sandbox.db") as sandbox:
        key = sandbox.key(["query-ledger"], name="bot")
        place = Place(sandbox, tmp_path)
        place.root.mkdir()
        talk = Dialogue("import", "--interactive", "--endpoint", sandbox.url, cwd=place.root)
        for prompt, answer in (("API key", key.public_key), ("Private key", key.secret), ("API key", "")):
            talk.until(f"{prompt} (not shown): ")
            talk.type(answer)
        code, said = talk.end()
        assert code == 0, said
        assert key.secret not in talk.seen
        assert "ApiKey/main/bot" in said
        assert place.changes() == []
