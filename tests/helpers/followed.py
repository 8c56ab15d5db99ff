"""A robot that reads what krakenctl prints for a person, and nothing else, and fills in the website's form by it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from krakenctl.model.permission import SPELLINGS, Permission
from krakenctl.model.time import parse_time
from krakenctl.sandbox.people import operate

_BOX = re.compile(r"^ +\[([x ])\] (.+?)(?: ← .*)?$")
_TASK = re.compile(r"^ +\d+\. (.*)$")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC")
_SAME_LABEL = {  # as the form words them; each is there once
    spelling.label.rpartition(" – ")[2]: code for code, spelling in SPELLINGS.items()
}


@dataclass
class Instructions:
    """What the text says, as it stands there. Empty: to be left empty, or off."""

    title: str
    user: str
    page: str = ""
    name: str = ""
    boxes: dict[str, bool] = field(default_factory=dict)  # by their labels
    addresses: str = ""
    times: dict[str, str] = field(default_factory=dict)  # UTC, by label
    nonce_window: str = ""

    @property
    def codes(self) -> list[Permission]:
        return [_SAME_LABEL[label] for label, ticked in self.boxes.items() if ticked]


def code_of(label: str) -> Permission:
    """Of a box."""
    return _SAME_LABEL[label]


def read(told: str) -> Instructions:
    """From the last step that was shown."""
    lines = told[told.rindex("Step ") :].splitlines()
    found = Instructions(lines[0], _user(_sentence(lines, "Log in to the account ")))
    for line in lines:
        if box := _BOX.match(line):
            found.boxes[box[2]] = box[1] == "x"
    found.page = _pasted(lines, "Open this page")
    found.name = _pasted(lines, "exactly this name")
    found.addresses = _pasted(lines, "IP address restriction: turn it on")
    found.nonce_window = _pasted(lines, "Custom nonce window: turn it on")
    for label in ("Key expiration", "Query start", "Query end"):
        moment = _MOMENT.search(_sentence(lines, label))
        found.times[label] = moment[1] if moment else ""
    return found


def _user(sentence: str) -> str:
    return sentence.removeprefix("Log in to the account ").split(" ")[0].rstrip(",.")


def _sentence(lines: list[str], beginning: str) -> str:
    """With the lines in which it goes on."""
    for place, line in enumerate(lines):
        task = _TASK.match(line)
        if task and task[1].startswith(beginning):
            more = [part.strip() for part in lines[place + 1 : place + 2] if re.match(r" {5}\S", part)]
            return " ".join([task[1], *more])
    return ""


def _pasted(lines: list[str], words: str) -> str:
    """The line at the left edge below the task that says this."""
    for place, line in enumerate(lines):
        if _TASK.match(line) and words in " ".join(lines[place : place + 2]):
            return next((below for below in lines[place + 1 :] if below and not below.startswith(" ")), "")
    return ""


def fields(told: Instructions) -> dict[str, Any]:
    """For `operate`, which fills in the website's form."""
    return {
        "ip_allowlist": tuple(filter(None, told.addresses.split(", "))),
        "valid_until": _seconds(told.times["Key expiration"]),
        "query_from": _seconds(told.times["Query start"]),
        "query_to": _seconds(told.times["Query end"]),
        "nonce_window": int(told.nonce_window or 0),
    }


def _seconds(moment: str) -> int:
    return parse_time(moment.replace(" ", "T") + "Z") if moment else 0


def make(db: Path, told: Instructions, **otherwise: Any) -> tuple[str, str]:
    """The key and its private key. `otherwise`: what is filled in differently."""
    form = {"name": told.name, "permissions": told.codes, "user": told.user} | fields(told) | otherwise
    made = operate.make_key(db, form.pop("user"), form.pop("name"), form.pop("permissions"), **form)
    return made["apiKey"], made["secret"]


def edit(db: Path, told: Instructions, now: str = "", **otherwise: Any) -> None:
    """`now`: what the key is called at the moment, if not as it is told."""
    form = {"name": told.name, "permissions": told.codes} | fields(told) | otherwise
    operate.edit_key(db, told.user, now or told.name, form.pop("permissions"), renamed=form.pop("name"), **form)
