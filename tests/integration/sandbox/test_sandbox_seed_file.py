"""`krakenctl sandbox seed FILE`: what it prints, and that each mistake is told where it is written."""

from __future__ import annotations

from pathlib import Path

import jsonschema_rs
import pytest

from krakenctl import schema_files
from running import ROOT, Ran, krakenctl

EXAMPLE = ROOT / "examples/sandbox/seed.yaml"
HEAD = "apiVersion: krakenctl/v1\nkind: SandboxSeed\nspec:\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seed(folder: Path, text: str, *more: str) -> Ran:
    (folder / "seed.yaml").write_text(text)
    return krakenctl("sandbox", "seed", "seed.yaml", "--db", "s.db", *more)


def findings(ran: Ran) -> list[tuple[str, int, int, str]]:
    assert ran.code == 1, ran
    return [(f["file"], f.get("line", 0), f.get("column", 0), f["rule"]) for f in ran.json["findings"]]


def test_the_example_is_sown_and_told_as_its_schema_says(folder: Path) -> None:
    judge = jsonschema_rs.validator_for(schema_files.load("sandbox-seed"))
    for made in (True, False):
        ran = krakenctl("sandbox", "seed", EXAMPLE, "--db", "s.db", "-o", "json")
        assert ran.code == 0, ran
        assert not list(judge.iter_errors(ran.json))
        assert [account["made"] for account in ran.json["accounts"]] == [made, made]


def test_the_text_shows_each_secret_once(folder: Path) -> None:
    told = krakenctl("sandbox", "seed", EXAMPLE, "--db", "s.db").out
    assert "\naccount acme (AA12 N84G EXAM PLE1)\n  key bot\n    API key  " in told
    assert told.count("    secret ") == 5
    assert "sub-account of acme" in told
    assert "    secret " not in krakenctl("sandbox", "seed", EXAMPLE, "--db", "s.db").out


def test_a_seed_of_settings_alone_tells_what_was_set(folder: Path) -> None:
    text = HEAD + "  clock: 2027-01-15\n  switches: {tier: starter}\n  faults: [{kind: cut}]\n"
    assert seed(folder, text).out.splitlines() == [
        "clock 2027-01-15T00:00:00Z, frozen",
        "switch tier=starter (before: pro)",
        "fault 1: cut",
    ]
    assert "all of it was there" in seed(folder, text).out
    assert seed(folder, HEAD + "  {}\n").out == "The seed declares nothing.\n"


def test_a_hint_ends_once(folder: Path) -> None:
    assert seed(folder, HEAD + "  faults: [{kind: clock-jmp}]\n").err.count("?") == 1


def test_what_was_made_can_be_used_with_the_other_commands(folder: Path) -> None:
    krakenctl("sandbox", "seed", EXAMPLE, "--db", "s.db")
    rows = krakenctl("sandbox", "key", "list", "--db", "s.db", "-o", "json").json
    assert "maker" in str(rows)


def test_without_a_file_of_its_own_the_workspaces_sandbox_is_meant(workspace: Path, folder: Path) -> None:
    (folder / "seed.yaml").write_text(HEAD + "  accounts: [{username: beta}]\n")
    told = krakenctl("-C", workspace, "sandbox", "seed", folder / "seed.yaml", "-o", "json").json
    assert told["db"] == str(workspace / ".krakenctl/sandbox.db")


