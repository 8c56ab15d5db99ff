"""Two hosts share a state, and not the store: the old key does not go while a consumer here still reads it."""

import shutil

import pytest

from desk import DAY, Desk, Wire, account, key, make_desk, refused, stop_time

BOT = "ApiKey/acme/bot"


@pytest.fixture
def desk(tmp_path) -> Desk:
    """The other host has rotated the key, and its secrets never came to this one."""
    desk = make_desk(tmp_path / "desk")
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}))
    desk.applied()
    shutil.copytree(desk.root / "secrets", desk.root / "here")
    desk.run("rotate", BOT, "--yes")
    shutil.move(desk.root / "secrets", desk.root / "there")
    shutil.move(desk.root / "here", desk.root / "secrets")
    return desk


class Killed(BaseException):
    """Nothing of ours catches it."""


def killed_after(request, deed):
    deed()
    raise Killed


def share(desk):
    shutil.rmtree(desk.root / "secrets")
    shutil.move(desk.root / "there", desk.root / "secrets")


def stale(desk):
    return [finding["rule"] for finding in desk.plan()["findings"]] == ["secret-stale"]


def said(ran):
    return " ".join((ran.out + ran.err).split())


def test_a_plan_says_so_while_there_is_still_time(desk):
    assert stale(desk)
    assert "keeps the secret of bot.a7.g1 at acme/bot, and bot.a7.g2 is the current key" in said(desk.run("tick"))
    share(desk)
    assert desk.plan()["findings"] == []


@pytest.mark.parametrize("command", [("tick",), ("apply", "--yes")])
def test_the_old_key_stays_until_the_new_secret_is_here(desk, command):
    desk.advance(DAY)
    assert stale(desk)
    ran = desk.run(*command)
    assert ran.code == 1
    assert "not the secret of bot.a7.g2" in said(ran)
    assert "krakenctl rotate ApiKey/acme/bot" in said(ran)
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]
    share(desk)
    assert desk.run(*command).code == 0
    assert desk.ours() == ["bot.a7.g2"]


def test_an_empty_store_holds_the_old_key_too(desk):
    shutil.rmtree(desk.root / "secrets")
    desk.advance(DAY)
    assert desk.run("tick").code == 1
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]


def test_a_host_that_cannot_read_the_store_goes_by_the_state(desk):
    (desk.root / ".krakenctl/identity.txt").unlink()
    desk.advance(DAY)
    assert desk.run("tick").code == 0
    assert desk.ours() == ["bot.a7.g2"]


@pytest.mark.parametrize("later", [0, DAY])
@pytest.mark.parametrize("more", [(), ("--compromised",)])
def test_a_new_secret_puts_it_right(desk, later, more):
    desk.advance(later)
    ran = desk.run("rotate", BOT, *more, "--yes")
    assert (ran.code, "bot.a7.g1" in desk.ours()) == (0, False)
    assert desk.entry("acme/bot").live_name == desk.ours()[-1] == "bot.a7.g3"


def test_the_kill_switch_is_not_held_up(desk):
    assert desk.run("revoke", BOT, "--yes", "--reason", "a test").code == 0
    assert desk.ours() == []


def test_a_key_that_is_no_longer_declared_goes_with_all_its_generations(desk):
    desk.declare(account(), key("other"))
    desk.applied()
    assert desk.ours() == ["other.a7.g1"]


@pytest.fixture
def half_done(desk, monkeypatch) -> Desk:
    """The other host stopped between the promotion and the end of the old key."""
    share(desk)
    desk.advance(DAY)
    desk.run("tick")
    desk.declare(account(), key("bot"))
    desk.applied()
    shutil.copytree(desk.root / "secrets", desk.root / "here")
    with monkeypatch.context() as patched:
        stop_time(patched)
        wire = Wire().install(patched)
        wire.before = lambda word: word.startswith("revoke") and wire.faults.setdefault(len(wire.calls) - 1, refused)
        assert desk.run("rotate", BOT, "--yes").code == 4
    shutil.move(desk.root / "secrets", desk.root / "there")
    shutil.move(desk.root / "here", desk.root / "secrets")
    return desk


def test_what_another_host_left_half_done_waits_for_its_secret(half_done):
    desk = half_done
    ran = desk.run("recover")
    assert (ran.code, desk.ours()) == (4, ["bot.a7.g2", "bot.a7.g3"])
    assert "not the secret of bot.a7.g3" in said(ran)
    share(desk)
    assert (desk.run("recover").code, desk.ours()) == (0, ["bot.a7.g3"])


@pytest.mark.parametrize("more", [(), ("--compromised",)])
def test_a_new_secret_puts_right_what_another_host_left_half_done(half_done, more):
    desk = half_done
    assert desk.run("recover").code == 4
    assert desk.run("rotate", BOT, *more, "--yes").code == 0
    desk.check_promises([BOT], desk.strangers())
    assert (desk.ours(), desk.recorded().intents) == (["bot.a7.g4"], ())


