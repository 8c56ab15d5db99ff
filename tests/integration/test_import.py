"""krakenctl import, against a served sandbox: keys that a person made become managed as they are."""

from __future__ import annotations

import json
from itertools import count

import jsonschema_rs
import pytest

from bringing import READS, TRADES, Place, killed_at
from krakenctl import schema_files
from krakenctl.model.address import key_address
from krakenctl.pairs import kept
from krakenctl.surfaces.kraken import spot

NUMBERS = count(1)
HERE = "127.0.0.1"
JUDGE = jsonschema_rs.validator_for(schema_files.load("import"))


@pytest.fixture
def make(sandbox):
    """Makes keys on an account of this test's own."""
    name = f"account-{next(NUMBERS)}"
    sandbox.account(name)

    def key(*permissions, **fields):
        return sandbox.key(permissions or READS, **{"account": name} | fields)

    return key


@pytest.fixture
def place(sandbox, tmp_path):
    return Place(sandbox, tmp_path)


def test_keys_from_a_file_become_a_workspace_whose_plan_is_empty(place, make):
    place.hold(KRAKEN_MM=make(*TRADES, name="api-key-1605316109249"), DASH=make(ip_allowlist=[HERE]))
    told = place.brought()
    JUDGE.validate(told)
    assert [key["address"] for key in told["keys"]] == ["ApiKey/main/mm", "ApiKey/main/dash"]
    assert place.changes() == []
    assert "api-key-1605316109249" in {key.live_name for key in place.recorded().keys.values()}


def test_a_new_workspace_is_about_kraken_itself_unless_somebody_says_otherwise(place, make, sandbox, monkeypatch):
    for module in ("ground", "run"):
        monkeypatch.setattr(f"krakenctl.tasks.importing.{module}.KRAKEN", sandbox.url)
    place.hold(A=make()).root.mkdir()
    ran = place.run("import", "--from", place.env)
    assert (ran.code, f"endpoint: {sandbox.url}" in (place.root / "krakenctl.yaml").read_text()) == (0, True), ran.err


def test_what_a_later_key_must_say_for_itself_is_no_default_of_the_account(place, make):
    place.hold(A=make(), B=make()).brought()
    account = place.manifest.split("---")[0]
    assert "any" not in account.split()
    assert "nonce" not in account


def test_the_secret_in_the_store_is_the_keys_own(place, make):
    key = make()
    place.hold(BOT=key).brought()
    pair = kept.of_address(place.root, key_address("main", "bot"), {}, lambda: 0).found.pair
    assert (pair.public_key, pair.secret.reveal()) == (key.public_key, key.secret)


def test_what_several_keys_share_is_written_once(place, make):
    place.hold(A=make(*TRADES, ip_allowlist=[HERE]), B=make(*TRADES, ip_allowlist=[HERE])).brought()
    assert place.manifest.count("PermissionSet") == 1
    assert place.manifest.count("sets: [trader]") == 2
    assert place.manifest.count(f"ipAllowlist: [{HERE}]") == 1


def test_only_what_differs_from_krakens_defaults_is_written(place, make):
    place.hold(A=make()).brought()
    assert not [
        field for field in ("validUntil", "queryWindow", "nonceWindow", "annotations") if field in place.manifest
    ]


def test_every_limit_of_a_key_is_declared(place, make):
    place.hold(
        A=make(valid_until="2040-05-01", query_from="2025-01-01", query_to="2039-01-01", nonce_window=5000)
    ).brought()
    for line in (
        "validUntil: 2040-05-01T00:00:00Z",
        "queryWindow: {from: 2025-01-01T00:00:00Z, to: 2039-01-01T00:00:00Z}",
        "nonceWindow: 5000",
        "ipAllowlist: any",
    ):
        assert line in place.manifest
    assert place.changes() == []


def test_a_comment_says_what_is_wrong_with_a_key(place, make):
    place.hold(A=make("withdraw-funds", "modify-trades")).brought()
    assert "# error withdraw-and-trade: One key may withdraw and trade" in place.manifest


