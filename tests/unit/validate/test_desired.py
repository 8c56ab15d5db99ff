"""What manifests add up to once every reference is followed, default inherited and ceiling applied."""

from textwrap import dedent

import pytest

from krakenctl import validate
from krakenctl.load.manifests import parse
from krakenctl.model.address import Address, key_address
from krakenctl.model.desired import Rotation, SecretRef
from krakenctl.model.finding import Severity
from krakenctl.model.permission import ALL
from krakenctl.model.permission import Permission as P
from krakenctl.model.time import parse_time
from krakenctl.model.workspace import StateSettings, StoreSettings, Workspace
from krakenctl.schema_files import load_kinds

DAY = 86400
SCHEMAS = load_kinds()
STORE = StoreSettings(type="age", path="secrets")
WORKSPACE = Workspace(
    name="acme", endpoint="sandbox", tag="a7", manifests=("m",), state=StateSettings(path="s.db"), credentials={},
    stores={"desk": STORE, "two": STORE}, default_store="desk",
)  # fmt: skip

# As in the design, with a second set and a second key to complete it.
EXAMPLE = """
apiVersion: krakenctl/v1
kind: Account
metadata: {name: acme}
spec:
  surface: connect
  iiban: aa12 N84G EXAM ple1
  permissions:
    allow: [query-funds, query-open-trades, query-closed-trades, modify-trades, close-trades,
            query-ledger, export-data, withdraw-funds]
    deny: [add-withdraw-address, update-withdraw-address]
  keyDefaults:
    ipAllowlist: [203.0.113.0/28]
    validFor: 180d
    rotation: {maxAge: 90d, overlap: 24h}
  limits: {keysPerAccount: 20}
  unmanagedKeys: report
---
apiVersion: krakenctl/v1
kind: SubAccount
metadata: {name: mm-desk, labels: {team: market-making}}
spec:
  account: acme
  username: acme-mm-desk
  email: mm-desk@acme.example
  permissions: {deny: [withdraw-funds]}
---
apiVersion: krakenctl/v1
kind: PermissionSet
metadata: {name: trader}
spec:
  include: [monitor]
  permissions: [modify-trades, close-trades]
---
apiVersion: krakenctl/v1
kind: PermissionSet
metadata: {name: monitor}
spec: {permissions: [query-funds, query-open-trades]}
---
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {name: mm-btc, labels: {bot: btc}, annotations: {owner: desk-lead}, formerly: [mm-old, ApiKey/mm-desk/mm]}
spec:
  account: mm-desk
  grants: {sets: [trader], permissions: [query-ledger]}
  ipAllowlist: [203.0.113.10/32, 198.51.100.0/28]
  validUntil: 2027-05-01T00:00:00Z
  queryWindow: {from: 2025-01-01}
  nonceWindow: 0
  rotation: {maxAge: 60d, trigger: "once more"}
  consumer: {nonce: ms}
  secret: {store: two, path: bots/mm-btc}
  protect: true
---
apiVersion: krakenctl/v1
kind: ApiKey
metadata: {name: plain}
spec: {account: acme, grants: {sets: [monitor]}}
---
apiVersion: krakenctl/v1
kind: Removed
metadata: {name: old-monitor}
spec: {address: ApiKey/mm-desk/old-monitor, action: forget}
"""


def check(text, workspace=WORKSPACE):
    reading = parse(dedent(text).encode(), "a.yaml")
    assert reading.findings == ()
    return validate.desired(reading.documents, workspace, "digest", SCHEMAS)


def account(name="acme", spec="", surface="connect", defaults="keyDefaults: {ipAllowlist: any}"):
    return (
        f"apiVersion: krakenctl/v1\nkind: Account\nmetadata: {{name: {name}}}\n"
        f"spec:\n  surface: {surface}\n  {defaults}\n{spec}\n---\n"
    )


def sub(name="desk", spec=""):
    body = f"apiVersion: krakenctl/v1\nkind: SubAccount\nmetadata: {{name: {name}}}\nspec:\n  account: acme\n"
    return f"{body}  {spec}\n---\n"


