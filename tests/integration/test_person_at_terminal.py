"""A person at the terminal: what they read is enough to do it rightly, and every single slip is named to them."""

from __future__ import annotations

import json

import pytest

import followed
from by_hand import a_key, by_hand
from desk import DAY, NOW, make_desk
from dialogue import Dialogue
from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.sandbox.people import operate
from krakenctl.stores.base import Slot

KEY, SECRET, AGAIN = "API key: ", "Private key: ", "[n] stop here "
WHOLE = {
    "ipAllowlist": ["127.0.0.1", "198.51.100.0/28"],
    "validFor": "90d",
    "queryWindow": {"from": "2026-01-01", "to": "2026-12-31"},
    "nonceWindow": 5000,
}
FAR = NOW + 900 * DAY


@pytest.fixture
def desk(tmp_path):
    return make_desk(tmp_path)


def opened(desk, *args, columns=100):
    return Dialogue("-C", desk.root, "apply", "--yes", *args, cwd=desk.root, columns=columns)


def test_what_is_printed_is_enough_to_make_the_key(desk):
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", "create-ws-token", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    assert (told.user, told.name, told.page) == ("acme", "bot.a7.g1", "https://pro.kraken.com/app/settings/api")
    assert len(told.boxes) == len(Permission)
    key, secret = followed.make(desk.db, told)
    talk.type(key)
    talk.until(SECRET)
    talk.type(secret)
    code, said = talk.end()
    assert (code, "1 change done (1 created)" in said) == (0, True), said
    assert secret not in talk.seen
    assert key not in talk.seen
    assert desk.entry("acme/bot").secret.reveal() == secret
    assert desk.plan()["changes"] == []


def test_both_halves_may_be_pasted_at_once_on_a_narrow_terminal(desk):
    desk.declare(by_hand(), a_key(**WHOLE))
    talk = opened(desk, columns=60)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    assert talk.end()[0] == 0
    assert secret not in talk.seen


SLIPS = {
    "any address": ({"ip_allowlist": ()}, "from any address"),
    "an address too many": ({"ip_allowlist": (*WHOLE["ipAllowlist"], "198.51.100.77")}, "198.51.100.77"),
    "an address left out": ({"ip_allowlist": ("127.0.0.1",)}, "it works from 127.0.0.1, not from"),
    "no expiry": ({"valid_until": 0}, "it expires never"),
    "another expiry": ({"valid_until": FAR}, "it expires 20"),
    "no query start": ({"query_from": 0}, "its query window"),
    "another query start": ({"query_from": NOW - 400 * DAY}, "its query window"),
    "no query end": ({"query_to": 0}, "its query window"),
    "another query end": ({"query_to": NOW - 2 * DAY}, "its query window"),
    "no nonce window": ({"nonce_window": 0}, "its nonce window is 0, not 5000"),
    "another nonce window": ({"nonce_window": 500}, "its nonce window is 500, not 5000"),
    "another name": ({"name": "bot"}, "Kraken calls it “bot”"),
    "the generation before": ({"name": "bot.a7.g0"}, "Kraken calls it “bot.a7.g0”"),
}


def test_every_single_slip_of_the_form_is_named_and_can_be_put_right(desk):
    """One after the other in one sitting: each time it is edited, another field is wrong."""
    desk.declare(by_hand(), a_key("bot", "query-funds", "modify-trades", **WHOLE))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    slips = [(code, {"permissions": set(told.codes) ^ {code}}, SPELLINGS[code].label) for code in Permission]
    slips += [(what, form, words) for what, (form, words) in SLIPS.items()]
    _, first, words = slips[0]
    key, secret = followed.make(desk.db, told, **first)
    talk.type(f"{key}\n{secret}")
    name = told.name
    for _, form, coming in [*slips[1:], ("right", {}, "")]:
        said = talk.until(AGAIN)
        assert words in " ".join(said.split()), (words, said)
        assert "one thing is not right" in said
        desk.advance(20)  # which it takes them, and which the count of calls needs to fall
        followed.edit(desk.db, told, name, **form)
        name, words = form.get("name", told.name), coming
        talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