def test_a_name_on_kraken_can_be_anything(place, make):
    odd = 'two "words"\\ # {x}: é'
    place.hold(KRAKEN=make(name=odd)).brought()
    assert place.changes() == []
    assert [key.live_name for key in place.recorded().keys.values()] == [odd]


def test_keys_of_two_accounts_become_two_accounts(place, make, sandbox):
    sandbox.account(other := f"account-{next(NUMBERS)}")
    place.hold(A=make(), B=make(account=other)).brought()
    assert sorted(place.recorded().accounts) == ["main", "main-2"]
    assert len({account.iiban for account in place.recorded().accounts.values()}) == 2
    assert place.changes() == []


def test_a_dry_run_shows_the_manifest_and_writes_nothing(place, make):
    key = make()
    told = place.hold(A=key).bring("--dry-run")
    assert told.code == 0
    assert "kind: ApiKey" in told.out
    assert key.secret not in told.out + told.err
    assert place.files() == {}


def test_a_second_import_skips_what_is_managed_and_changes_no_file(place, make):
    place.hold(A=make()).brought()
    before = place.files()
    told = place.bring()
    assert (told.code, place.files()) == (0, before)
    assert "managed here already, as ApiKey/main/a" in told.out


def test_a_later_key_gets_a_manifest_of_its_own(place, make):
    first = make()
    place.hold(A=first).brought()
    before = place.files()
    told = place.hold(A=first, B=make()).brought()
    assert [file["path"] for file in told["files"]] == ["manifests/imported-2.yaml"]
    assert {path: before[path] for path in before if path.startswith("manifests")}.items() <= place.files().items()
    assert place.changes() == []


def test_two_keys_that_want_one_name_get_two(place, make):
    first = make()
    place.hold(BOT=first).brought()
    told = place.hold(KRAKEN_BOT=make()).brought()
    assert [key["address"] for key in told["keys"]] == ["ApiKey/main/bot-2"]
    assert place.changes() == []


def test_a_key_that_does_not_answer_takes_no_other_with_it(place, make, sandbox):
    gone = make()
    sandbox.revoke(gone.name, account=f"account-{next(NUMBERS) - 1}")
    told = place.hold(GONE=gone, GOOD=make()).brought()
    assert [one["label"] for one in told["leftOut"]] == ["GONE"]
    assert [key["address"] for key in told["keys"]] == ["ApiKey/main/good"]


def test_nothing_is_made_where_no_key_can_be_imported(place, make, sandbox):
    gone = make()
    sandbox.revoke(gone.name, account=f"account-{next(NUMBERS) - 1}")
    told = place.hold(GONE=gone).bring()
    assert told.code == 1
    assert "Nothing was imported" in told.out
    assert place.files() == {}


def test_half_a_pair_is_told_and_the_rest_is_imported(place, make):
    place.hold(A=make())
    lone = make()
    place.env.write_text(place.env.read_text() + f"KRAKEN_B_API_KEY={lone.public_key}\n")
    told = place.brought()
    assert [finding["rule"] for finding in told["findings"]] == ["half-a-pair"]
    assert len(told["keys"]) == 1


def test_an_existing_account_takes_the_keys(place, make):
    first = make()
    place.hold(A=first).brought("--account", "desk")
    told = place.hold(B=make()).brought("--account", "desk")
    assert [key["address"] for key in told["keys"]] == ["ApiKey/desk/b"]
    assert place.changes() == []


def test_an_account_that_is_another_one_is_refused(place, make, sandbox):
    sandbox.account(other := f"account-{next(NUMBERS)}")
    place.hold(A=make()).brought("--account", "desk")
    before = place.files()
    told = place.hold(B=make(account=other)).bring("--account", "desk")
    assert (told.code, place.files()) == (64, before)


