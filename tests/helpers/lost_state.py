"""A desk that loses its state, and rebuilds it."""

from __future__ import annotations

import jsonschema_rs

from desk import Desk
from krakenctl import schema_files
from running import Ran

JUDGE = jsonschema_rs.validator_for(schema_files.load("rebuild"))


def lose(desk: Desk) -> None:
    for file in desk.state_path.parent.glob("state.db*"):
        file.unlink()


def rebuild(desk: Desk, *args: str) -> Ran:
    ran = desk.run("state", "rebuild", "--yes", "-o", "json", *args)
    assert ran.code == 0, ran.out + ran.err
    JUDGE.validate(ran.json)
    return ran
