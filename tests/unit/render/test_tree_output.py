"""The hierarchy as people read it."""

import re

import pytest

from golden import golden
from krakenctl.model.permission import ALL, Permission
from krakenctl.render import tree
from krakenctl.render.paint import Paint
from plan_builders import DAY, NOW, READ, account, bot, sub_account, wish

ANSI = re.compile(r"\x1b\[[0-9;]*m")
NO_WITHDRAWAL = ALL - {Permission.WITHDRAW_FUNDS, Permission.ADD_WITHDRAW_ADDRESS, Permission.UPDATE_WITHDRAW_ADDRESS}

DESIRED = wish(
    bot("treasury", grants=ALL, ip_allowlist=()),
    bot("audit", grants=READ, valid_for=90 * DAY),
    bot("mm-btc", "desk", valid_until=NOW, ip_allowlist=("192.0.2.1", "198.51.100.0/28", "2001:db8::/32")),
    bot("quotes", "otc", grants=READ),
    accounts=[
        account(ceiling=ALL),
        sub_account("desk", ceiling=NO_WITHDRAWAL),
        sub_account("otc", ceiling=READ),
        sub_account("idle", ceiling=frozenset()),
        account("solo"),
    ],
)


def test_a_tree_reads_as_it_did_when_somebody_last_read_it():
    shown = "\n".join(f"=== {width} ===\n\n{tree.render(DESIRED, Paint(width=width))}" for width in (60, 100, 160))
    got, kept = golden("tree.txt", shown)
    assert got == kept


@pytest.mark.parametrize("width", range(60, 161, 5))
def test_no_line_of_a_tree_is_wider_than_the_terminal(width):
    lines = tree.render(DESIRED, Paint(width=width)).splitlines()
    assert [line for line in lines if len(line) > width or line != line.rstrip()] == []


def test_colours_are_on_top_of_the_same_tree():
    coloured = tree.render(DESIRED, Paint(colour=True, width=70))
    assert "\x1b" in coloured
    assert ANSI.sub("", coloured) == tree.render(DESIRED, Paint(width=70))


def test_what_can_move_money_is_red_and_what_only_reads_is_green():
    coloured = tree.render(DESIRED, Paint(colour=True, width=160))
    assert "\x1b[31mwithdraw-funds\x1b[0m" in coloured
    assert "\x1b[32mquery-funds\x1b[0m" in coloured