@pytest.mark.parametrize("slip", ["swapped", "secret", "another key", "another account"])
def test_a_pair_that_is_not_the_new_key_is_named_and_typed_in_again(desk, slip):
    desk.declare(by_hand(), a_key())
    operate.make_account(desk.db, "other")
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    if slip == "another account":
        wrong = followed.make(desk.db, told, user="other")
    right = followed.make(desk.db, told)
    if slip != "another account":
        spare = operate.make_key(desk.db, "acme", "spare", ["query-funds"])
        wrong = {
            "swapped": (right[1], right[0]),
            "secret": (right[0], spare["secret"]),
            "another key": (spare["apiKey"], spare["secret"]),
        }[slip]
    talk.type(wrong[0])
    if slip == "swapped":
        assert "here belongs the public one" in talk.until("once more: ")
        talk.type(right[0])
        talk.until(SECRET)
        talk.type(right[1])
    else:
        talk.until(SECRET)
        talk.type(wrong[1])
    if slip in ("secret", "another key"):
        named = {"secret": "do not belong together", "another key": "“spare”"}[slip]
        assert named in " ".join(talk.until(AGAIN).split())
        talk.type("k")
        talk.until(KEY)
        talk.type(f"{right[0]}\n{right[1]}")
    code, said = talk.end()
    assert code == 0, said


@pytest.mark.parametrize("stop", ["", "\x04", "\x03"], ids=["nothing", "end", "ctrl-c"])
def test_whoever_stops_at_the_prompt_leaves_nothing_half_done(desk, stop):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    talk.until(KEY)
    if stop:
        talk.press(stop.encode())
    else:
        talk.type("")
    code, said = talk.end()
    assert code == (130 if stop == "\x03" else 8), said
    assert desk.recorded().intents == ()
    assert desk.changes() == {"ApiKey/acme/bot": "create"}


