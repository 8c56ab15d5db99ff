"""Why a key may have a permission: each level's word, and each way that grants it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from desk import Desk, account, key, make_desk, removed, subaccount
from krakenctl.access.why import why as explain
from krakenctl.errors import UsageError
from krakenctl.load import read_manifests
from krakenctl.model.access import Says, Why
from krakenctl.model.address import Address
from krakenctl.model.origin import Origin
from krakenctl.model.permission import Permission
from krakenctl.project import open_project
from krakenctl.tasks.reasons import reasons
from running import ROOT


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return make_desk(tmp_path / "w")


def why(desk: Desk, address: str, permission: Permission) -> Why:
    [found] = reasons(desk.root, Address.parse(address), [permission])
    return found


def permission_set(name: str, *permissions: str, include: tuple[str, ...] = ()) -> dict[str, object]:
    spec = {"permissions": list(permissions), "include": list(include)}
    return {
        "apiVersion": "krakenctl/v1",
        "kind": "PermissionSet",
        "metadata": {"name": name},
        "spec": {field: value for field, value in spec.items() if value},
    }


@pytest.fixture
def nested(desk: Desk) -> Desk:
    """A bot two sets away from a permission, below a level that denies another."""
    desk.declare(
        account(permissions={"allow": ["query-funds", "query-ledger", "withdraw-funds"]}),
        subaccount("below", permissions={"deny": ["withdraw-funds"]}),
        permission_set("inner", "query-funds"),
        permission_set("outer", "query-ledger", include=("inner",)),
        key("bot", "query-funds", on="below", grants={"sets": ["outer"], "permissions": ["query-funds"]}),
    )
    return desk


def test_every_level_has_its_word_and_its_line(nested: Desk) -> None:
    told = why(nested, "ApiKey/below/bot", Permission.WITHDRAW_FUNDS)
    assert [(str(level.address), level.says) for level in told.levels] == [
        ("Account/acme", Says.ALLOWS),
        ("SubAccount/below", Says.DENIES),
    ]
    assert all(level.origin.line for level in told.levels)
    assert not told.allowed
    assert told.ways == ()


def test_what_a_level_leaves_out_of_its_list_is_not_allowed(nested: Desk) -> None:
    told = why(nested, "SubAccount/below", Permission.EARN_FUNDS)
    assert [level.says for level in told.levels] == [Says.NOT_ALLOWED, Says.ALLOWS]


def test_every_way_to_a_permission_is_told_with_its_lines(nested: Desk) -> None:
    told = why(nested, "ApiKey/below/bot", Permission.QUERY_FUNDS)
    assert [[link.text for link in way] for way in told.ways] == [
        ["the key's own grants"],
        ["the key is granted the set outer", "PermissionSet/outer includes inner", "PermissionSet/inner holds it"],
    ]
    lines = (nested.root / "manifests/all.yaml").read_text().splitlines()
    [(own,), (_, includes, holds)] = told.ways
    assert '"query-funds"' in lines[own.origin.line - 1]
    assert '"inner"' in lines[includes.origin.line - 1]
    assert '"query-funds"' in lines[holds.origin.line - 1]


@pytest.mark.parametrize("example", ["01-first-key", "02-trading-desk", "03-solo-trader"])
def test_levels_and_ways_agree_with_what_validate_makes_of_the_manifests(example: str) -> None:
    root = ROOT / "examples" / example
    project = open_project(root)
    documents = read_manifests(root, project.workspace.manifests).documents
    for address, declared in project.desired.keys.items():
        for permission in Permission:
            told = explain(address, permission, project.desired, documents, lambda place: Origin(place.file))
            assert bool(told.ways) == (permission in declared.grants)
            ceiling = project.desired.accounts[declared.account].ceiling
            assert all(level.says is Says.ALLOWS for level in told.levels) == (permission in ceiling)


def test_manifests_that_grant_too_much_are_no_reason_to_say_nothing(desk: Desk) -> None:
    """It is then that somebody asks."""
    desk.declare(account(permissions={"deny": ["withdraw-funds"]}), key("bot", "query-funds", "withdraw-funds"))
    told = why(desk, "ApiKey/acme/bot", Permission.WITHDRAW_FUNDS)
    assert (told.allowed, bool(told.ways), told.sound) == (False, True, False)
    ran = desk.run("explain", "ApiKey/acme/bot", "withdraw-funds")
    assert ran.code == 0, ran.err
    assert "It may not have it, although it is granted it." in ran.out
    assert "`krakenctl validate` shows them" in " ".join(ran.out.split())
    assert ran.out.count("denies it") == 1


def test_manifests_of_which_something_is_hidden_are(desk: Desk) -> None:
    desk.declare(account(), key("bot"), {**permission_set("trader", "query-funds"), "kind": "PermissionSets"})
    ran = desk.run("explain", "ApiKey/acme/bot", "query-funds")
    assert (ran.code, "unknown-kind" in ran.out + ran.err) == (1, True)


def test_what_the_surface_cannot_give_is_not_allowed(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    told = why(desk, "ApiKey/acme/bot", Permission.CREATE_WS_TOKEN)
    assert (told.grantable, told.allowed) == (False, False)


def test_what_was_sent_is_told_beside_what_is_declared(desk: Desk) -> None:
    desk.declare(account(), key("bot", "query-funds"))
    desk.applied().declare(account(), key("bot", "query-ledger"))
    told = why(desk, "ApiKey/acme/bot", Permission.QUERY_FUNDS)
    assert told.ways == ()
    assert [(sent.name, sent.holds) for sent in told.sent] == [("bot.a7.g1", True)]


def test_a_key_that_is_only_remembered_is_told_as_such(desk: Desk) -> None:
    desk.declare(account(), key("bot"), key("other"))
    desk.applied().declare(account(), key("other"), removed("ApiKey/acme/bot", "revoke"))
    told = why(desk, "ApiKey/acme/bot", Permission.QUERY_FUNDS)
    assert not told.declared
    assert [sent.holds for sent in told.sent] == [True]


def test_an_address_that_nobody_has_heard_of_is_refused(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    with pytest.raises(UsageError):
        why(desk, "ApiKey/acme/nobody", Permission.QUERY_FUNDS)


def test_a_state_that_cannot_be_read_does_not_keep_back_what_manifests_say(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    desk.state_path.write_bytes(b"no database")
    told = why(desk, "ApiKey/acme/bot", Permission.QUERY_FUNDS)
    assert (told.allowed, bool(told.ways), bool(told.blind)) == (True, True, True)


def test_nothing_is_made_where_there_is_no_state(desk: Desk) -> None:
    desk.declare(account(), key("bot"))
    before = _files(desk.root)
    told = why(desk, "ApiKey/acme/bot", Permission.QUERY_FUNDS)
    assert told.sent == ()
    assert _files(desk.root) == before


def _files(root: Path) -> set[Path]:
    def walk() -> Iterator[Path]:
        yield from root.rglob("*")

    return set(walk())
