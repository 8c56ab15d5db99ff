"""What the sandbox serves, endpoint by endpoint, as plain data and as Markdown; and what Kraken has beyond that.

`python -m krakenctl.sandbox.coverage > docs/sandbox-endpoints.md` writes the page in the docs.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from krakenctl.sandbox.guards import Guard, Route, Signed

_PRIME = "docs.kraken.com institutional API reference, prime-rest"
_LATER = "Prime is for a later release"
_PRIME_CALLS = (
    "CreatePrimeApiUser",
    "ListPrimeApiUsers",
    "GetPrimeApiUser",
    "UpdatePrimeApiUser",
    "UpdatePrimeApiUserRoles",
    "CreatePrimeApiUserKey",
    "ListPrimeApiUserKeys",
    "UpdatePrimeApiUserKey",
    "DeletePrimeApiUserKey",
)
_NOT_SERVED = (
    *(("POST", f"/0/private/{call}", "prime", _LATER, _PRIME) for call in _PRIME_CALLS),
    ("POST", "Prime settlement: create and settle", "prime", _LATER, _PRIME),
    ("POST", "Prime settlement: get and list", "prime", _LATER, _PRIME),
    (
        "POST",
        "Custody REST",
        "custody",
        "its users are made by people with a quorum of administrators, through no API",
        "docs.kraken.com institutional guides, custody REST",
    ),
    (
        "GET",
        "Spot WebSocket v1 and v2",
        "websocket",
        "the sandbox speaks HTTP; it issues tokens, and nothing takes them",
        "docs.kraken.com Spot WebSocket",
    ),
    (
        "GET",
        "Futures REST and WebSocket, beyond the check of a key",
        "futures",
        "only what bears on keys is served",
        "docs.kraken.com Futures",
    ),
    (
        "TCP",
        "FIX",
        "fix",
        "it is no HTTP, and no permission code stands for it",
        "docs.kraken.com FIX",
    ),
    (
        "GET",
        "Spot market data, beyond Time, SystemStatus, Assets and AssetPairs",
        "public",
        "it needs no key",
        "krakenfx/api-specs spot-rest/openapi_v3.yaml",
    ),
)


def coverage() -> list[dict[str, Any]]:
    """A row per endpoint, in the order of the table of routes; then what is not served, each with its reason."""
    from krakenctl.sandbox.routes import ROUTES  # not at the top: an endpoint of the table shows this table

    return [*map(_served, ROUTES), *(_not_served(*row) for row in _NOT_SERVED)]


def as_markdown(rows: Iterable[dict[str, Any]]) -> str:
    served, missing = ([row for row in rows if row["served"] is yes] for yes in (True, False))
    return "\n".join([_HEAD, *_tables(served), *_missing(missing)])


def _served(route: Route) -> dict[str, Any]:
    return {
        "method": route.method,
        "path": route.path,
        "group": route.group,
        "served": True,
        **_gated(route.guard),
        "source": route.source,
        "switches": _switches(route),
    }


def _not_served(method: str, path: str, group: str, reason: str, source: str) -> dict[str, Any]:
    return {
        "method": method,
        "path": path,
        "group": group,
        "served": False,
        **_gate("", reason=reason),
        "source": source,
        "switches": [],
    }


def _gated(guard: Guard) -> dict[str, Any]:
    from krakenctl.sandbox.guards import Bearer, Local, Signed

    match guard:
        case Signed():
            return _signed(guard)
        case Bearer():
            return _gate(f"access token + scope {guard.scope}")
        case Local():
            return _gate("loopback")
        case _:
            return _gate(guard.by or "none")


def _gate(gated_by: str, *, note: str = "", reason: str = "") -> dict[str, Any]:
    """The fields of a row that only a signed call fills: `gate` and `cost` are null elsewhere."""
    nothing = dict.fromkeys(("gate", "unless", "guide", "cost", "costLow", "costHigh"))
    return {"gatedBy": gated_by, **nothing, "note": note, "reason": reason}


def _signed(guard: Signed) -> dict[str, Any]:
    by = f"signature + {guard.gate.text}" if guard.gate.text else "signature"
    by += f", unless it is {guard.unless}" if guard.unless else ""
    return _gate(by, note=guard.note) | {
        "gate": guard.gate.text,
        "unless": guard.unless,
        "guide": None if guard.guide is None else guard.guide.text,
        "cost": guard.cost,
        "costLow": guard.cost if guard.low is None else guard.low,
        "costHigh": guard.cost if guard.high is None else guard.high,
    }


def _switches(route: Route) -> list[str]:
    """Those that change who is let in, what it costs or whether the path is there."""
    from krakenctl.sandbox import guards, routes
    from krakenctl.sandbox.connect import scopes

    guard, disputed = route.guard, dict[str, bool]()
    if isinstance(guard, guards.Signed):
        disputed = {
            "permissions-by": guard.guide is not None,
            guard.gate_switch: bool(guard.gate_switch),
            guard.fast_switch: bool(guard.fast_switch),
            "call-cost": guard.low is not None or guard.high is not None,
            "bearer-on-private": True,
        }
    elif isinstance(guard, guards.Bearer):
        hides = any(routes.is_hidden(route.method, route.path, {"list-path": path}) for path in ("spec", "plural"))
        disputed = {"list-path": hides, "list-scope": guard.scope == scopes.READ}
    return [name for name, is_disputed in disputed.items() if is_disputed]


_HEAD = """\
# Endpoints of the sandbox

<!-- Written by `python -m krakenctl.sandbox.coverage > docs/sandbox-endpoints.md`. Do not edit. -->

The same table for machines: `krakenctl sandbox endpoints -o json`. *Guide* is what Kraken's guide says where it differs
from the reference; the switches in the last column decide. *Cost* is what a call adds to its key's counter; in
brackets, the lowest and the highest that a source says. None of it was tested against the real Kraken.
"""


def _tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    for group, members in groupby(rows, key=lambda row: row["group"]):
        yield f"## {group}\n"
        yield _line("Endpoint", "Gated by", "Guide", "Cost", "Source", "Switches")
        yield _line("---", "---", "---", "--:", "---", "---")
        yield from map(_row, members)
        yield ""


def _row(row: dict[str, Any]) -> str:
    by = f"{row['gatedBy']} ({row['note']})" if row["note"] else row["gatedBy"]
    switches = ", ".join(f"`{name}`" for name in row["switches"])
    return _line(f"`{row['method']} {row['path']}`", by, row["guide"] or "", _cost(row), row["source"], switches)


def _cost(row: dict[str, Any]) -> str:
    if row["cost"] is None:
        return ""
    low, high = row["costLow"], row["costHigh"]
    return str(row["cost"]) if low == high else f"{row['cost']} ({low}–{high})"


def _missing(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "## Not served\n"
    yield _line("What", "Why", "Source")
    yield _line("---", "---", "---")
    yield from (_line(row["path"], row["reason"], row["source"]) for row in rows)
    yield ""


def _line(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


if __name__ == "__main__":
    print(as_markdown(coverage()), end="")  # noqa: T201 - it is what this module is run for