def test_a_closed_window_leaves_nothing_half_done(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    talk.until(KEY)
    assert talk.hang_up() in (8, 130)
    assert desk.changes() == {"ApiKey/acme/bot": "create"}


def test_whoever_stops_after_a_slip_leaves_nothing_half_done(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    key, secret = followed.make(desk.db, told, permissions=["withdraw-funds"])
    talk.type(f"{key}\n{secret}")
    said = talk.until(AGAIN)
    assert "“Funds permissions – Withdraw”" in said
    talk.type("n")
    code, said = talk.end()
    assert (code, "delete bot.a7.g1 on the website" in " ".join(said.split())) == (8, True), said
    assert desk.entry("acme/bot", Slot.PENDING) is None
    assert desk.recorded().intents == ()


def test_a_change_walks_through_both_keys(desk):
    desk.declare(by_hand(), a_key())
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    assert talk.end()[0] == 0
    desk.advance(60)
    desk.declare(by_hand(), a_key("bot", "query-funds", "query-ledger"))
    talk = opened(desk)
    told = followed.read(talk.until(KEY))
    assert (told.title, told.name) == ("Step 1 of 2 on acme: make an API key", "bot.a7.g2")
    key, secret = followed.make(desk.db, told)
    talk.type(f"{key}\n{secret}")
    told = followed.read(talk.until("Is it deleted? [Y/n] "))
    assert (told.title, told.name) == ("Step 2 of 2 on acme: delete an API key", "bot.a7.g1")
    operate.revoke_key(desk.db, told.user, told.name)
    talk.type("y")
    code, said = talk.end()
    assert (code, desk.plan()["changes"]) == (0, []), said


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_a_plan_says_how_much_of_it_a_person_does(desk, output):
    desk.declare(by_hand(), a_key())
    assert "By a person on the website: 1 step." in desk.run("plan", "-o", output).out


def test_without_a_terminal_it_waits(desk):
    desk.declare(by_hand(), a_key())
    ran = desk.run("apply", "--yes")
    assert (ran.code, "a person" in ran.out) == (8, True)


def test_a_runbook_is_written_once_and_nothing_is_done(desk, tmp_path):
    desk.declare(by_hand(), a_key("bot", "query-funds", **WHOLE))
    target = tmp_path / "steps.md"
    assert desk.run("apply", "--runbook", target).code == 8
    text = target.read_text()
    assert "  - [ ] **tick** Funds permissions: Query\n" in text
    assert "      bot.a7.g1\n" in text
    assert desk.run("apply", "--runbook", target).code == 8
    target.write_text(text.replace("- [ ] Log in", "- [x] Log in"))
    ran = desk.run("apply", "--runbook", target)
    assert (ran.code, "is there already" in " ".join(ran.err.split())) == (64, True)  # wrapped by the path's length
    assert desk.recorded().intents == ()


def test_a_pipeline_answers_on_standard_input(desk, monkeypatch):
    desk.declare(
        by_hand(),
        a_key(**{name: value for name, value in WHOLE.items() if name != "validFor"}, validUntil="2028-01-01"),
    )
    target = desk.root / "steps.md"
    assert desk.run("apply", "--runbook", target).code == 8
    spec = {"ip_allowlist": WHOLE["ipAllowlist"], "valid_until": 1_830_297_600, "nonce_window": 5000}
    window = {"query_from": 1_767_225_600, "query_to": 1_798_675_200}
    made = operate.make_key(desk.db, "acme", "bot.a7.g1", ["query-funds"], **spec, **window)
    line = json.dumps({"name": "bot.a7.g1", "apiKey": made["apiKey"], "secret": made["secret"]})
    ran = piped(desk, line, monkeypatch)
    assert ran.code == 0, ran.out + ran.err
    assert desk.plan()["changes"] == []


def test_a_pipeline_tells_of_a_new_key_first_and_of_the_old_one_later(desk, monkeypatch):
    ends = {"ipAllowlist": ["127.0.0.1"], "validUntil": "2028-01-01"}
    end = 1_830_297_600
    for generation, codes in enumerate((["query-funds"], ["query-ledger"]), 1):
        desk.declare(by_hand(), a_key("bot", *codes, **ends))
        made = operate.make_key(
            desk.db, "acme", f"bot.a7.g{generation}", codes, ip_allowlist=["127.0.0.1"], valid_until=end
        )
        line = json.dumps({"name": made["name"], "apiKey": made["apiKey"], "secret": made["secret"]})
        assert piped(desk, line, monkeypatch).code == (0 if generation == 1 else 8)
        desk.advance(60)
    assert desk.entry("acme/bot").live_name == "bot.a7.g2"  # its consumer is not kept waiting
    operate.revoke_key(desk.db, "acme", "bot.a7.g1")
    ran = piped(desk, '{"name": "bot.a7.g1", "done": true}', monkeypatch)
    assert ran.code == 0, ran.out + ran.err
    assert desk.recorded().retired == ()


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", '{"name": "x"}', '{"name": "x", "apiKey": "k", "secret": "c2VjcmV0"}']
)
def test_a_line_that_is_no_answer_is_refused_and_not_repeated(desk, line, monkeypatch):
    ran = piped(desk, line, monkeypatch)
    assert (ran.code, "line 1 of standard input" in ran.err) == (1, True)
    assert "c2VjcmV0" not in ran.err


def piped(desk, text, monkeypatch):
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    return desk.run("apply", "--yes", "--stdin")


def test_a_key_that_cannot_answer_here_waits_or_is_accepted_on_the_record(desk):
    desk.declare(by_hand(), a_key(ipAllowlist=["198.51.100.7"]))
    talk = opened(desk)
    key, secret = followed.make(desk.db, followed.read(talk.until(KEY)))
    talk.type(f"{key}\n{secret}")
    code, said = talk.end()
    assert (code, "krakenctl attest ApiKey/acme/bot" in " ".join(said.split())) == (8, True), said
    ran = desk.run("apply", "--yes", "--accept-unverified", "ticket 4711")
    assert ran.code == 0, ran.out + ran.err
    assert desk.recorded().keys
    assert "ticket 4711" in desk.run("log").out
