"""No number that krakenctl has sent to a key makes it refuse krakenctl: that waits for its clock, or does not ask."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bringing import READS, Place
from krakenctl.model.description import NonceScale, nonce_at
from krakenctl.surfaces.kraken.numbers import PATIENCE, SECOND, early, missing
from krakenctl.testing.sandbox import served
from naps import Naps, skip_naps
from website_scene import calls

NUMBERS = count(1)
NOW = 1_800_000_000
KEYS = 3
STEPS = ("inspect", "inspect one", "dry", "import", "plan", "verify", "probe", "doctor", "drift")


class Still(Naps):
    """Time passes only where somebody sleeps, or says so; the exchange's clock is set by it before each command."""

    def time(self):
        return NOW + self._slept

    def monotonic(self):
        return self._slept

    def time_ns(self):
        return round(self.time() * SECOND)


class Desk:
    """A folder for one person's evening, with a .env file of keys that nobody has used yet, all of one account."""

    def __init__(self, sandbox, time, folder):
        account = f"numbers-{next(NUMBERS)}"
        sandbox.account(account)
        self.time, self.sandbox = time, sandbox
        keys = {f"K{n}": sandbox.key(READS, account=account) for n in range(KEYS)}
        self.place = Place(sandbox, folder).hold(**keys)

    def run(self, step, *more):
        self.sandbox.freeze(float(int(self.time.time())))
        place, env = self.place, ("--env-file", self.place.env, "--endpoint", self.sandbox.url, "--all", "--yes")
        place.root.mkdir(exist_ok=True)
        words = {
            "inspect": ("inspect", *env),
            "inspect one": ("inspect", "ApiKey/main/k0"),
            "dry": ("import", "--from", place.env, "--endpoint", self.sandbox.url, "--dry-run"),
            "import": ("import", "--from", place.env, "--endpoint", self.sandbox.url),
            "probe": ("verify", "--probe"),
        }
        return place.run(*words.get(step, (step,)), *more)

    def used(self, name, ahead):
        """Its program has sent a number of a clock that is so many seconds ahead."""
        number = str(int(self.time.time()) + ahead)
        [public_key] = re.findall(rf"{name}_API_KEY=(.*)", self.place.env.read_text())
        with closing(sqlite3.connect(self.sandbox.db)) as connection, connection:
            connection.execute("UPDATE key SET nonce = ? WHERE public_key = ?", (number, public_key))


@pytest.fixture(scope="module")
def kraken(tmp_path_factory):
    with served(tmp_path_factory.mktemp("numbers") / "sandbox.db") as sandbox:
        yield sandbox


@pytest.fixture
def time(monkeypatch):
    return skip_naps(monkeypatch, Still())


@pytest.fixture
def desk(kraken, time, tmp_path):
    return Desk(kraken, time, tmp_path)


def test_keys_are_asked_at_once_after_they_were_imported(desk, time, monkeypatch):
    seen = calls(monkeypatch)
    assert desk.run("import").code == 0
    before = time.time()
    planned = desk.run("plan")
    assert (planned.code, "could not be asked" in planned.out + planned.err) == (0, False), planned.out + planned.err
    assert 0 < time.time() - before <= PATIENCE
    verified = desk.run("verify")
    assert (verified.code, "3 keys are as declared" in verified.out) == (0, True), verified.out + verified.err
    assert "no key of ours was refused from this host" in desk.run("doctor").out
    assert set(seen) == {"answered"}


@pytest.mark.parametrize("command", ["plan", "verify", "drift", "apply"])
def test_whoever_has_to_wait_for_a_clock_is_told_so_before(desk, command):
    assert desk.run("import").code == 0
    told = desk.run(command)
    assert len(re.findall(r"^Waiting \d s: a key of main has seen", told.err, re.MULTILINE)) == 1, told.err


def test_what_a_key_was_sent_far_ahead_is_told_and_not_run_into(desk, time, monkeypatch):
    for name in ("K0", "K1", "K2"):
        desk.used(name, ahead=10)
    assert desk.run("import").code == 0
    seen, at = calls(monkeypatch), time.time()
    planned = desk.run("plan")
    assert (planned.code, time.time(), seen) == (0, at, []), planned.err
    assert "krakenctl itself has sent a number that is 3" in " ".join((planned.out + planned.err).split())
    told = desk.run("inspect one")
    assert (told.code, "is not asked before 2027-01-15" in told.err, seen) == (1, True, [])
    many = desk.run("inspect")
    assert (many.code, many.out.count("krakenctl itself has sent"), seen) == (1, KEYS, [])
    time.sleep(31)
    assert "not asked" not in desk.run("plan").out
    assert seen == ["answered"] * KEYS


@pytest.mark.parametrize("step", ["plan", "verify", "inspect one"])
def test_a_number_that_only_a_finer_clock_sends_is_not_asked_over_again(desk, time, monkeypatch, step):
    assert desk.run("import", "--nonce", "ms").code == 0
    manifest = desk.place.root / "manifests/imported.yaml"
    text = manifest.read_text()
    assert "nonce: ms" in text
    manifest.write_text(text.replace("nonce: ms", "nonce: s"))
    seen = calls(monkeypatch)
    told = desk.run(step)
    assert "its program has a finer clock" in " ".join((told.out + told.err).split())
    assert (seen, time.time() - NOW < 2) == ([], True)


LATER = st.sampled_from([0.0, 0.25, 1.0, 3.9, 5.0, 26.0, 31.0])


@settings(max_examples=12)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), LATER), min_size=2, max_size=6))
def test_whatever_is_run_and_whenever_no_nonce_is_refused(kraken, steps):
    with pytest.MonkeyPatch.context() as monkeypatch, tempfile.TemporaryDirectory() as folder:
        desk = Desk(kraken, time := skip_naps(monkeypatch, Still()), Path(folder))
        seen = calls(monkeypatch)
        for step, later in steps:
            desk.run(step)
            time.sleep(later)
        assert "refused" not in seen
        assert desk.run("import").code == 0
        assert "asked" not in desk.run("plan").out
        assert "refused" not in seen


CLOCKS = st.sampled_from([scale for scale in NonceScale if scale not in (NonceScale.COUNTER, NonceScale.UNKNOWN)])


@given(scale=CLOCKS, at=st.integers(NOW * SECOND, (NOW + 100) * SECOND), by=st.integers(-(10**10), 10**11))
def test_after_what_is_missing_a_clock_is_above_what_was_seen_and_not_much_later(scale, at, by):
    seen = nonce_at(scale, at + by)
    seconds = missing(scale, at, seen)
    assert (seconds == 0.0) >= (nonce_at(scale, at) > seen)
    assert nonce_at(scale, at + round((seconds + 0.001) * SECOND)) > seen
    if seconds > 0.01:
        assert nonce_at(scale, at + round((seconds - 0.01) * SECOND)) <= seen
    assert bool(early(scale, at, seen)) is (seconds > PATIENCE)


def test_another_host_of_the_same_state_waits_as_well(desk, time, monkeypatch):
    assert desk.run("import").code == 0
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    seen = calls(monkeypatch)
    assert "not asked" not in desk.run("plan").out
    assert seen == ["answered"] * KEYS


def test_a_file_with_keys_that_are_managed_is_inspected_and_they_are_asked_after_it(desk, time, monkeypatch):
    assert desk.run("import").code == 0
    time.sleep(60)
    seen = calls(monkeypatch)
    assert desk.run("inspect").code in (0, 3)
    at = time.time()
    assert "not asked" not in desk.run("plan").out
    assert (set(seen), 2 < time.time() - at <= PATIENCE) == ({"answered"}, True)
