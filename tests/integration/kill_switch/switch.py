"""The kill switch used on a desk: what it reports, and what may be lost before."""

from __future__ import annotations

import jsonschema_rs

import desk as d
from desk import Desk
from krakenctl import schema_files

REPORT = jsonschema_rs.validator_for(schema_files.load("containment"))
REVOKE = "DELETE /oauth/fast-api-key"  # as a fault names it
BOT, SUB = "ApiKey/acme/bot", "ApiKey/mm/bot"


def revoke(desk: Desk, *args: str, code: int = 0) -> d.Doc:
    ran = desk.run("revoke", *args, "--yes", "-o", "json")
    assert ran.code == code, ran.out + ran.err
    report: d.Doc = ran.json
    assert not [error.message for error in REPORT.iter_errors(report)]
    return report


def fates(report: d.Doc) -> dict[str, str]:
    return {f"{key['account']}/{key['liveName']}": key["result"] for key in report["keys"]}


def live(desk: Desk) -> list[str]:
    return sorted(desk.ours("acme")) + sorted(desk.ours("u-mm"))


def no_manifests(desk: Desk) -> None:
    (desk.root / "manifests/all.yaml").write_text("{ this is no manifest")


def no_state(desk: Desk) -> None:
    for file in desk.root.glob(".krakenctl/state.db*"):
        file.unlink()