@pytest.mark.parametrize(
    ("spec", "line", "column", "rule", "said"),
    [
        ("  acounts: []\n", 4, 3, "unknown-field", "did you mean “accounts”"),
        ("  accounts:\n    - username: a\n      tier: pr\n", 6, 13, "unknown-value", "did you mean “pro”"),
        (
            "  accounts:\n    - username: a\n      keys: [{name: k, permissions: [query-fund]}]\n",
            6, 38, "unknown-permission", "did you mean “query-funds”",
        ),
        ("  accounts:\n    - username: a\n      balances: {XBT: one}\n", 6, 23, "bad-value", "written in digits"),
        ("  accounts:\n    - email: a@b.example\n", 5, 7, "missing-field", "username"),
        ("  accounts:\n", 4, 12, "null-value", "null"),
        ("  switches: {teir: pro}\n", 4, 20, "bad-seed", "did you mean tier"),
        ("  faults: [{kind: answer-lots}]\n", 4, 12, "bad-seed", "did you mean answer-lost"),
        ("  clock: 2027-02-30\n", 4, 10, "bad-seed", "no day"),
        (
            "  accounts:\n    - username: a\n      orders:\n        - {pair: XBTUSDD, type: buy, ordertype: market,"
            " volume: '1'}\n",
            7, 11, "bad-seed", "EQuery:Unknown asset pair",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_where_it_is_written(
    folder: Path, spec: str, line: int, column: int, rule: str, said: str
) -> None:
    ran = seed(folder, HEAD + spec, "-o", "json")
    assert findings(ran) == [("seed.yaml", line, column, rule)]
    [finding] = ran.json["findings"]
    assert said in finding["message"] + finding.get("hint", "")


def test_a_person_is_told_every_mistake_and_what_to_do(folder: Path) -> None:
    ran = seed(folder, HEAD + "  switches: {teir: pro}\n  faults: [{kind: cutt}]\n")
    assert "seed.yaml:4:20" in ran.err
    assert "seed.yaml:5:12" in ran.err
    assert "2 mistakes in seed.yaml" in ran.err
    assert "seed again" in ran.err


def test_a_file_with_a_mistake_makes_no_account(folder: Path) -> None:
    seed(folder, HEAD + "  accounts: [{username: a}]\n  switches: {teir: pro}\n")
    assert seed(folder, HEAD + "  accounts: [{username: a}]\n", "-o", "json").json["accounts"][0]["made"]


def test_a_secret_in_the_file_is_in_no_message(folder: Path) -> None:
    secret = "c2VjcmV0" * 8
    for field in (f"secret: '{secret}!'", f"secrett: {secret}", f"secret: {secret}", f"otp: [{secret}]"):
        spec = f"  accounts:\n    - username: a\n      keys: [{{name: k, permissions: [], {field}}}]\n"
        for output in ("text", "json"):
            ran = seed(folder, HEAD + spec, "-o", output)
            assert ran.code == 1
            assert secret not in ran.out + ran.err


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "seed-file"),
        (HEAD + "  {}\n---\n" + HEAD + "  {}\n", "seed-file"),
        ("apiVersion: krakenctl/v1\nkind: Account\nspec: {}\n", "unknown-kind"),
        ("kind: [\n", "yaml-syntax"),
    ],
)
def test_a_file_that_is_no_seed_says_so(folder: Path, text: str, rule: str) -> None:
    assert rule in [found[3] for found in findings(seed(folder, text, "-o", "json"))]


def test_a_file_that_is_not_there_is_an_error_of_ours(folder: Path) -> None:
    ran = krakenctl("sandbox", "seed", "nowhere.yaml", "--db", "s.db")
    assert ran.code == 1
    assert "nowhere.yaml" in ran.err


def test_a_link_to_a_seed_is_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    far = tmp_path_factory.mktemp("far") / "other.yaml"
    far.write_text(HEAD + "  accounts: [{username: a}]\n")
    (folder / "seed.yaml").symlink_to(far)
    assert krakenctl("sandbox", "seed", "seed.yaml", "--db", "s.db").code == 0


def test_a_seed_among_the_manifests_is_told_where_it_belongs(workspace: Path) -> None:
    (workspace / "manifests/seed.yaml").write_text(HEAD + "  accounts: []\n")
    ran = krakenctl("-C", workspace, "validate", "-o", "json")
    assert findings(ran) == [("manifests/seed.yaml", 2, 7, "misplaced-kind")]
    assert "krakenctl sandbox seed" in ran.json["findings"][0]["hint"]


def test_the_schema_is_printed_and_says_what_a_field_means() -> None:
    assert krakenctl("schema", "seed").json["title"] == "SandboxSeed"
    shared = schema_files.load("apikey")["$defs"]
    ours = schema_files.load("seed")["$defs"]
    assert all(ours[name] == shared[name] for name in ("permission", "duration", "time", "nonceWindow"))
