"""A locked account: keys that may live unheeded are told all the same, because that needs no call."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from by_hand import a_key, by_hand, run
from desk import Desk, Doc, account
from krakenctl.model.human import Deleted, HumanStep
from krakenctl.project import open_project
from krakenctl.testing.person import Robot
from krakenctl.workflow import open_desk
from waiting import BOT, NAME, THERE

Scene = Callable[[Desk], list[Doc]]
OTHER = account("two", surface="website")
PEER, MADE = a_key("peer"), a_key(ipAllowlist=[THERE])


class SaysDeleted(Robot):
    def again(self, step: HumanStep, differences: tuple[str, ...]) -> Deleted:
        self.told.append(("again", step, differences))
        return Deleted.SAID


def mistaken(desk: Desk) -> list[Doc]:
    """A key that is said to be deleted, and had never answered from here."""
    desk.declare(*(declared := [by_hand(), PEER, MADE]))
    run(desk, SaysDeleted(desk.db))
    return declared


def claimed(desk: Desk) -> list[Doc]:
    """Replaced, and said to be revoked; from here it has never answered."""
    for permission in ("query-funds", "query-ledger"):
        desk.declare(*(declared := [by_hand(), PEER, a_key("bot", permission, ipAllowlist=[THERE])]))
        run(desk, Robot(desk.db, reason="a test"))
    return declared


@pytest.mark.parametrize(
    ("scene", "words"), [(mistaken, "is said to be deleted by alice"), (claimed, "is claimed by alice")]
)
@pytest.mark.parametrize("others", [[], [OTHER]], ids=["the only account", "one of two"])
def test_a_key_that_may_live_is_told(desk: Desk, scene: Scene, words: str, others: list[Doc]) -> None:
    declared = scene(desk)
    desk.advance(60)
    with open_desk(open_project(desk.root)) as opened:
        opened.known_of("acme").note_lockout()
    desk.declare(*declared, *others)
    ran = desk.run("plan")
    said = " ".join((ran.out + ran.err).split())
    assert (ran.code, "locked acme" in said) == (0, True), said
    assert f"{NAME} {words}" in said, said
    assert f"recover --absent {BOT}:{NAME}" in said, said
