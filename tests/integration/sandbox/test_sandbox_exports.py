"""Exports: a real archive of the account's rows."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from sandbox_caller import NOW

from krakenctl.sandbox import accounts
from krakenctl.sandbox.money import books
from krakenctl.sandbox.people import seed

BAD = "EGeneral:Invalid arguments:"


@pytest.fixture
def booked(kraken):
    """Two ledger entries of this month and a trade."""
    with kraken.sandbox.database.write() as connection:
        owner = accounts.known(connection, "acme").id
        for at in (NOW - 60, NOW):
            books.add_ledger(connection, owner, at=at, type="deposit", asset="XBT", amount="1")
        books.add_trade(connection, owner, at=NOW, pair="XBTUSD", type="buy", price="100", vol="2")
    return kraken


def export(kraken, **more):
    return kraken.signed("AddExport", **{"report": "ledgers", "description": "mine"} | more).result["id"]


def unpacked(reply, name, delimiter=","):
    assert reply.headers["Content-Type"] == "application/octet-stream"
    with zipfile.ZipFile(io.BytesIO(reply.body)) as archive:
        assert archive.namelist() == [name]
        return list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline=""), delimiter=delimiter))


def test_an_export_is_a_zip_with_the_rows_the_oldest_first(booked):
    name = export(booked)
    assert re.fullmatch("[A-Z]{4}", name)
    rows = unpacked(booked.signed("RetrieveExport", id=name), "ledgers.csv")
    assert [row["time"] for row in rows] == ["2027-01-15 07:59:00", "2027-01-15 08:00:00"]
    assert rows[1]["balance"] == "6.2500000000"
    assert booked.signed("QueryLedgers", id=rows[0]["txid"]).result


def test_trades_are_exported_likewise_with_tabs_if_wanted(booked):
    reply = booked.signed("RetrieveExport", id=export(booked, report="trades", format="TSV"))
    [row] = unpacked(reply, "trades.tsv", "\t")
    assert (row["pair"], row["cost"], row["vol"]) == ("XXBTZUSD", "200.00000", "2.00000000")


def test_only_the_fields_asked_for_are_in_it(booked):
    rows = unpacked(booked.signed("RetrieveExport", id=export(booked, fields="asset,amount")), "ledgers.csv")
    assert [list(row) for row in rows] == [["txid", "asset", "amount"]] * 2


def test_it_holds_the_time_asked_for_and_by_default_this_month(booked):
    late = booked.signed("RetrieveExport", id=export(booked, starttm=NOW - 59))
    assert len(unpacked(late, "ledgers.csv")) == 1
    export(booked)
    shown = booked.signed("ExportStatus", report="ledgers").result
    assert {(one["datastarttm"], one["dataendtm"]) for one in shown} == {
        (str(NOW - 59), str(NOW)),
        ("1798761600", str(NOW)),  # 2027-01-01
    }


def test_the_status_is_of_one_sort_of_report(kraken):
    name = export(kraken)
    export(kraken, report="trades")
    [shown] = kraken.signed("ExportStatus", report="ledgers").result
    assert (shown["id"], shown["descr"], shown["status"]) == (name, "mine", "Processed")


def test_what_is_processed_can_be_deleted_but_not_cancelled(kraken):
    name = export(kraken)
    assert kraken.signed("RemoveExport", id=name, type="cancel").result == {"cancel": False}
    assert kraken.signed("RemoveExport", id=name, type="delete").result == {"delete": True}
    assert kraken.signed("RemoveExport", id=name, type="delete").error == BAD + "id"
    assert kraken.signed("ExportStatus", report="ledgers").result == []


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"report": "wishes"}, "report"),
        ({"description": ""}, "description"),
        ({"format": "PDF"}, "format"),
        ({"fields": "asset,wish"}, "fields"),
        ({"starttm": "soon"}, "starttm"),
    ],
)
def test_what_cannot_be_exported_is_named(kraken, more, field):
    wanted = {"report": "ledgers", "description": "mine"} | more
    assert kraken.signed("AddExport", **wanted).error == BAD + field


def test_an_export_that_is_not_there_or_not_ours_is_an_envelope(kraken):
    seed.seed_account(kraken.sandbox, username="rival", email="desk@rival.example")
    rival = seed.seed_website_key(kraken.sandbox, "rival", "all", ["export-data"])
    name = export(kraken)
    assert kraken.signed("RetrieveExport", id="NOPE").error == BAD + "id"
    assert kraken.signed("RetrieveExport", rival, id=name).error == BAD + "id"
    assert kraken.signed("RemoveExport", rival, id=name, type="delete").error == BAD + "id"
    assert kraken.signed("RetrieveExport").error == BAD + "id"
