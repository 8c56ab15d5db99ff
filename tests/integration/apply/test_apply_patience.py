"""A rate limit slows an apply down, and does not stop it."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from krakenctl import exchange, workflow
from krakenctl.apply.patience import PAUSES, patiently
from krakenctl.cli.interrupt import Interrupt
from krakenctl.errors import AnswerLost, RateLimited
from krakenctl.model.key import IssuedKey, KeySpec
from krakenctl.sandbox import Sandbox, clock, open_sandbox
from krakenctl.surfaces.connect import Connect
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
    naps = itertools.count(1)
    monkeypatch.setattr(workflow.time, "sleep", lambda _: next(naps) % 4 or clock.advance(sandbox, 1))
    applied = krakenctl("-C", tmp_path, "apply", "--yes")
    assert applied.code == 0, applied.err
    assert "waiting 2 s before asking again" in applied.err
    assert krakenctl("-C", tmp_path, "plan", "--detailed-exitcode").code == 0
    sandbox.close()


class Waiting:
    """The two ports that patience needs."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.waited: list[float] = []
        self.stop_after = stop_after

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def say(self, text: str) -> None:
        self.said = text

    def interrupted(self) -> bool:
        return self.stop_after is not None and len(self.waited) >= self.stop_after


def refused() -> None:
    raise RateLimited("later")


def test_patience_ends() -> None:
    ports = Waiting()
    with pytest.raises(RateLimited):
        patiently(refused, ports)
    assert sum(ports.waited) == sum(PAUSES)


def test_ctrl_c_ends_the_waiting_for_what_has_not_begun() -> None:
    ports = Waiting(stop_after=3)
    with pytest.raises(RateLimited):
        patiently(refused, ports, abandon=True)
    assert len(ports.waited) == 3


def test_what_has_begun_is_waited_for_to_the_end_whoever_presses_ctrl_c() -> None:
    ports, tries = Waiting(stop_after=0), itertools.count()
    assert patiently(lambda: next(tries) or refused(), ports) == 1
    assert sum(ports.waited) == PAUSES[0]


def test_what_may_have_been_done_is_never_done_twice() -> None:
    calls = []

    def lost() -> None:
        calls.append(1)
        raise AnswerLost("who knows")

    with pytest.raises(AnswerLost):
        patiently(lost, Waiting())
    assert calls == [1]


class Busy:
    """A Kraken that refuses the first issues of a run, and a clock that the waiting moves on."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
        self.refusals, self.naps, self.interrupted = refusals, 0, False
        clock.freeze(sandbox, 1_800_000_000)
        self._sandbox = sandbox
        issue = Connect.issue

        def refused_at_first(connect: Connect, name: str, spec: KeySpec) -> IssuedKey:
            if self.refusals:
                self.refusals -= 1
                self.interrupted = True
                raise RateLimited("EAPI:Rate limit exceeded")
            return issue(connect, name, spec)

        monkeypatch.setattr(Connect, "issue", refused_at_first)
        monkeypatch.setattr(exchange, "time", self)
        monkeypatch.setattr(workflow, "time", self)

    def monotonic(self) -> float:
        return self.naps / 4

    def time_ns(self) -> int:
        return 1_800_000_000_000_000_000 + self.naps * 1_000_000

    def sleep(self, _: float) -> None:
        self.naps += 1
        if self.naps % 4 == 0:
            clock.advance(self._sandbox, 1)


@pytest.fixture
def sandbox(workspace: Path) -> Iterator[Sandbox]:
    opened = open_sandbox(workspace / ".krakenctl/sandbox.db")
    yield opened
    opened.close()


def test_a_key_that_was_long_waited_for_is_in_order_afterwards(
    workspace: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Busy(sandbox, monkeypatch, refusals=len(PAUSES))
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0
    assert busy.monotonic() >= sum(PAUSES)
    assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0


def test_a_key_that_was_issued_although_kraken_said_wait_is_found_and_taken_back(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issue, heard = Connect.issue, []

    def done_and_refused(connect: Connect, name: str, spec: KeySpec) -> IssuedKey:
        key = issue(connect, name, spec)
        if not heard:
            heard.append(name)
            raise RateLimited("EService:Busy")
        return key

    monkeypatch.setattr(Connect, "issue", done_and_refused)
    monkeypatch.setattr(workflow.time, "sleep", lambda _: None)
    assert krakenctl("-C", workspace, "apply", "--yes").code == 4
    planned = krakenctl("-C", workspace, "plan").out
    assert f"revoke {heard[0]}" in planned
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0
    assert krakenctl("-C", workspace, "plan", "-o", "json").json["findings"] == []


def test_ctrl_c_while_waiting_in_a_gap_leaves_no_consumer_without_a_key(
    workspace: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    krakenctl("-C", workspace, "apply", "--yes")
    account, keys = workspace / "manifests/account.yaml", workspace / "manifests/keys.yaml"
    account.write_text(account.read_text() + "  limits: {keysPerAccount: 2}\n")
    keys.write_text(keys.read_text().replace("query-ledger]", "query-ledger, export-data]"))
    busy = Busy(sandbox, monkeypatch, refusals=1)
    monkeypatch.setattr(Interrupt, "seen", lambda _: busy.interrupted)
    assert krakenctl("-C", workspace, "apply", "--yes").code == 130
    assert "dashboard.a7.g2" in krakenctl("-C", workspace, "state", "list").out
    assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0


def test_ctrl_c_while_waiting_for_a_first_key_leaves_nothing_begun(
    workspace: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = Busy(sandbox, monkeypatch, refusals=1)
    monkeypatch.setattr(Interrupt, "seen", lambda _: busy.interrupted)
    assert krakenctl("-C", workspace, "apply", "--yes").code == 130
    assert krakenctl("-C", workspace, "state", "list", "-o", "json").json["intents"] == []


def test_a_signal_that_our_caller_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not interrupt.seen()
    finally:
        signal.signal(signal.SIGHUP, before)
