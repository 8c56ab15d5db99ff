"""What `krakenctl import` asks, and what it says is to be done next: nothing that would do harm, or that is done."""

from __future__ import annotations

import io
from itertools import count

import pytest

from bringing import READS, Place
from desk import make_desk
from krakenctl.model.recorded import EndProof, Recorded
from krakenctl.model.secret import Secret
from krakenctl.pairs.harvest import Harvest, Labelled
from krakenctl.pairs.pasted import pair_of
from krakenctl.tasks.importing.sorting import known

NUMBERS = count(1)
FENCED_OFF = "if it may be used only from other addresses, run this there"


@pytest.fixture
def make(sandbox):
    account = f"afterwards-{next(NUMBERS)}"
    sandbox.account(account)
    return lambda **fields: sandbox.key(READS, account=account, **fields)


@pytest.fixture
def place(sandbox, tmp_path):
    return Place(sandbox, tmp_path)


def flat(ran):
    return " ".join((ran.out + ran.err).split())


def test_a_key_that_only_works_elsewhere_is_left_out_with_the_way_to_import_it(place, make):
    said = flat(place.hold(HERE=make(), VPS=make(ip_allowlist=["203.0.113.10"])).bring())
    assert ("Left out: VPS" in said, FENCED_OFF in said) == (True, True), said


def test_only_a_file_that_still_holds_the_secrets_is_to_be_deleted(place, make, monkeypatch):
    assert f"{place.env} still holds the secrets: delete it" in flat(place.hold(A=make()).bring())
    text = place.hold(B=make()).env.read_bytes()
    monkeypatch.setattr("krakenctl.cli.import.piped", lambda *_, **__: io.BytesIO(text))
    ran = place.run("import", "--from", "-")
    assert (ran.code, "delete" in flat(ran)) == (0, False), ran.out + ran.err


def test_keys_that_are_managed_already_are_not_counted_as_asked(place, make):
    first = make()
    place.hold(A=first).brought()
    again = flat(place.bring())
    assert ("is asked" in again, "There is nothing new to import" in again) == (False, True), again
    assert "1 key is asked" in flat(place.hold(A=first, B=make()).bring())


def test_a_pair_that_was_seen_to_end_is_not_asked_again_unless_somebody_names_it():
    pair = pair_of(Secret("old"), Secret("half"))
    proof = EndProof(since=1_800_000_000, host="here", said="EAPI:Invalid key, EAPI:Invalid key")
    recorded = Recorded(lineage="l", gone={"old": proof})
    [left], fresh = known(Harvest(pairs=(Labelled(label="OLD", pair=pair),)), recorded)
    assert (left.is_known, fresh) == (True, ())
    assert "it is no more: proved at 2027-01-15T08:00:00Z from here" in left.why
    meant = Labelled(label="OLD", pair=pair, named=True)
    assert known(Harvest(pairs=(meant,)), recorded) == ([], (meant,))


def test_a_file_without_its_flag_is_told_where_it_goes(tmp_path):
    ran = make_desk(tmp_path).run("import", ".env")
    assert (ran.code, "say so: --from .env" in flat(ran)) == (64, True)


def test_a_live_name_stands_in_its_manifest_as_people_read_it(place, make):
    place.hold(A=make(name="two/\u00f6 \U0001f600")).brought()
    assert '# on Kraken: "two/\u00f6 \U0001f600"' in place.manifest
    assert place.changes() == []
