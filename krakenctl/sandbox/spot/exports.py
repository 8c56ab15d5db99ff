"""Exports: asked for, looked up, fetched as a zip, removed. Each is processed at once, so there is nothing to cancel.

Source of all fields: krakenfx/api-specs spot-rest. What the file looks like inside is a design choice.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import string
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from krakenctl.sandbox.arguments import choice, names
from krakenctl.sandbox.checks import window
from krakenctl.sandbox.envelope import Answer, invalid, success
from krakenctl.sandbox.money import books
from krakenctl.sandbox.request import text

if TYPE_CHECKING:
    import sqlite3

    from krakenctl.sandbox.call import Call

_TRADES = "txid,ordertxid,pair,time,type,ordertype,price,cost,fee,vol,margin,misc,ledgers"
_LEDGERS = "txid,refid,time,type,subtype,aclass,asset,wallet,amount,fee,balance"
_FIELDS = {"trades": _TRADES.split(","), "ledgers": _LEDGERS.split(",")}
_DELIMITERS = {"CSV": ",", "TSV": "\t"}
_LONGEST_DESCRIPTION = 255  # a design choice
_KEPT_SECONDS = 14 * 86400
_BINARY = "application/octet-stream"


def add(call: Call) -> Answer:
    """`POST /0/private/AddExport`: from the first of the month until now, unless it says otherwise.

    Whatever is past its `expiretm` goes.
    """
    report = choice(call.given, "report", tuple(_FIELDS))
    form = choice(call.given, "format", tuple(_DELIMITERS), "CSV")
    description = text(call.given, "description", _LONGEST_DESCRIPTION)
    if description is None:
        raise invalid("description")
    fields = _fields(call, report)
    start, end = _times(call)
    now = str(call.context.second)
    name = _free_id(call.connection)
    body = {
        "id": name,
        "descr": description,
        "format": form,
        "report": report,
        "subtype": "all",
        "status": "Processed",
        "flags": "0",
        "fields": fields,
        "createdtm": now,
        "expiretm": str(call.context.second + _KEPT_SECONDS),
        "starttm": now,
        "completedtm": now,
        "datastarttm": str(start),
        "dataendtm": str(end),
        "aclass": "forex",
        "asset": "all",
    }
    call.connection.execute("DELETE FROM export WHERE at <= ?", (call.context.now - _KEPT_SECONDS,))
    call.connection.execute(
        "INSERT INTO export VALUES (?, ?, ?, ?)", (name, call.account_id, call.context.now, json.dumps(body))
    )
    return success({"id": name})


def status(call: Call) -> Answer:
    """`POST /0/private/ExportStatus`: of one sort of report, the newest first."""
    report = choice(call.given, "report", tuple(_FIELDS))
    rows = call.connection.execute(
        "SELECT body FROM export WHERE account_id = ? ORDER BY at DESC, id", (call.account_id,)
    )
    bodies = [json.loads(body) for (body,) in rows]
    return success([body for body in bodies if body["report"] == report])


def retrieve(call: Call) -> Answer:
    """`POST /0/private/RetrieveExport`: a zip, not an envelope."""
    body = _export(call)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        made = datetime.fromtimestamp(int(body["createdtm"]), UTC)
        entry = zipfile.ZipInfo(f"{body['report']}.{body['format'].lower()}", made.timetuple()[:6])
        packed.writestr(entry, _table(call, body))
    return Answer(archive.getvalue(), content_type=_BINARY)


def remove(call: Call) -> Answer:
    """`POST /0/private/RemoveExport`: what is processed can be deleted and no longer cancelled."""
    how = choice(call.given, "type", ("delete", "cancel"))
    body = _export(call)
    if how == "delete":
        call.connection.execute("DELETE FROM export WHERE id = ?", (body["id"],))
    return success({how: how == "delete"})


def _table(call: Call, body: dict[str, Any]) -> str:
    columns = _FIELDS[body["report"]] if body["fields"] == "all" else ["txid", *body["fields"].split(",")]
    table = io.StringIO()
    writer = csv.DictWriter(table, columns, extrasaction="ignore", delimiter=_DELIMITERS[body["format"]], restval="")
    writer.writeheader()
    writer.writerows(_rows(call, body))
    return table.getvalue()


def _rows(call: Call, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The oldest first, and no row from outside the key's window."""
    source = books.trades if body["report"] == "trades" else books.ledgers
    start, end = int(body["datastarttm"]), int(body["dataendtm"])
    rows = source(call.connection, call.account_id)
    found = [row | {"txid": name} for name, row in rows.items() if start <= row["time"] <= end]
    for row in found:
        window.require(call, row["time"])
    wallet = {"wallet": "spot / main", "ledgers": ""}
    return [row | wallet | {"time": _moment(row["time"])} for row in reversed(found)]


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _times(call: Call) -> tuple[int, int]:
    """Unix seconds, inside the key's window and not later than now."""
    span = window.span(call, lambda _name: None, "starttm", "endtm")
    now = call.context.second
    start = max(_month(now), call.key.query_from) if not call.given.get("starttm") else int(span.after)
    return start, int(min(now, span.until))


def _month(now: int) -> int:
    """When the month began."""
    began = datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0)
    return int(began.timestamp())


def _fields(call: Call, report: str) -> str:
    asked = names(call.given, "fields", len(_FIELDS[report]))
    if asked in ((), ("all",)):
        return "all"
    if not set(asked) <= set(_FIELDS[report]):
        raise invalid("fields")
    return ",".join(name for name in asked if name != "txid") or "all"


def _export(call: Call) -> dict[str, Any]:
    """One of the account's own."""
    name = text(call.given, "id", 16)
    found = call.connection.execute(
        "SELECT body FROM export WHERE id = ? AND account_id = ?", (name, call.account_id)
    ).fetchone()
    if found is None:
        raise invalid("id")
    body: dict[str, Any] = json.loads(found[0])
    return body


def _free_id(connection: sqlite3.Connection) -> str:
    """Four letters, as in the examples of the reference."""
    while True:
        name = "".join(secrets.choice(string.ascii_uppercase) for _ in range(4))
        if connection.execute("SELECT 1 FROM export WHERE id = ?", (name,)).fetchone() is None:
            return name
