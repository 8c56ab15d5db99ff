"""What holds for verdicts about keys, whatever people did to them and however Kraken says no."""

from __future__ import annotations

import sqlite3
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asked import NUMBERS, Scene
from krakenctl.model.coverage import Coverage
from krakenctl.model.key import KeyPair, LiveKey
from krakenctl.model.permission import Permission
from krakenctl.model.secret import Secret
from krakenctl.model.verification import Verdict, Verification, VerifySight
from krakenctl.render.verification import to_json
from krakenctl.tasks.verification.judge import Seen, judged
from krakenctl.testing.sandbox import served
from krakenctl.transport.http import Http
from plan_builders import bot

HERE, AROUND, ELSEWHERE = ("127.0.0.1",), ("127.0.0.0/30", "198.51.100.1"), ("198.51.100.1",)
ERRORS = ("EAPI:Invalid key", "EGeneral:Permission denied", "EAPI:Invalid nonce", "EAPI:Invalid signature", "ENew:No")
RIGHTS = frozenset({Permission.QUERY_FUNDS})


@dataclass(frozen=True)
class Fate:
    """What became of one key."""

    networks: tuple[str, ...]
    deleted: bool
    ended: bool
    other_secret: bool
    ahead: bool  # its consumer's nonce
    answered: bool  # this host, once: its address may have been another one

    @property
    def lives(self) -> bool:
        return not (self.deleted or self.ended)

    @property
    def is_shut(self) -> bool:
        return self.networks == ELSEWHERE


flags = st.sampled_from([False, False, True])
fates = st.builds(Fate, st.sampled_from([(), HERE, AROUND, ELSEWHERE]), flags, flags, flags, flags, st.booleans())


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with served(tmp_path_factory.mktemp("verdicts") / "sandbox.db") as sandbox:
        sandbox.freeze("2027-01-15T08:00:00Z")
        yield sandbox


def held(scene: Scene, fate: Fate) -> str:
    name = f"key-{next(NUMBERS)}"
    end = int(scene.sandbox.now) + 5 if fate.ended else 0
    scene.hold(name, fate.networks, end=end, gone=fate.deleted, answered=fate.answered)
    if fate.other_secret:
        [*_, holding] = scene.holdings
        other = Secret(b64encode(bytes(64)).decode())
        scene.holdings[-1] = replace(holding, pair=KeyPair(public_key=holding.pair.public_key, secret=other))
    if fate.ahead:
        scene.used(name)
    return name


def verdicts(scene: Scene, *, listed: bool, probing: bool, failures: int) -> Verification:
    """One run of verify."""
    records = {one.record.live_name: one.record for one in scene.holdings}
    there = {name: LiveKey(name=name, spec=record.spec, created=0) for name, record in records.items()}
    alive = names_of_living(scene) if listed else set()
    lists = {name: live for name, live in there.items() if name in alive}
    asked = scene.ask(failures=failures, probing=probing, lists=lists)
    keys = []
    for name, record in records.items():
        key = bot(name, grants=RIGHTS, ip_allowlist=record.spec.ip_allowlist, valid_until=record.spec.valid_until)
        key = replace(key, address=record.address)
        seen = Seen(record=record, pin="", has_list=listed, listed=lists.get(name), asked=asked[name])
        keys.append(judged(key, seen, int(scene.sandbox.now)))
    sight = VerifySight(account="acme", coverage=Coverage.COMPLETE if listed else Coverage.HELD)
    return Verification(endpoint="sandbox", now=0, probing=probing, keys=tuple(keys), sights=(sight,))


def names_of_living(scene: Scene) -> set[str]:
    with closing(sqlite3.connect(scene.sandbox.db)) as connection:
        query = (
            "SELECT key.name FROM key JOIN account ON account.id = account_id"
            " WHERE username = ? AND signs_until IS NULL"
        )
        return {name for (name,) in connection.execute(query, (scene.account,))}


def check(fate: Fate, found) -> None:
    """Right, or unknown."""
    verdict = found.verdict
    assert verdict is not Verdict.REVOKED or fate.deleted
    assert verdict is not Verdict.EXPIRED or fate.ended
    assert verdict is not Verdict.DENIED or not fate.lives
    assert verdict is not Verdict.GRANTED or (fate.lives and not fate.is_shut and not fate.other_secret)
    assert verdict is not Verdict.BLOCKED_BY_IP or (fate.lives and fate.is_shut)
    assert verdict is not Verdict.LOCKED_OUT
    for right in found.rights:
        assert right.verdict is not Verdict.GRANTED or fate.lives
        assert right.verdict not in (Verdict.DENIED, Verdict.REVOKED) or not fate.lives


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    those=st.lists(fates, min_size=1, max_size=6),
    order=st.sampled_from(["nonce-first", "address-first"]),
    wrong_address=st.sampled_from(ERRORS),
    ended=st.sampled_from(ERRORS),
    listed=st.booleans(),
    probing=st.booleans(),
)
def test_a_verdict_is_right_or_unknown_however_kraken_says_no(
    sandbox, those, order, wrong_address, ended, listed, probing
):
    sandbox.switch("check-order", order)
    sandbox.switch("disallowed-ip-error", wrong_address)
    sandbox.switch("expired-key-error", ended)
    with closing(sqlite3.connect(sandbox.db)) as connection, connection:
        connection.execute("DELETE FROM failure")
    http = Http(sandbox.url)
    scene = Scene(sandbox, http)
    by_name = {held(scene, fate): fate for fate in those}
    sandbox.advance(seconds=10)
    for _ in range(2):  # the second knows what the first was told
        found = verdicts(scene, listed=listed, probing=probing, failures=3)
        for one in found.keys:
            check(by_name[one.name], one)
        summary = to_json(found)["summary"]
        assert summary["keys"] == summary["asked"] + summary["listed"] + summary["silent"] + summary["unseen"]
    assert scene.worst <= 3
    http.close()
