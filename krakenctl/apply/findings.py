"""Deeds that earlier runs did and were killed before they told of them: each is told once, by the run that finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property

from krakenctl.apply.ports import Ports
from krakenctl.apply.work import FOUND
from krakenctl.model.journal import Intent
from krakenctl.model.plan import Verb
from krakenctl.model.run import Deed

_HAPPENED = ("done", FOUND, "gone")  # the last is the kill switch's word
_ONCE = (Verb.ISSUE, Verb.STORE, Verb.REVOKE)  # in the life of a key: its name is burned


class Findings:
    """One for a whole recovery: it reads the log once, and only when something was found."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def of(self, intent: Intent, verb: Verb, name: str) -> Sequence[Deed]:
        """The line for a deed of this intent; none, if the log has one already."""
        handle = (verb.value, intent.account, name)
        since = 0 if verb in _ONCE else intent.began
        if self._told.get(handle, -1) >= since:
            return ()
        return [
            Deed(
                at=self._ports.now(),
                run=self._ports.run.of_plan(intent.plan),
                verb=verb.value,
                outcome=FOUND,
                address=intent.address,
                account=intent.account,
                name=name,
                message=f"found {'gone' if verb is Verb.REVOKE else 'done'}; begun by {_begun_by(intent)}",
            )
        ]

    @cached_property
    def _told(self) -> Mapping[tuple[str, str, str], int]:
        """When each was told last, by verb, account and name."""
        told: dict[tuple[str, str, str], int] = {}
        for line in self._ports.state.log.lines():
            read = json.loads(line)
            if read["outcome"] in _HAPPENED:
                told[read["verb"], read.get("account", ""), read.get("name", "")] = read["at"]
        return told


def _begun_by(intent: Intent) -> str:
    run = f"run {intent.run}" if intent.run else "an earlier run"
    return f"{intent.who}'s {run}" if intent.who and intent.run else run