def test_a_key_beyond_its_accounts_ceiling_is_left_out_and_told(place, make):
    place.hold(A=make()).brought()
    text = place.manifest.replace(
        "  surface: website\n", "  surface: website\n  permissions: {deny: [withdraw-funds]}\n"
    )
    (place.root / "manifests/imported.yaml").write_text(text)
    told = place.hold(W=make("withdraw-funds"), B=make()).brought()
    assert [one["label"] for one in told["leftOut"]] == ["W"]
    assert [key["label"] for key in told["keys"]] == ["B"]
    assert place.changes() == []


def test_manifests_with_mistakes_are_left_alone(place, make):
    place.hold(A=make()).brought()
    (place.root / "manifests/more.yaml").write_text("kind: nonsense\n")
    before = place.files()
    told = place.hold(B=make()).bring()
    assert (told.code, place.files()) == (1, before)


def test_a_manifest_that_nobody_would_read_is_not_written(place, make):
    told = place.hold(A=make()).bring("--out", "elsewhere")
    assert told.code == 64
    assert "--out" in told.err
    assert place.files() == {}


def test_no_secret_is_said_or_kept_outside_the_store(place, make):
    key = make()
    told = place.hold(A=key).bring("-o", "json")
    assert key.secret not in told.out + told.err
    assert not [path for path, content in place.files().items() if key.secret.encode() in content]


def test_each_import_is_in_the_audit_log(place, make):
    told = place.hold(A=make()).brought()
    log = map(json.loads, place.run("log", "-o", "json").out.splitlines())
    assert [(line["verb"], line["outcome"], line["address"]) for line in log] == [("import", "done", "ApiKey/main/a")]
    assert place.run("log", "verify", "--head", told["logHead"]).code == 0


@pytest.mark.parametrize("label", ["B", ""], ids=["named", "the only one"])
def test_a_key_is_imported_under_the_address_that_somebody_gives(place, make, label):
    keys = {"A": make(), "B": make()} if label else {"B": make()}
    told = place.hold(**keys).brought("--to", f"ApiKey/desk/mm-btc={label}" if label else "ApiKey/desk/mm-btc")
    assert [(key["address"], key["label"]) for key in told["keys"]] == [("ApiKey/desk/mm-btc", "B")]
    assert place.changes() == []


def test_an_address_that_is_declared_and_has_no_key_takes_the_one_that_is_imported(place, make):
    """As `terraform import` does: what it is was written first."""
    place.hold(A=make()).brought()
    document = """
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {name: mine}
spec:
  account: main
  grants: {permissions: [query-funds]}
  ipAllowlist: any
  secret: {path: my/own/place}
"""
    (place.root / "manifests/mine.yaml").write_text(document)
    told = place.hold(B=make("query-funds")).brought("--to", "ApiKey/main/mine")
    assert ([key["path"] for key in told["keys"]], told["files"]) == (["my/own/place"], [])
    assert place.changes() == []


def test_a_declared_address_whose_key_is_another_one_is_left_out_and_told(place, make):
    place.hold(A=make()).brought()
    told = place.hold(B=make()).bring("--to", "ApiKey/main/a", "-o", "json")
    assert (told.code, "another key here already" in told.json["leftOut"][0]["why"]) == (1, True)


@pytest.mark.parametrize(
    "to",
    [
        ["ApiKey/main/x=NOBODY"],
        ["ApiKey/main/x"],
        ["Account/main"],
        ["x=A"],
        ["ApiKey/main/x=A", "ApiKey/main/y=A"],
        ["ApiKey/main/x=A", "ApiKey/main/x=B"],
        ["ApiKey/main/x=A", "ApiKey/other/y=B"],
    ],
    ids=" ".join,
)
def test_addresses_that_do_not_fit_the_keys_are_refused_before_anything_is_made(place, make, to):
    place.hold(A=make(), B=make())
    ran = place.bring(*(word for one in to for word in ("--to", one)))
    assert (ran.code, place.files()) == (64, {}), ran.out + ran.err