def test_so_does_an_apply_that_issues_the_key_anew(half_done):
    desk = half_done
    desk.declare(account(), key("bot", "query-ledger"))
    assert desk.apply().code == 0
    desk.check_promises([BOT], desk.strangers())
    assert (desk.ours(), desk.recorded().intents) == (["bot.a7.g4"], ())


def test_so_does_a_new_secret_with_an_overlap(half_done):
    desk = half_done
    desk.declare(account(), key("bot", rotation={"overlap": "24h"}))
    assert desk.run("rotate", BOT, "--yes").code == 0
    desk.check_promises([BOT], desk.strangers())
    assert (desk.ours(), desk.recorded().intents) == (["bot.a7.g3", "bot.a7.g4"], ())


def refuse_to_issue(wire):
    wire.before = lambda word: word.startswith("issue") and wire.faults.setdefault(len(wire.calls) - 1, refused)


def again(desk):
    return desk.run("rotate", BOT, "--yes")


def anew(desk):
    desk.declare(account(), key("bot", "query-ledger", rotation={"overlap": "24h"}))
    return desk.run("apply", "--yes")


@pytest.mark.parametrize("way_out", [again, anew])
def test_the_key_that_is_read_here_stays_where_no_new_one_comes(desk, monkeypatch, way_out):
    desk.advance(DAY)
    with monkeypatch.context() as patched:
        stop_time(patched)
        refuse_to_issue(Wire().install(patched))
        ran = way_out(desk)
    assert (ran.code, desk.ours()) == (1, ["bot.a7.g1", "bot.a7.g2"])
    assert "pull or copy the secrets folder" in said(ran)
    assert desk.entry("acme/bot").live_name == "bot.a7.g1"
    assert (way_out(desk).code, desk.ours()) == (0, ["bot.a7.g2", "bot.a7.g4"])
    assert desk.entry("acme/bot").live_name == "bot.a7.g4"


def test_nor_does_it_go_in_its_overlap(desk, monkeypatch):
    with monkeypatch.context() as patched:
        stop_time(patched)
        refuse_to_issue(Wire().install(patched))
        assert again(desk).code == 1
    assert desk.ours() == ["bot.a7.g1", "bot.a7.g2"]


@pytest.mark.parametrize("way_out", [again, anew])
def test_what_was_left_half_done_stays_so_where_no_new_one_comes(half_done, monkeypatch, way_out):
    desk = half_done
    with monkeypatch.context() as patched:
        stop_time(patched)
        refuse_to_issue(Wire().install(patched))
        assert (way_out(desk).code, desk.ours()) == (4, ["bot.a7.g2", "bot.a7.g3"])
    ran = desk.run("recover")
    assert (ran.code, desk.ours()) == (4, ["bot.a7.g2", "bot.a7.g3"])
    assert "pull or copy the secrets folder" in said(ran)


def test_the_key_that_is_read_here_goes_after_the_new_one_is_promoted(desk, monkeypatch):
    desk.advance(DAY)
    wire = Wire().install(monkeypatch)
    assert again(desk).code == 0
    assert wire.calls.index("issue bot.a7.g3") < wire.calls.index("revoke bot.a7.g1")


def test_a_run_that_issues_nothing_leaves_it_half_done(half_done):
    desk = half_done
    for command in (("apply", "--yes"), ("tick",)):
        assert (desk.run(*command).code, desk.ours()) == (4, ["bot.a7.g2", "bot.a7.g3"])
    assert [intent.live_name for intent in desk.recorded().intents] == ["bot.a7.g3"]


def test_a_key_that_was_promoted_and_then_revoked_for_its_successor_is_owed_one(half_done, monkeypatch):
    """The intent of its promotion is not that of its revoke."""
    desk = half_done
    wire = Wire().install(monkeypatch)
    wire.before = lambda word: word == "revoke bot.a7.g3" and wire.faults.setdefault(len(wire.calls) - 1, killed_after)
    with pytest.raises(Killed):
        desk.run("rotate", BOT, "--compromised", "--yes")
    assert desk.ours() == []
    assert desk.run("recover").code == 0
    desk.check_promises([BOT], desk.strangers())


def test_it_is_told_also_when_the_old_key_is_long_gone(desk):
    desk.declare(account(), key("bot"))
    share(desk)
    here = desk.root / "secrets/acme/bot/current.age"
    before = here.read_bytes()
    desk.applied()
    desk.advance(2 * DAY)
    desk.applied()
    assert desk.run("rotate", BOT, "--yes").code == 0
    assert desk.plan()["findings"] == []
    here.write_bytes(before)
    assert stale(desk)
    assert "whoever reads it here has that one" in said(desk.run("tick"))
