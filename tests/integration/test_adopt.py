"""krakenctl import --from connect: keys that Kraken lists become managed without their secrets; and at a terminal."""

from __future__ import annotations

import shutil

import pytest

import desk as d
from bringing import Place, killed_at
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


def by_hand(desk, name):
    """A key that a person has made on the account, and that Kraken lists all the same."""
    desk.declare(d.account(keyDefaults={}))
    desk.switch("list-coverage", "all")
    return operate.make_key(desk.db, "acme", name, ["query-ledger"])


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


def test_doctor_counts_them_and_calls_their_secrets_no_problem(adopted):
    ran = adopted.run("doctor")
    assert (ran.code, "✓ secrets main: 2 keys were adopted without their secrets" in words(ran)) == (0, True), ran.out
    manifest = adopted.root / "manifests/imported.yaml"
    manifest.write_text(manifest.read_text().replace("[query-ledger]", "[query-funds]"))
    ran = adopted.applied().run("doctor")
    told = "1 secret is there, and the one of dash.b9.g1 can be read; 1 key was adopted without its secret"
    assert (ran.code, told in words(ran)) == (0, True), ran.out


def words(ran):
    return " ".join(ran.out.split())


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


def test_that_its_secret_is_elsewhere_is_a_note_and_no_drift(adopted):
    ran = adopted.run("drift", "-o", "json")
    assert (ran.code, ran.json["drifts"], ran.json["adopted"]) == (0, [], ["bot.a7.g1", "dash.a7.g1"])
    assert "dopted without their secrets" in adopted.run("drift").out


def test_verify_goes_by_the_list_and_says_that_its_pair_is_not_here(adopted):
    ran = adopted.run("verify", "-o", "json")
    assert ran.code == 0
    assert {
        (key["verdict"], key["asked"], "adopted without its secret" in key["unasked"]) for key in ran.json["keys"]
    } == {("listed", False, True)}


@pytest.mark.parametrize(
    ("command", "code"), [(("exec", "ApiKey/acme/dash", "--", "true"), 1), (("attest", "ApiKey/acme/dash"), 64)]
)
def test_what_needs_its_secret_says_that_it_was_never_here(adopted, command, code):
    ran = adopted.run(*command)
    assert (ran.code, "adopted without its secret" in ran.err) == (code, True)


def test_inspect_says_that_its_secret_was_never_here(adopted):
    assert "adopted without its secret" in adopted.run("inspect", "ApiKey/acme/dash").err


def test_a_rebuilt_state_keeps_it(adopted):
    before = adopted.recorded().keys
    ran = adopted.run("state", "rebuild", "--replace", "--without-secrets", "--yes")
    assert ran.code == 0, ran.out + ran.err
    assert adopted.recorded().keys == before
    assert adopted.changes() == {}


def test_the_kill_switch_revokes_it_like_any_other(adopted):
    ran = adopted.run("revoke", "ApiKey/acme/dash", "--yes", "--reason", "a test")
    assert ran.code == 0, ran.out + ran.err
    assert "dash.a7.g1" not in adopted.rows()


def test_adopting_again_finds_nothing_new(adopted):
    ran = adopted.run(*CONNECT)
    assert (ran.code, ran.json["keys"], ran.json["files"]) == (0, [], [])


@pytest.mark.parametrize(
    ("where", "times"), [('writing, "_put_manifest"', 0), ('writing, "put_on_record"', 0), ('SqlState, "promote"', 1)]
)
def test_an_adoption_that_was_killed_is_finished_by_the_next_one(desk, where, times):
    before = desk.rows()
    killed_at(where, times, "-C", desk.root, *CONNECT)
    assert "revoke" not in desk.changes().values()  # nothing is recorded that is not declared
    if desk.changes():
        assert "`krakenctl import --from connect` brings it under management" in " ".join(desk.run("plan").out.split())
    assert desk.run(*CONNECT).code == 0
    assert sorted(map(str, desk.recorded().keys)) == ["ApiKey/acme/bot", "ApiKey/acme/dash"]
    assert (desk.changes(), desk.rows()) == ({}, before)


def test_a_name_that_no_address_can_spell_is_given_one(desk):
    by_hand(desk, "Ω")
    ran = desk.run(*CONNECT, "--to", "ApiKey/acme/omega=Ω")
    assert [(key["address"], key["name"]) for key in ran.json["keys"]] == [("ApiKey/acme/omega", "Ω")], ran.out
    assert desk.changes() == {}


def test_a_key_that_kraken_does_not_list_is_told(desk):
    ran = desk.run(*CONNECT, "--to", "ApiKey/acme/x=nobody")
    assert (ran.code, "“nobody”" in ran.out + ran.err) == (64, True)


def test_an_adopted_key_is_given_its_secret_by_another_import(desk):
    made = by_hand(desk, "mine")
    desk.run(*CONNECT, "--to", "ApiKey/acme/mine=mine")
    env, before = desk.root / "keys.env", sorted((desk.root / "manifests").iterdir())
    env.write_text(f"KRAKEN_API_KEY={made['apiKey']}\nKRAKEN_API_SECRET={made['secret']}\n")
    ran = desk.run("import", "--from", env, "-o", "json")
    assert ([key["address"] for key in ran.json["keys"]], ran.json["files"]) == (["ApiKey/acme/mine"], []), ran.out
    key = desk.recorded().keys[key_address("acme", "mine")]
    assert (key.without_secret, key.public_key, key.live_name) == (False, made["apiKey"], "mine")
    assert desk.entry("acme/mine").secret.reveal() == made["secret"]
    assert sorted((desk.root / "manifests").iterdir()) == before
    assert desk.changes() == {}


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
