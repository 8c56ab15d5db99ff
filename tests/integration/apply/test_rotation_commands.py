"""`rotate` and `tick`, as somebody or nobody runs them; and what becomes of a rotation that finds no room."""

import json

import pytest

from desk import DAY, HOME, Desk, account, key, make_desk
from krakenctl.stores.base import Slot

MONTHLY = {"rotation": {"maxAge": "30d", "overlap": "24h"}}


@pytest.fixture
def desk(tmp_path) -> Desk:
    return make_desk(tmp_path / "desk")


def codes(ran):
    return ran.code, ran.out, ran.err


# --- tick


def test_tick_has_little_to_say_when_nothing_is_due(desk):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied()
    assert codes(desk.run("tick")) == (0, "Nothing is due.\n", "")


def test_tick_rotates_what_is_due_and_a_day_later_revokes_the_old_key_without_asking(desk):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied().advance(28 * DAY)
    assert desk.run("tick").code == 0
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]
    assert desk.signs(desk.entry("acme/bot", Slot.PREVIOUS))
    desk.advance(DAY)
    assert desk.run("tick").code == 0
    assert desk.ours() == ["bot.a7.g2"]


def test_a_retired_key_ends_by_itself_where_nobody_runs_tick_again(desk):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied().advance(28 * DAY)
    desk.run("tick")
    old = desk.entry("acme/bot", Slot.PREVIOUS)
    desk.advance(DAY)
    assert desk.signs(old) is None


def test_tick_leaves_a_due_key_with_other_grants_to_a_person(desk):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied().advance(28 * DAY)
    desk.declare(account(), key("bot", "query-ledger", **MONTHLY), key("new"))
    ran = desk.run("tick")
    assert ran.code == 8
    assert "left to apply" in ran.out
    assert "not part of this run: 1 create, 1 replace" in ran.out.replace("\n    ", " ")
    assert desk.ours() == ["bot.a7.g1"]


def test_tick_says_in_json_what_it_did(desk):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied().advance(28 * DAY)
    [outcome] = desk.run("tick", "-o", "json").json["outcomes"]
    assert (outcome["action"], outcome["result"], outcome["liveName"]) == ("rotate", "done", "bot.a7.g2")


def test_a_key_of_krakenctls_own_that_is_due_holds_up_no_other(desk):
    desk.declare(account(), key("own", **MONTHLY), key("bot", **MONTHLY))
    desk.applied()
    entry = desk.entry("acme/own")
    (desk.root / "copy.json").write_text(json.dumps({"apiKey": entry.public_key, "secret": entry.secret.reveal()}))
    (desk.root / "copy.json").chmod(0o600)
    references = json.loads((desk.root / "krakenctl.yaml").read_text())["spec"]["credentials"]["*"]
    desk.settings(credentials={"*": references | {"apiKey": "file:copy.json"}})
    desk.advance(28 * DAY)
    ran = desk.run("tick")
    assert ran.code == 8
    assert "--allow own-key --reason TEXT" in " ".join(ran.out.split())
    assert sorted(desk.ours()) == ["bot.a7.g1", "bot.a7.g2", "own.a7.g1"]


@pytest.mark.parametrize("command", [("tick",), ("rotate", "--all", "--yes")])
def test_what_a_run_left_out_is_in_its_json(desk, command):
    desk.declare(account(), key("bot", **MONTHLY))
    desk.applied()
    desk.declare(account(), key("bot", **MONTHLY), key("new"))
    [finding] = desk.run(*command, "-o", "json").json["findings"]
    assert (finding["rule"], finding["addresses"]) == ("left-to-apply", ["ApiKey/acme/new"])


@pytest.mark.parametrize("command", [("tick",), ("rotate", "--all", "--yes")])
def test_a_lost_state_is_no_quiet_night(desk, command):
    desk.declare(account(), key("bot", **MONTHLY), key("view"))
    desk.applied()
    desk.state_path.unlink()
    told = "2 live keys carry this workspace's tag and are not recorded: was the state lost?"
    assert codes(desk.run(*command)) == (8, "", f"{told} see `krakenctl state rebuild`\n")
    ran = desk.run(*command, "-o", "json")
    assert (ran.code, ran.json["summary"]["blocked"]) == (8, 2)


def test_where_the_state_knows_some_keys_these_are_rotated_and_the_others_told(desk):
    desk.declare(account(), key("bot"))
    older = desk.applied().state_path.read_bytes()
    desk.declare(account(), key("bot"), key("view"))
    desk.applied().state_path.write_bytes(older)
    ran = desk.run("rotate", "--all", "--yes")
    assert ran.code == 8
    assert "1 live key carries this workspace's tag and is not recorded" in ran.out
    assert sorted(desk.ours()) == ["bot.a7.g2", "view.a7.g1"]