def test_a_key_with_a_second_factor_is_left_out_until_that_is_given(place, make, monkeypatch):
    place.hold(A=make(otp="open sesame"))
    left = place.bring("-o", "json")
    assert (left.code, "--otp" in left.json["leftOut"][0]["hint"]) == (1, True)
    monkeypatch.setenv("MY_OTP", "open sesame")
    told = place.brought("--otp-env", "MY_OTP")
    JUDGE.validate(told)
    assert [key["secondFactor"] for key in told["keys"]] == [True]
    assert "2FA" in place.manifest
    assert "sesame" not in place.manifest


def test_a_key_with_a_second_factor_is_never_asked_by_itself(place, make, monkeypatch):
    monkeypatch.setenv("MY_OTP", "open sesame")
    place.hold(A=make(otp="open sesame")).brought("--otp-env", "MY_OTP")
    asked = []
    monkeypatch.setattr(spot, "send", lambda *call, **_: asked.append(call))
    assert place.changes() == []
    assert "nothing was compared" in place.run("verify").out
    assert asked == []


def test_a_second_factor_is_one_keys(place, make, monkeypatch):
    monkeypatch.setenv("MY_OTP", "open sesame")
    ran = place.hold(A=make(), B=make()).bring("--otp-env", "MY_OTP")
    assert (ran.code, "--to" in ran.err) == (64, True)


@pytest.mark.parametrize("source", ["store", "main"])
def test_a_store_without_a_place_in_it_says_how_to_write_that(place, make, source):
    place.hold(A=make()).brought()
    ran = place.run("import", "--from", source)
    assert (ran.code, "--from main:bots/mm-btc" in ran.err) == (64, True)


_PLACES = [
    ('run, "tenure"', 0),
    ('AgeStore, "prove_writable"', 0),
    ('AgeStore, "put"', 0),
    ('AgeStore, "put"', 1),
    ('writing, "_put_manifest"', 0),
    ('writing, "put_on_record"', 0),
    ('SqlState, "promote"', 0),
    ('SqlState, "promote"', 1),
    ('SqlState, "hear"', 1),
]


@pytest.mark.parametrize(("where", "times"), _PLACES)
def test_an_import_that_was_killed_is_finished_by_the_next_one(place, make, where, times):
    place.hold(A=make(*TRADES), B=make(*TRADES), C=make())
    place.root.mkdir()
    killed_at(where, times, "-C", place.root, "import", "--from", place.env, "--endpoint", place.sandbox.url)
    _told_what_to_do(place)
    told = place.bring()
    assert told.code == 0, told.out + told.err
    assert sorted(map(str, place.recorded().keys)) == ["ApiKey/main/a", "ApiKey/main/b", "ApiKey/main/c"]
    assert place.changes() == []
    assert [path for path in place.files() if path.startswith("manifests")] == ["manifests/imported.yaml"]


def _told_what_to_do(place):
    """Nothing would be made beside a key that is there; each is named, with the way to finish the import."""
    if not (place.root / "manifests/imported.yaml").exists():
        return
    changes = place.changes()
    assert {change["action"] for change in changes} <= {"blocked"}
    assert all("same `krakenctl import` again" in change["reasons"][0] for change in changes)


def test_an_apply_makes_no_second_key_beside_one_whose_import_was_interrupted(place, make, sandbox):
    place.hold(A=make(name="the-one")).root.mkdir()
    killed_at('writing, "put_on_record"', 0, "-C", place.root, "import", "--from", place.env, "--endpoint", sandbox.url)
    ran = place.run("apply", "--yes")
    assert (ran.code, "the-one" in ran.out + ran.err) == (8, True), ran.out + ran.err
    assert not place.recorded().intents
    assert place.bring().code == 0
    assert place.changes() == []


