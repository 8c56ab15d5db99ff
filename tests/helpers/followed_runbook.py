"""A robot that reads a runbook, and nothing else, and fills in the website's form by it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import followed

_BOX = re.compile(r"^ +- \[ \] (\*\*tick\*\*|leave) (.+?)(?: \*\*\(.*)?$")
_MOMENT = re.compile(r"^- \[ \] (Key expiration|Query start|Query end): (\S+ \S+) UTC")


def read(text: str, step: int = 1) -> followed.Instructions:
    lines = text[text.index(f"## Step {step} ") :].partition("\n## ")[0].splitlines()
    user = re.search(r"Log in to the account (\S+)", "\n".join(lines))
    found = followed.Instructions(lines[0].removeprefix("## "), user[1].rstrip(",.") if user else "")
    for line in lines:
        if box := _BOX.match(line):
            label = box[2].rpartition(": ")[2]
            found.boxes["On" if label == "WebSocket interface" else label] = box[1] != "leave"
        if moment := _MOMENT.match(line):
            found.times[moment[1]] = moment[2]
    found.times = dict.fromkeys(("Key expiration", "Query start", "Query end"), "") | found.times
    found.name = _pasted(lines, "exactly this name")
    found.addresses = _pasted(lines, "IP address restriction: turn it on")
    found.nonce_window = _pasted(lines, "Custom nonce window: turn it on")
    return found


def _pasted(lines: list[str], words: str) -> str:
    place = next((number for number, line in enumerate(lines) if words in line), None)
    return "" if place is None else lines[place + 2].strip()


def make(db: Path, text: str, step: int = 1, **otherwise: Any) -> tuple[str, str]:
    return followed.make(db, read(text, step), **otherwise)