# --- rotate


def test_rotate_asks_and_does_nothing_where_nobody_can_answer(desk):
    desk.declare(account(), key("bot"))
    ran = desk.applied().run("rotate", "ApiKey/acme/bot")
    assert ran.code == 64
    assert "--yes" in ran.err
    assert desk.ours() == ["bot.a7.g1"]


def test_rotate_gives_a_new_secret_with_the_same_rights(desk):
    desk.declare(account(), key("bot", "query-funds", "modify-trades"))
    desk.applied()
    before = desk.signs(desk.entry("acme/bot"))
    assert desk.run("rotate", "ApiKey/acme/bot", "--yes").code == 0
    after = desk.signs(desk.entry("acme/bot"))
    assert (after.name, after.spec.permissions) == ("bot.a7.g2", before.spec.permissions)


def test_a_compromised_key_is_dead_when_the_command_returns_and_so_is_the_one_before(desk):
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}))
    desk.applied().run("rotate", "ApiKey/acme/bot", "--yes")
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]
    ran = desk.run("rotate", "ApiKey/acme/bot", "--compromised", "--reason", "in a CI log", "--yes")
    assert (ran.code, desk.ours()) == (0, ["bot.a7.g3"])
    assert "with a GAP" in ran.out
    assert desk.entry("acme/bot", Slot.PREVIOUS) is None
    assert desk.signs(desk.entry("acme/bot"))


def test_the_reason_is_kept_in_the_log(desk):
    desk.declare(account(), key("bot"))
    desk.applied().run("rotate", "ApiKey/acme/bot", "--reason", "ticket 7", "--yes")
    assert "ticket 7" in desk.run("log", "-o", "json").out