def key(name="bot", holder="acme", grants="{permissions: [query-funds]}", spec=""):
    head = f"apiVersion: krakenctl/v1\nkind: ApiKey\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  account: {holder}\n  grants: {grants}\n  {spec}\n---\n"


@pytest.fixture(scope="module")
def example():
    wished, findings = check(EXAMPLE)
    assert findings == ()
    return wished


def test_the_hierarchy_is_built_parents_first(example):
    assert list(example.accounts) == ["acme", "mm-desk"]
    desk = example.accounts["mm-desk"]
    assert (desk.master, desk.surface, desk.keys_limit) == ("acme", "connect", 20)
    assert (desk.username, desk.email, desk.labels) == (
        "acme-mm-desk",
        "mm-desk@acme.example",
        {"team": "market-making"},
    )
    assert example.accounts["acme"].iiban == "AA12 N84G EXAM PLE1"
    assert example.digest == "digest"


def test_a_ceiling_is_the_parents_and_what_is_allowed_without_what_is_denied(example):
    acme, desk = example.accounts.values()
    assert len(acme.ceiling) == 8
    assert desk.ceiling == acme.ceiling - {P.WITHDRAW_FUNDS}
    assert (desk.own_allow, desk.own_deny) == (None, {P.WITHDRAW_FUNDS})


def test_a_key_says_everything_that_its_manifest_says(example):
    bot = example.keys[key_address("mm-desk", "mm-btc")]
    assert bot.grants == {P.QUERY_FUNDS, P.QUERY_OPEN_TRADES, P.MODIFY_TRADES, P.CLOSE_TRADES, P.QUERY_LEDGER}
    assert bot.ip_allowlist == ("198.51.100.0/28", "203.0.113.10")
    assert (bot.query_from, bot.query_to, bot.nonce_window) == (parse_time("2025-01-01"), None, 0)
    assert (bot.consumer_nonce, bot.protect, bot.labels) == ("ms", True, {"bot": "btc"})
    assert bot.secret == SecretRef("two", "bots/mm-btc")
    assert bot.formerly == (key_address("mm-desk", "mm-old"), key_address("mm-desk", "mm"))


def test_an_own_end_replaces_the_inherited_one_of_the_other_sort(example):
    bot = example.keys[key_address("mm-desk", "mm-btc")]
    assert (bot.valid_for, bot.valid_until) == (None, parse_time("2027-05-01"))


def test_rotation_is_inherited_field_by_field(example):
    bot = example.keys[key_address("mm-desk", "mm-btc")]
    assert bot.rotation == Rotation(max_age=60 * DAY, overlap=DAY, trigger="once more")


def test_a_key_that_says_little_inherits_the_rest(example):
    plain = example.keys[key_address("acme", "plain")]
    assert plain.ip_allowlist == ("203.0.113.0/28",)
    assert (plain.valid_for, plain.rotation) == (180 * DAY, Rotation(max_age=90 * DAY, overlap=DAY))
    assert (plain.nonce_window, plain.consumer_nonce, plain.protect) == (None, "unknown", False)
    assert plain.secret == SecretRef("desk", "acme/plain")


def test_removals_are_kept_by_the_address_they_are_about(example):
    [(address, removal)] = example.removals.items()
    assert (address, removal.action) == (key_address("mm-desk", "old-monitor"), "forget")


def test_a_removal_that_does_not_say_how_revokes():
    text = "apiVersion: krakenctl/v1\nkind: Removed\nmetadata: {name: x}\nspec: {address: ApiKey/acme/x}\n"
    wished, _ = check(account() + text)
    assert wished.removals[Address.parse("ApiKey/acme/x")].action == "revoke"


def test_keys_come_in_the_order_of_their_addresses():
    wished, _ = check(account() + key("b") + key("a"))
    assert [address.name for address in wished.keys] == ["a", "b"]


def test_an_account_without_bounds_may_give_everything():
    wished, _ = check(account(surface="website") + key(grants=f"{{permissions: [{', '.join(sorted(ALL))}]}}"))
    assert wished.accounts["acme"].ceiling == ALL
    assert wished.keys[key_address("acme", "bot")].grants == ALL


