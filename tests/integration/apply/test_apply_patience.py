"""A rate limit slows an apply down, and does not stop it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenctl import workflow
from krakenctl.apply.patience import GLITCHES, LONGEST, PAUSES, PatientSurface, asking, patiently
from krakenctl.cli.interrupt import Interrupt
from krakenctl.errors import (
    AnswerLost,
    ExchangeError,
    LockedOut,
    NotAuthorised,
    PermissionDenied,
    RateLimited,
    Refused,
    TooManyKeys,
    Unavailable,
    Unreachable,
)
from krakenctl.model.key import IssuedKey, KeySpec
from krakenctl.sandbox import Sandbox, clock, open_sandbox
from krakenctl.sandbox.switches import set_switch
from krakenctl.surfaces.connect import Connect
from krakenctl.wiring import exchange
from running import krakenctl

NOW = 1_800_000_000
DESKS = 30  # the sandbox, as Kraken at the Pro tier, takes 20 signed calls at once and then one a second

SUB_ACCOUNT = """---
apiVersion: krakenctl/v1
kind: SubAccount
metadata: {{name: desk-{0}}}
spec: {{account: acme, username: desk-{0}, email: desk-{0}@acme.example}}
"""


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slept]:
    """A workspace with more new sub-accounts than Kraken takes at once; who waits moves the sandbox's clock."""
    krakenctl("-C", tmp_path, "init", "--name", "acme")
    (tmp_path / "manifests/desks.yaml").write_text("".join(SUB_ACCOUNT.format(number) for number in range(DESKS)))
    sandbox = open_sandbox(tmp_path / ".krakenctl/sandbox.db")
    clock.freeze(sandbox, 1_800_000_000)
    yield Slept(sandbox, monkeypatch)
    sandbox.close()