def test_what_it_shows_is_about_the_keys_that_were_named(desk):
    rotation = {"overlap": "24h"}
    desk.declare(account(), key("bot", rotation=rotation), key("other", rotation=rotation))
    desk.applied().run("rotate", "ApiKey/acme/other", "--yes")
    ran = desk.run("rotate", "ApiKey/acme/bot", "--yes")
    assert ran.code == 0
    assert "other" not in ran.out + ran.err
    assert "other.a7.g1 lives on" in desk.run("plan").out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ([], "name the keys to rotate, or say --all"),
        (["ApiKey/acme/bot", "--all"], "name the keys to rotate, or say --all"),
        (["ApiKey/acme/bot", "--older-than", "60d"], "--older-than chooses among all keys"),
        (["--all", "--older-than", "2 months"], "is not a duration"),
        (["ApiKey/acme/bto"], "did you mean ApiKey/acme/bot?"),
        (["Account/acme"], "is no key"),
        (["bot"], "is not an address"),
        (["bot"], "did you mean ApiKey/acme/bot?"),
        (["acme/bot"], "did you mean ApiKey/acme/bot?"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused_with_a_sentence(desk, args, words):
    desk.declare(account(), key("bot"))
    ran = desk.applied().run("rotate", *args, "--yes")
    assert ran.code == 64
    assert words in ran.err.replace("\n  ", " ")
    assert desk.ours() == ["bot.a7.g1"]


def test_rotate_all_older_than_leaves_the_younger_ones(desk):
    desk.declare(account(), key("old"))
    desk.applied().advance(60 * DAY)
    desk.declare(account(), key("old"), key("young"))
    desk.applied()
    assert desk.run("rotate", "--all", "--older-than", "60d", "--yes").code == 0
    assert sorted(desk.ours()) == ["old.a7.g2", "young.a7.g1"]


# --- a third generation


@pytest.fixture
def twice(desk) -> Desk:
    """`bot` is in its second generation, and its consumer may still use the first."""
    desk.declare(account(), overlapping())
    desk.applied().declare(account(), overlapping(trigger="1"))
    return desk.applied()


def test_another_trigger_waits_for_the_overlap_and_comes_with_the_first_apply_after_it(twice):
    old = twice.entry("acme/bot", Slot.PREVIOUS)
    twice.declare(account(), overlapping(trigger="2"))
    ran = twice.apply()
    assert (ran.code, twice.ours()) == (8, ["bot.a7.g1", "bot.a7.g2"])
    assert "it waits until the overlap of bot.a7.g1 ends" in ran.out.replace("\n                 ", " ")
    assert twice.signs(old)
    assert twice.changes() == {"ApiKey/acme/bot": "blocked"}
    assert twice.run("plan", "--detailed-exitcode").code == 2
    twice.advance(DAY)
    assert twice.apply().code == 0
    assert twice.ours() == ["bot.a7.g2", "bot.a7.g3"]


def test_who_names_the_key_ends_the_overlap_early_and_is_told_so(twice):
    ran = twice.run("rotate", "ApiKey/acme/bot", "--yes")
    assert (ran.code, twice.ours()) == (0, ["bot.a7.g2", "bot.a7.g3"])
    assert "1 overlap ends early" in ran.out


def test_rotate_all_leaves_keys_in_their_overlap_alone_and_says_so(twice):
    ran = twice.run("rotate", "--all", "--yes")
    assert (ran.code, twice.ours()) == (0, ["bot.a7.g1", "bot.a7.g2"])
    assert "waits until the overlap of bot.a7.g1 ends" in ran.err


def test_fewer_rights_do_not_wait(desk):
    desk.declare(account(), overlapping("query-funds", "modify-trades"))
    desk.applied().declare(account(), overlapping("query-funds", "modify-trades", trigger="1"))
    desk.applied().declare(account(), overlapping("query-funds", trigger="1"))
    assert "1 overlap ends early" in desk.run("plan").out
    assert desk.applied().ours() == ["bot.a7.g2", "bot.a7.g3"]


# --- “too many keys”


def overlapping(*permissions: str, trigger: str = ""):
    return key("bot", *permissions, rotation={"overlap": "24h", "trigger": trigger})


@pytest.mark.parametrize(
    "scene",
    [
        lambda: ([key("bot")], [key("bot", "query-ledger")]),
        lambda: ([overlapping()], [overlapping("query-ledger")]),
    ],
    ids=["without overlap", "with overlap"],
)
def test_when_kraken_says_too_many_nothing_is_revoked_and_the_next_plan_says_what_would_be(desk, scene):
    before, after = scene()
    desk.declare(account(), *before)
    desk.applied().fault("slots-full", times="always")
    desk.declare(account(), *after)
    ran = desk.apply()
    assert ran.code in (1, 4)
    assert desk.ours() == ["bot.a7.g1"]
    assert desk.signs(desk.entry("acme/bot"))
    assert desk.recorded().limits["acme"].keys == 1
    desk.mend()
    told = json.dumps(desk.plan()["changes"])
    assert "Kraken took no more keys than 1" in told


def test_a_new_key_is_tried_again_and_more_keys_than_kraken_took_are_what_makes_us_forget(desk):
    desk.declare(account(), key("bot"))
    desk.applied().fault("slots-full", times="always")
    desk.declare(account(), key("bot"), key("new"))
    assert desk.apply().code == 1
    assert desk.ours() == ["bot.a7.g1"]
    assert desk.recorded().limits["acme"].keys == 1
    desk.mend()
    desk.applied()
    desk.declare(account(), key("bot", "query-ledger"), key("new"))
    desk.applied()
    assert desk.recorded().limits == {}


def test_another_declared_limit_is_believed_again(desk):
    desk.declare(account(), key("bot"))
    desk.applied().fault("slots-full", times="always")
    desk.declare(account(), key("bot", "query-ledger"))
    desk.apply()
    desk.mend()
    assert "Kraken took no more" in json.dumps(desk.plan())
    desk.declare(account(limits={"keysPerAccount": 9}), key("bot", "query-ledger"))
    assert "Kraken took no more" not in json.dumps(desk.plan())
    desk.applied()
    assert desk.recorded().limits == {}


def test_rotations_take_turns_on_an_account_with_one_free_place(desk):
    """Its owner's own key, which does not show in the list, has one of five places; there are four for three bots."""
    limits = account(keyDefaults={"ipAllowlist": [HOME]}, limits={"keysPerAccount": 4})
    fleet = [key(f"bot-{n}", rotation={"maxAge": "90d", "overlap": "24h", "jitter": "1s"}) for n in range(3)]
    desk.switch("keys-per-account", "5")
    desk.declare(limits, *fleet)
    desk.applied().advance(81 * DAY)
    most = 0
    for _ in range(5):
        ran = desk.run("tick")
        assert (ran.code, "GAP" in ran.out, "no overlap this time" in ran.out) == (0, False, False)
        most = max(most, len(desk.ours()))
        desk.advance(DAY)
    assert (most, sorted(desk.ours())) == (4, ["bot-0.a7.g2", "bot-1.a7.g2", "bot-2.a7.g2"])


def test_a_replaced_key_that_a_run_has_nothing_to_do_with_is_not_forgotten(twice):
    twice.advance(2 * DAY)
    assert twice.run("rotate", "--all", "--older-than", "60d", "--yes").code == 0
    assert [record.live_name for record in twice.recorded().retired] == ["bot.a7.g1"]
    assert twice.entry("acme/bot", Slot.PREVIOUS)
    assert twice.applied().ours() == ["bot.a7.g2"]
    assert twice.recorded().retired == ()