def test_any_is_the_empty_allow_list_and_wins_over_an_inherited_one():
    wished, _ = check(account(defaults="keyDefaults: {ipAllowlist: [203.0.113.1]}") + key(spec="ipAllowlist: any"))
    assert wished.keys[key_address("acme", "bot")].ip_allowlist == ()


def test_a_sub_account_may_change_what_its_keys_inherit():
    inherited = "keyDefaults: {ipAllowlist: any, rotation: {maxAge: 9d}}"
    text = account(defaults=inherited) + sub(spec="keyDefaults: {ipAllowlist: [203.0.113.1], rotation: {overlap: 1d}}")
    bot = check(text + key(holder="desk"))[0].keys[key_address("desk", "bot")]
    assert bot.ip_allowlist == ("203.0.113.1",)
    assert bot.rotation == Rotation(max_age=9 * DAY, overlap=DAY)


def test_a_sub_account_may_have_a_surface_of_its_own():
    text = account() + sub(spec="surface: website") + key(holder="desk", grants="{permissions: [create-ws-token]}")
    assert check(text)[0].accounts["desk"].surface == "website"


def test_keys_of_two_accounts_may_share_a_name():
    wished, _ = check(account() + sub() + key() + key(holder="desk"))
    assert len(wished.keys) == 2


def test_every_level_says_what_it_thinks_of_a_grant_too_many():
    text = account(spec="  permissions: {deny: [earn-funds]}") + sub(spec="permissions: {allow: [query-funds]}")
    _, [finding] = check(text + key(holder="desk", grants="{permissions: [query-funds, add-funds, earn-funds]}"))
    assert finding.rule == "exceeds-ceiling"
    assert finding.message.endswith("“add-funds”; “earn-funds”")
    assert [said for said, _ in finding.related] == [
        "Account/acme denies “earn-funds”, allows “add-funds”",
        "SubAccount/desk does not allow “add-funds”, “earn-funds”",
    ]


def test_a_bad_default_is_told_once_and_not_for_every_key():
    defaults = "keyDefaults: {ipAllowlist: [203.0.113.5/28], validFor: 5d, rotation: {maxAge: 6d, overlap: 7d}}"
    _, findings = check(account(defaults=defaults) + key("a") + key("b"))
    assert [finding.rule for finding in findings] == ["bad-cidr", "overlap-too-long", "valid-for-too-short"]
    assert {finding.address for finding in findings} == {"Account/acme"}


def test_a_mistaken_mapping_is_called_a_mapping_and_never_shown_as_python_does():
    _, [finding] = check(account() + key(spec="consumer: {nonce: {s: ms}}"))
    assert "{" not in finding.message
    assert "a mapping" in finding.message


@pytest.mark.parametrize("path", ["acme/bot", "ACME/Bot"])
def test_two_secrets_that_any_file_system_takes_for_one_are_a_finding(path):
    _, [finding] = check(account() + key("bot") + key("other", spec=f"secret: {{path: {path}}}"))
    assert finding.rule == "secret-path-clash"


def test_a_key_that_moves_to_another_account_is_told_what_becomes_of_it():
    moved = key("bot").replace("name: bot", "name: bot, formerly: [ApiKey/desk/bot]")
    _, [finding] = check(account() + moved)
    assert (finding.rule, finding.place.path) == ("former-account", ("metadata", "formerly", 0))
    assert finding.hint == "leave it out: that key is revoked there, and this one is made anew here"


def test_an_overlap_fits_into_an_inherited_life_too():
    defaults = "keyDefaults: {ipAllowlist: any, rotation: {overlap: 120h}}"
    _, [finding] = check(account(defaults=defaults) + key(spec="validFor: 5d"))
    assert (finding.rule, finding.place.path) == ("overlap-too-long", ("spec", "validFor"))