class Slept:
    """In place of sleep, and of the clock that it moves."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        self._sandbox = sandbox
        monkeypatch.setattr(exchange, "time", self)
        monkeypatch.setattr(workflow, "time", self)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        clock.advance(self._sandbox, seconds)

    def monotonic(self) -> float:
        return self.seconds

    def time_ns(self) -> int:
        return 1_800_000_000_000_000_000 + int(self.seconds * 1_000_000_000)


def test_more_sub_accounts_than_the_exchange_takes_at_once_are_requested_in_one_apply_and_none_is_refused(
    tmp_path: Path, desks: Slept
) -> None:
    applied = krakenctl("-C", tmp_path, "apply", "--yes")
    assert applied.code == 0, applied.err
    assert "waiting" not in applied.err
    assert desks.seconds == pytest.approx(DESKS - 20)
    assert krakenctl("-C", tmp_path, "plan", "--detailed-exitcode").code == 0


def test_a_kraken_that_takes_less_than_we_believe_is_waited_for(tmp_path: Path, desks: Slept) -> None:
    set_switch(tmp_path / ".krakenctl/sandbox.db", "tier", "starter")
    applied = krakenctl("-C", tmp_path, "apply", "--yes")
    assert applied.code == 0, applied.err
    assert "before asking again" in applied.err
    assert desks.seconds >= (DESKS - 15) / 0.33 - 3
    assert krakenctl("-C", tmp_path, "plan", "--detailed-exitcode").code == 0


class Waiting:
    """The ports that patience needs. Waiting moves its clock."""

    def __init__(self, stop_after: int | None = None, chance: float = 1.0) -> None:
        self.waited: list[float] = []
        self.stop_after = stop_after
        self._chance = chance
        self.said = ""

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)

    def now(self) -> int:
        return NOW + int(sum(self.waited))

    def chance(self) -> float:
        return self._chance

    def say(self, text: str) -> None:
        self.said = text

    def interrupted(self) -> bool:
        return self.stop_after is not None and len(self.waited) >= self.stop_after


class Answers:
    """A deed that fails with each of these in turn, and is done then."""

    def __init__(self, *problems: ExchangeError) -> None:
        self._problems = list(problems)
        self.tries = 0

    def __call__(self) -> str:
        self.tries += 1
        if self._problems:
            raise self._problems.pop(0)
        return "done"


def refusals(count: int = 100) -> Answers:
    return Answers(*(RateLimited("later") for _ in range(count)))


def test_patience_ends() -> None:
    ports = Waiting()
    with pytest.raises(RateLimited):
        patiently(refusals(), ports)
    assert sum(ports.waited) == sum(PAUSES)


@given(chances=st.lists(st.floats(0, 1), min_size=len(PAUSES), max_size=len(PAUSES)))
def test_each_pause_is_drawn_from_nothing_to_its_upper_end(chances: list[float]) -> None:
    ports, drawn, deed = Waiting(), iter(chances), refusals(len(PAUSES))
    ports.chance = lambda: next(drawn)  # type: ignore[method-assign]
    assert patiently(deed, ports) == "done"
    wanted = sum(chance * pause for chance, pause in zip(chances, PAUSES, strict=True))
    assert sum(ports.waited) == pytest.approx(wanted)


def test_who_says_when_to_come_back_is_not_asked_before() -> None:
    for asked in (RateLimited("later", wait=90), RateLimited("throttled", until=NOW + 90)):
        ports = Waiting(chance=0.0)
        assert patiently(Answers(asked), ports) == "done"
        assert 90 <= sum(ports.waited) <= 91


def test_who_says_to_come_back_much_later_is_not_asked_again_in_this_run() -> None:
    for asked in (RateLimited("later", wait=LONGEST + 1), RateLimited("throttled", until=NOW + 3600)):
        ports, deed = Waiting(), Answers(asked)
        with pytest.raises(RateLimited):
            patiently(deed, ports)
        assert (ports.waited, deed.tries) == ([], 1)


def test_ctrl_c_ends_the_waiting_for_what_has_not_begun() -> None:
    ports = Waiting(stop_after=3)
    with pytest.raises(RateLimited):
        patiently(refusals(), ports, abandon=True)
    assert len(ports.waited) == 3


def test_what_has_begun_is_waited_for_to_the_end_whoever_presses_ctrl_c() -> None:
    ports = Waiting(stop_after=0)
    assert patiently(refusals(1), ports) == "done"
    assert sum(ports.waited) == PAUSES[0]


@pytest.mark.parametrize("problem", [AnswerLost("who knows"), Unreachable("no route"), NotAuthorised("no"),
                                     LockedOut("wait"), TooManyKeys("full"), PermissionDenied("no")])  # fmt: skip
def test_nothing_but_a_rate_limit_makes_a_deed_be_done_again(problem: ExchangeError) -> None:
    deed = Answers(problem)
    with pytest.raises(type(problem)):
        patiently(deed, Waiting())
    assert deed.tries == 1


@pytest.mark.parametrize("problem", [AnswerLost("HTTP 502"), Unreachable("no route"), RateLimited("later")])
def test_a_question_is_asked_again_when_its_answer_was_lost(problem: ExchangeError) -> None:
    assert asking(Answers(problem), Waiting()) == "done"


def test_a_question_is_not_asked_for_ever() -> None:
    question = Answers(*(AnswerLost("HTTP 502") for _ in range(100)))
    with pytest.raises(AnswerLost):
        asking(question, Waiting())
    assert question.tries == len(GLITCHES) + 1


def test_a_server_that_is_down_says_when_to_come_back() -> None:
    ports = Waiting(chance=0.0)
    asking(Answers(AnswerLost("HTTP 503", wait=60)), ports)
    assert sum(ports.waited) == 60


@pytest.mark.parametrize("problem", [NotAuthorised("no"), LockedOut("wait"), PermissionDenied("no")])
def test_a_plain_no_is_not_asked_twice(problem: ExchangeError) -> None:
    question = Answers(problem)
    with pytest.raises(type(problem)):
        asking(question, Waiting())
    assert question.tries == 1


class Revoking:
    """A surface of which only `revoke` is called."""

    def __init__(self, *problems: ExchangeError) -> None:
        self._answers = Answers(*problems)

    def revoke(self, _: str) -> None:
        self._answers()


def test_a_revoke_that_is_refused_at_its_second_try_may_have_been_done_by_the_first() -> None:
    with pytest.raises(AnswerLost):
        PatientSurface(Revoking(Unavailable("busy"), Refused("unknown key")), Waiting()).revoke("bot")  # type: ignore[arg-type]
    with pytest.raises(Refused):
        PatientSurface(Revoking(Refused("unknown key")), Waiting()).revoke("bot")  # type: ignore[arg-type]


class Busy:
    """A Kraken that refuses the first issues of a run, and a clock that the waiting moves on."""

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, refusals: int) -> None:
        self.refusals, self.naps, self.interrupted = refusals, 0, False
        clock.freeze(sandbox, 1_800_000_000)
        self._sandbox = sandbox
        monkeypatch.setattr(workflow.random, "random", lambda: 1.0)
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
