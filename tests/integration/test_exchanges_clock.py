"""What a key may be asked, and whether, goes by the exchange's clock: whatever this computer's shows."""

from __future__ import annotations

from itertools import count

import pytest

from bringing import Place
from krakenctl.surfaces.kraken import spot

NUMBERS = count(1)
KEY = "ApiKey/main/a"


@pytest.fixture
def place(served_sandbox, tmp_path):
    """A key that was imported where it is many years later than here."""
    served_sandbox.freeze("2040-01-01T00:00:00Z")
    place, name = Place(served_sandbox, tmp_path), f"clock-{next(NUMBERS)}"
    served_sandbox.account(name)
    another = served_sandbox.key(["query-funds"], account=name, name="b")
    place.hold(A=served_sandbox.key(["query-funds"], account=name, name="a")).brought("--nonce", "s")
    place.hold(B=another)
    served_sandbox.advance(minutes=1)
    yield place
    served_sandbox.clear_faults()


@pytest.fixture
def sent(monkeypatch):
    """The numbers of all signed calls."""
    numbers, real = [], spot.send

    def send(http, pair, name, nonce, *more, **fields):
        numbers.append(nonce)
        return real(http, pair, name, nonce, *more, **fields)

    monkeypatch.setattr(spot, "send", send)
    return numbers


@pytest.mark.parametrize(
    "words", [("inspect", KEY), ("inspect", "main:main/a"), ("import", "--account", "main", "--from")], ids=" ".join
)
def test_an_account_that_is_locked_there_is_left_alone(place, sent, words):
    place.sandbox.fault("lockout")
    assert place.run("inspect", KEY).code == 1
    place.sandbox.clear_faults()
    sent.clear()
    ran = place.run(*words, *([place.env] if words[-1] == "--from" else []))
    assert (ran.code, "locked main" in ran.err, sent) == (1, True, []), ran.out + ran.err


@pytest.mark.parametrize("which", [KEY, "main:main/a"])
def test_a_key_whose_rotation_is_due_there_is_asked_as_its_own_program_sends(place, sent, which):
    """What the manifest says by then may be of the next key's program."""
    text = place.manifest
    assert "nonce: s" in text
    (place.root / "manifests/imported.yaml").write_text(
        text.replace("nonce: s", "nonce: ms").replace("  consumer", "  rotation: {maxAge: 30d}\n  consumer")
    )
    place.sandbox.advance(days=40)
    sent.clear()
    assert place.run("inspect", which).code in (0, 3)
    assert max(sent) < 10**10, "a number of a clock in milliseconds would lock its program out"