def test_what_an_interrupted_import_has_declared_is_not_imported_under_another_name_too(place, make, sandbox):
    place.hold(A=make()).root.mkdir()
    killed_at('writing, "put_on_record"', 0, "-C", place.root, "import", "--from", place.env, "--endpoint", sandbox.url)
    ran = place.bring("--to", "ApiKey/main/other=A")
    assert (ran.code, "has declared it as ApiKey/main/a" in " ".join(ran.out.split())) == (1, True), ran.out
    assert place.bring("--to", "ApiKey/main/a=A").code == 0
    assert place.changes() == []


def test_a_host_that_cannot_read_the_store_makes_no_second_key_either(place, make, sandbox):
    place.hold(A=make()).root.mkdir()
    killed_at('writing, "put_on_record"', 0, "-C", place.root, "import", "--from", place.env, "--endpoint", sandbox.url)
    (place.root / ".krakenctl/identity.txt").unlink()
    assert [change["action"] for change in place.changes()] == ["blocked"]


def test_a_key_that_is_to_be_another_after_all_is_made_once_the_secret_is_gone(place, make, sandbox):
    place.hold(A=make()).root.mkdir()
    killed_at('writing, "put_on_record"', 0, "-C", place.root, "import", "--from", place.env, "--endpoint", sandbox.url)
    (place.root / "secrets/main/a/current.age").unlink()
    assert [change["action"] for change in place.changes()] == ["create"]


def test_what_an_account_gives_its_keys_is_taken_back_from_a_key_that_has_none(place, make):
    place.hold(A=make(nonce_window=5000, ip_allowlist=[HERE]), B=make(nonce_window=5000, ip_allowlist=[HERE])).brought()
    assert "nonceWindow: 5000" in place.manifest.split("---")[0]
    place.hold(C=make(nonce_window=0)).brought()
    assert "nonceWindow: 0" in (place.root / "manifests/imported-2.yaml").read_text()
    assert place.changes() == []


def test_keys_of_several_accounts_get_the_names_that_somebody_wants_at_once(place, make, sandbox):
    sandbox.account(other := f"account-{next(NUMBERS)}")
    place.hold(A=make(), B=make(account=other))
    refused = place.bring("--account", "desk")
    assert (refused.code, "--to ApiKey/ACCOUNT/KEY=LABEL" in refused.err) == (64, True)
    place.brought("--to", "ApiKey/desk/a=A", "--to", "ApiKey/fund/b=B")
    assert sorted(place.recorded().accounts) == ["desk", "fund"]
    assert place.changes() == []


def test_a_manifest_says_how_its_keys_are_renamed(place, make):
    place.hold(A=make()).brought()
    file = place.root / "manifests/imported.yaml"
    assert "formerly" in place.manifest
    renamed = place.manifest.replace("{name: a}", "{name: b, formerly: [a]}")
    file.write_text(renamed.replace("  account: main", "  account: main\n  secret: {path: main/a}"))
    assert [(change["action"], change["steps"]) for change in place.changes()] == [("update", [])]


def test_what_somebody_has_said_is_no_guess(place, make):
    [key] = place.hold(A=make()).brought("--nonce", "ms")["keys"]
    assert "consumer: {nonce: ms}\n" in place.manifest
    assert "guessedNonce" not in key


def test_what_nobody_has_said_is_told_to_be_a_guess(place, make):
    ran = place.hold(A=make()).bring("--dry-run")
    assert "consumer.nonce is a guess: s for a." in " ".join(ran.out.split()), ran.out + ran.err
    told = place.brought()
    JUDGE.validate(told)
    assert [key["guessedNonce"] for key in told["keys"]] == ["s"]


def test_a_source_in_the_workspace_stays_out_of_git(place, make):
    place.hold(A=make()).brought()
    assert ".env" in (place.root / ".gitignore").read_text().splitlines()


def test_a_workspace_about_kraken_itself_speaks_of_no_sandbox(place, make):
    place.hold(A=make()).brought()
    assert "sandbox" not in (place.root / "krakenctl.yaml").read_text()


def test_without_a_workspace_whoever_has_keys_is_told_of_import(place):
    place.root.mkdir()
    assert "krakenctl import --from .env" in place.run("plan").err
