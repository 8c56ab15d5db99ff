"""who-can: nobody who can is left out, and what is not seen is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from by_hand import a_key, by_hand, run
from desk import DAY, NOW, Desk, account, key, make_desk, stop_time, subaccount
from krakenctl import schema_files
from krakenctl.access.who import AccessScene, who
from krakenctl.cli.app import COMMANDS
from krakenctl.knowledge.needs import Needs
from krakenctl.model.access import Holders, Standing
from krakenctl.model.coverage import Coverage
from krakenctl.model.desired import Desired
from krakenctl.model.key import KeySpec, LiveKey
from krakenctl.model.live import LiveAccount, Phase
from krakenctl.model.permission import Permission
from krakenctl.model.recorded import Recorded
from krakenctl.sandbox.people import operate
from krakenctl.testing.person import Robot

JUDGE = jsonschema_rs.validator_for(schema_files.load("who-can"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    stop_time(monkeypatch)
    return make_desk(tmp_path / "w")


def asked(desk: Desk, *args: str) -> Any:
    ran = desk.run("who-can", "-o", "json", *args)
    assert ran.code == 0, ran.out + ran.err
    JUDGE.validate(ran.json)
    return ran.json


def columns(document: Any) -> dict[str, tuple[str, str, str]]:
    return {
        row["address"] or row["name"]: (row["declared"], row["recorded"], row["live"]) for row in document["holders"]
    }


@pytest.fixture
def busy(desk: Desk) -> Desk:
    desk.declare(account(), key("seer", "query-funds"), key("bot", "modify-trades", "close-trades"))
    return desk.applied()


def test_what_is_declared_recorded_and_live_stands_side_by_side(busy: Desk) -> None:
    assert columns(asked(busy, "query-funds")) == {"ApiKey/acme/seer": ("holds", "holds", "holds")}


def test_what_was_taken_from_a_manifest_and_not_applied_is_still_told(busy: Desk) -> None:
    busy.declare(account(), key("seer", "query-ledger"), key("bot", "modify-trades", "close-trades"))
    assert columns(asked(busy, "query-funds")) == {"ApiKey/acme/seer": ("lacks", "holds", "holds")}
    assert columns(asked(busy, "query-ledger")) == {"ApiKey/acme/seer": ("holds", "lacks", "lacks")}


def test_what_is_declared_and_was_never_issued_is_told(busy: Desk) -> None:
    busy.declare(account(), key("new", "query-ledger"), key("seer", "query-funds"))
    assert columns(asked(busy, "query-ledger")) == {"ApiKey/acme/new": ("holds", "absent", "absent")}


def test_a_key_that_somebody_else_has_deleted_is_told_as_gone(busy: Desk) -> None:
    operate.revoke_key(busy.db, "acme", "seer.a7.g1")
    assert columns(asked(busy, "query-funds")) == {"ApiKey/acme/seer": ("holds", "holds", "absent")}


def test_a_key_that_has_expired_is_told_as_such(busy: Desk) -> None:
    busy.advance(200 * DAY)
    assert columns(asked(busy, "query-funds")) == {"ApiKey/acme/seer": ("holds", "expired", "expired")}


def test_a_call_that_needs_two_permissions_is_for_those_who_have_both(busy: Desk) -> None:
    busy.declare(account(), key("half", "modify-trades"), key("bot", "modify-trades", "close-trades"))
    busy.applied()
    assert set(columns(asked(busy, "AddOrderBatch"))) == {"ApiKey/acme/bot"}
    assert set(columns(asked(busy, "AmendOrder"))) == {"ApiKey/acme/bot", "ApiKey/acme/half"}


def test_any_key_may_call_what_needs_nothing(busy: Desk) -> None:
    assert set(columns(asked(busy, "GetApiKeyInfo"))) == {"ApiKey/acme/bot", "ApiKey/acme/seer"}


def test_offline_nobody_is_asked_and_that_is_said(busy: Desk) -> None:
    busy.fault("cut", times="always")
    document = asked(busy, "query-funds", "--offline")
    assert columns(document) == {"ApiKey/acme/seer": ("holds", "holds", "unseen")}
    assert [sight["looked"] for sight in document["coverage"]] == [False]


def test_where_the_exchange_cannot_be_asked_nothing_is_made_up(busy: Desk) -> None:
    busy.fault("error", error="ESession:Invalid session", times="always")
    ran = busy.run("who-can", "query-funds")
    assert ran.code == 1
    assert "--offline asks only manifests and state" in " ".join(ran.err.split())


def test_nobody_is_an_answer_too_and_says_what_was_seen(busy: Desk) -> None:
    ran = busy.run("who-can", "withdraw-funds")
    assert ran.code == 0
    assert "No key that is seen here holds withdraw-funds." in ran.out
    assert "keys made on the website or by other clients are not" in " ".join(ran.out.split())


def test_under_an_account_only_what_lies_below_is_told(desk: Desk) -> None:
    desk.declare(account(), subaccount("below"), key("top"), key("low", on="below"))
    desk.applied().applied()
    assert set(columns(asked(desk, "query-funds", "--under", "below"))) == {"ApiKey/below/low"}
    assert set(columns(asked(desk, "query-funds", "--under", "Account/acme"))) == {
        "ApiKey/below/low",
        "ApiKey/acme/top",
    }
    ran = desk.run("who-can", "query-funds", "--under", "nowhere")
    assert ran.code == 64
    assert "acme, below" in ran.err


def test_mistakes_in_manifests_are_no_reason_to_leave_it_open(busy: Desk) -> None:
    (busy.root / "manifests/all.yaml").write_text("kind: Nonsense\n")
    document = asked(busy, "query-funds")
    assert columns(document) == {"ApiKey/acme/seer": ("unseen", "holds", "holds")}
    assert not document["sound"]
    assert "krakenctl validate" in busy.run("who-can", "query-funds").out


def test_keys_that_nobody_here_manages_are_told_as_such(busy: Desk) -> None:
    (busy.root / ".krakenctl/state.db").unlink()
    told = asked(busy, "query-funds")["holders"]
    assert [(row["name"], row["managed"], row["live"]) for row in told if not row["managed"]] == [
        ("seer.a7.g1", False, "holds")
    ]


@pytest.mark.parametrize(("nonce", "seen"), [("ms", "holds"), ("unknown", "unseen")])
def test_a_key_made_on_the_website_is_told_as_live_only_where_it_was_asked(desk: Desk, nonce: str, seen: str) -> None:
    desk.declare(by_hand(), a_key(consumer={"nonce": nonce}))
    run(desk, Robot(desk.db))
    document = asked(desk, "query-funds")
    assert columns(document) == {"ApiKey/acme/bot": ("holds", "holds", seen)}
    [sight] = document["coverage"]
    assert (sight["coverage"], sight["unasked"]) == ("held", [] if seen == "holds" else ["bot.a7.g1"])


def test_nothing_is_changed(busy: Desk) -> None:
    before = busy.state_path.read_bytes(), busy.rows()
    asked(busy, "query-funds")
    assert (busy.state_path.read_bytes(), busy.rows()) == before


def test_what_nobody_knows_is_guessed_at(busy: Desk) -> None:
    ran = busy.run("who-can", "witdraw-funds")
    assert ran.code == 64
    assert "did you mean withdraw-funds" in ran.err


def test_the_command_is_in_the_list() -> None:
    assert {"explain", "who-can"} <= set(COMMANDS)


# --- laws, over what may be live

permissions = st.frozensets(st.sampled_from(Permission))
live_keys = st.lists(
    st.builds(
        LiveKey,
        name=st.text("abc", min_size=1, max_size=3),
        spec=st.builds(KeySpec, permissions=permissions, valid_until=st.sampled_from([0, NOW - 1, NOW + 1])),
        created=st.integers(0, 3),
    ),
    unique_by=lambda live: live.name,
    max_size=5,
)


def _of(keys: list[LiveKey], needs: Needs, coverage: Coverage = Coverage.COMPLETE) -> Holders:
    seen = LiveAccount(name="acme", phase=Phase.READY, coverage=coverage, keys=tuple(keys))
    nothing = Desired(accounts={}, keys={}, removals={}, digest="")
    scene = AccessScene(
        desired=nothing, recorded=Recorded(lineage="x"), live={"acme": seen}, accounts=["acme"], now=NOW
    )
    return who(scene, needs.met_by)


@settings(deadline=None)
@given(live_keys, st.sampled_from(Permission))
def test_exactly_the_live_keys_that_hold_it_are_told(keys: list[LiveKey], permission: Permission) -> None:
    told = {holder.name: holder.live for holder in _of(keys, Needs.one(permission)).holders}
    assert told == {
        live.name: Standing.EXPIRED if 0 < live.spec.valid_until <= NOW else Standing.HOLDS
        for live in keys
        if permission in live.spec.permissions
    }


def test_a_key_with_a_permission_that_nobody_knows_is_in_doubt() -> None:
    odd = LiveKey(name="odd", spec=KeySpec(permissions=frozenset(), unknown_permissions=frozenset({"fly"})), created=1)
    told = _of([odd], Needs.one(Permission.WITHDRAW_FUNDS))
    assert (told.holders, [holder.name for holder in told.doubtful]) == ((), ["odd"])


@given(st.sampled_from(Coverage))
def test_a_blind_spot_is_never_told_as_clean(coverage: Coverage) -> None:
    [sight] = _of([], Needs.one(Permission.QUERY_FUNDS), coverage).sights
    assert sight.coverage is coverage
