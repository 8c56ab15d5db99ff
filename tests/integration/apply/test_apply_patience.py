"""A rate limit slows an apply down, and does not stop it."""

from __future__ import annotations

from pathlib import Path

import pytest

from krakenctl import workflow
from krakenctl.apply.patience import PAUSES, patiently
from krakenctl.errors import AnswerLost, RateLimited
from krakenctl.sandbox import clock, open_sandbox
from running import krakenctl

DESKS = 30  # the sandbox, as Kraken at the Pro tier, takes 20 signed calls at once and then one a second

SUB_ACCOUNT = """---
apiVersion: krakenctl/v1
kind: SubAccount
metadata: {{name: desk-{0}}}
spec: {{account: acme, username: desk-{0}, email: desk-{0}@acme.example}}
"""


def test_more_sub_accounts_than_the_exchange_takes_at_once_are_requested_in_one_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    krakenctl("-C", tmp_path, "init", "--name", "acme")
    (tmp_path / "manifests/desks.yaml").write_text("".join(SUB_ACCOUNT.format(number) for number in range(DESKS)))
    sandbox = open_sandbox(tmp_path / ".krakenctl/sandbox.db")
    clock.freeze(sandbox, 1_800_000_000)
    monkeypatch.setattr(workflow, "_wait", lambda seconds, _: clock.advance(sandbox, int(seconds)))
    applied = krakenctl("-C", tmp_path, "apply", "--yes")
    assert applied.code == 0, applied.err
    assert "waiting 2 s before asking again" in applied.err
    assert krakenctl("-C", tmp_path, "plan", "--detailed-exitcode").code == 0
    sandbox.close()


class Waiting:
    """The two ports that patience needs."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.stop = False

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def say(self, text: str) -> None:
        self.said = text

    def interrupted(self) -> bool:
        return self.stop


def refused() -> None:
    raise RateLimited("later")


def test_patience_ends() -> None:
    ports = Waiting()
    with pytest.raises(RateLimited):
        patiently(refused, ports)
    assert ports.waited == list(PAUSES)


def test_ctrl_c_ends_the_waiting() -> None:
    ports = Waiting()
    ports.stop = True
    with pytest.raises(RateLimited):
        patiently(refused, ports)
    assert ports.waited == []


def test_what_may_have_been_done_is_never_done_twice() -> None:
    calls = []

    def lost() -> None:
        calls.append(1)
        raise AnswerLost("who knows")

    with pytest.raises(AnswerLost):
        patiently(lost, Waiting())
    assert calls == [1]


def test_a_wait_ends_soon_after_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr(workflow.time, "sleep", naps.append)
    workflow._wait(60.0, lambda: len(naps) == 3)
    assert sum(naps) < 1
    naps.clear()
    workflow._wait(60.0, lambda: False)
    assert sum(naps) == 60
