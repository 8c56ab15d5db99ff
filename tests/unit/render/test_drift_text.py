"""Drift as people read it."""

from krakenctl.model.address import key_address
from krakenctl.model.coverage import Coverage
from krakenctl.model.drift import Drift, Drifted, DriftSight, FieldDrift, Kind, Mends
from krakenctl.render import drift, drift_markdown
from krakenctl.render.paint import Paint

NOW = 1_800_000_000
BOT = key_address("acme", "bot")


def found(*drifts, **fields):
    sights = (DriftSight(account="acme", coverage=Coverage.COMPLETE, keys=3),)
    return Drifted(
        **{"workspace": "acme", "endpoint": "sandbox", "at": NOW, "drifts": drifts, "sights": sights} | fields
    )


def changed(**fields):
    usual = {"kind": Kind.CHANGED, "account": "acme", "address": BOT, "name": "bot.a7.g1", "message": "it was changed"}
    return Drift(**usual | fields)


def text(told):
    return drift.text(told, Paint(width=100))


def test_nothing_is_called_clean_beyond_what_was_seen():
    assert "No drift in what was seen.\nacme: every key is seen.\n" in text(found())
    blind = DriftSight(account="acme", coverage=Coverage.NONE, reason="its credential is missing")
    assert "acme: no live key is seen (its credential is missing)." in text(found(sights=(blind,)))


def test_what_was_left_out_is_counted_and_never_called_nothing():
    told = text(found(ignored={"unmanaged": 2}))
    assert "No other drift in what was seen." in told
    assert "Left out, as asked for: 2 unmanaged." in told


def test_keys_that_were_not_asked_are_named_with_the_reason():
    unasked = {f"k{number}": "its allow-list may leave this host out" for number in range(7)} | {"x": "it has expired"}
    told = " ".join(text(found(sights=(DriftSight(account="a", coverage=Coverage.HELD, unasked=unasked),))).split())
    assert "taken as recorded: k0, k1, k2, k3, k4 and 2 more (its allow-list may leave this host out)" in told
    assert "taken as recorded: x (it has expired)" in told


def test_a_field_is_told_as_declared_as_sent_and_as_live():
    row = FieldDrift(field="ipAllowlist", desired=["192.0.2.1"], recorded=["192.0.2.1"], live=["any"])
    told = text(found(changed(sent=NOW, fields=(row,))))
    assert "ipAllowlist: declared 192.0.2.1 · sent 192.0.2.1 · live any" in told
    free = FieldDrift(field="nonceWindow", desired=None, recorded=0, live=5, managed=False)
    assert "nonceWindow: not declared · sent 0 · live 5" in text(found(changed(sent=NOW, fields=(free,))))
    assert "nonceWindow: not declared · recorded 0 · live 5" in text(found(changed(fields=(free,)))), "never sent"


def test_times_are_told_once():
    assert drift.when(changed(since=NOW, modified=NOW, sent=NOW - 60)) == (
        "modified 2027-01-15T08:00:00Z, last sent 2027-01-15T07:59:00Z"
    )
    assert drift.when(changed(modified=NOW, sent=NOW)) == "last sent 2027-01-15T08:00:00Z"
    assert drift.when(changed()) == ""


def test_of_very_many_of_a_kind_the_first_are_told():
    many = [changed(address=None, kind=Kind.UNMANAGED, name=f"k{number}") for number in range(80)]
    told = text(found(*many))
    assert told.count("unmanaged  acme: k") == drift.MANY
    assert "… and 30 more of these" in told
    assert "80 unmanaged" in told
    assert len(drift.as_json(found(*many))["drifts"]) == 80
    assert "… and 30 more of these" in drift_markdown.render(found(*many))


def test_the_safety_limits_that_an_apply_would_meet_are_told():
    told = found(changed(mends=Mends.APPLY), flags="--max-revokes 11 --reason TEXT")
    assert "`krakenctl apply --max-revokes 11 --reason TEXT`" in " ".join(text(told).split())
    assert "--max-revokes" not in text(found(changed(), flags="--max-revokes 11 --reason TEXT"))


def test_a_name_cannot_move_the_cursor_or_forge_markdown():
    evil = changed(address=None, name="a\x1b[2Jb|<i>`", message="“a\x1b[2Jb|<i>`”")
    assert "\x1b" not in text(found(evil))
    [row] = [line for line in drift_markdown.render(found(evil)).splitlines() if line.startswith("| changed")]
    assert "\x1b" not in row
    assert row.replace("\\|", "").count("|") == 5