@pytest.mark.parametrize("spec", ["validFor: {}", "rotation: {{maxAge: {}}}"])
@pytest.mark.parametrize(
    ("life", "rules"),
    [
        ("1s", ["age-too-short"]),
        ("3599s", ["age-too-short"]),
        ("1h", ["age-needs-more-ticks"]),
        ("95h", ["age-needs-more-ticks"]),
        ("4d", []),
    ],
)
def test_a_life_that_no_run_could_keep_up_with_is_a_finding(spec, life, rules):
    wished, findings = check(account() + key(spec=spec.format(life)))
    assert [finding.rule for finding in findings] == rules
    assert (wished is None) == (rules == ["age-too-short"])


def test_a_warning_does_not_keep_the_rest_from_being_desired():
    wished, [finding] = check(account() + key(spec="ipAllowlist: [203.0.113.1, 203.0.113.1/32]"))
    assert finding.severity is Severity.WARNING
    assert wished is not None


def test_a_broken_resource_makes_nothing_else_look_broken():
    text = account(spec="  colour: red") + sub() + key() + key("x", "desk", "{sets: [s]}")
    text += "apiVersion: krakenctl/v1\nkind: PermissionSet\nmetadata: {name: s}\nspec: {permissions: [nothing]}\n"
    assert [finding.rule for finding in check(text)[1]] == ["unknown-field", "unknown-permission"]


def test_what_may_be_in_a_file_that_could_not_be_read_is_not_called_missing():
    reading = parse(key().encode(), "a.yaml")
    assert validate.desired(reading.documents, WORKSPACE, "", SCHEMAS, complete=False) == (None, ())


def test_an_empty_wish_is_an_error():
    wished, [finding] = validate.desired((), WORKSPACE, "", SCHEMAS)
    assert (wished, finding.rule) == (None, "empty-workspace")


def test_a_long_chain_of_sets_is_followed():
    sets = "".join(
        f"apiVersion: krakenctl/v1\nkind: PermissionSet\nmetadata: {{name: s{n}}}\nspec: {{include: [s{n + 1}]}}\n---\n"
        for n in range(3000)
    )
    last = (
        "apiVersion: krakenctl/v1\nkind: PermissionSet\nmetadata: {name: s3000}\nspec: {permissions: [query-funds]}\n"
    )
    wished, findings = check(account() + key(grants="{sets: [s0]}") + sets + last)
    assert findings == ()
    assert wished.keys[key_address("acme", "bot")].grants == {P.QUERY_FUNDS}


def test_names_leave_room_for_a_generation_of_four_digits():
    assert len("a" * 23 + ".a7.g9999") == 32
    assert check(account() + key("a" * 23))[1] == ()
    assert [finding.rule for finding in check(account() + key("a" * 24))[1]] == ["name-too-long"]


def test_equal_parts_of_many_keys_are_one_value_in_memory():
    text = account() + "".join(key(f"k{n}", spec="ipAllowlist: [203.0.113.1, 203.0.113.2]") for n in range(3))
    first, second, _ = check(text)[0].keys.values()
    assert first.grants is second.grants
    assert first.ip_allowlist is second.ip_allowlist
    assert first.rotation is second.rotation


@pytest.mark.parametrize(
    ("written", "meant"),
    [("funds_query", "query-funds"), ("Query Funds", "query-funds"), ("Earn", "earn-funds"),
     ("account.fast-api-key:funds-query", "query-funds"),
     ("trades-query-open", "query-open-trades"), ("ledger_query", "query-ledger"), ("Deposit", "add-funds"),
     ("Cancel/Close Orders", "close-trades"), ("Data – Export data", "export-data"), ("QUERY-FUNDS", "query-funds"),
     ("query_funds", "query-funds"), ("withdraw-fund", "withdraw-funds"),
     ("Create & modify orders", "modify-trades"), ("Access WebSocket API", "create-ws-token")],
)  # fmt: skip
def test_every_spelling_of_a_permission_is_recognised(written, meant):
    _, [finding] = check(account() + key(grants=f'{{permissions: ["{written}"]}}'))
    assert (finding.rule, finding.hint) == ("unknown-permission", f"did you mean “{meant}”")
