"""A state that is copied or was, as text and as JSON. Pure."""

from __future__ import annotations

from typing import Any

from krakenctl.model.copied import Contents, Copied
from krakenctl.render.paint import Paint, count, visible
from krakenctl.render.report_text import head_line

FORMAT = "krakenctl.state-copy/v1"


def to_json(copied: Copied) -> dict[str, Any]:
    found = copied.contents
    counts = {"accounts": found.accounts, "keys": found.keys, "intents": found.intents, "logLines": found.lines}
    return {
        "format": FORMAT,
        "from": copied.source,
        "to": copied.target,
        "again": copied.again,
        "lineage": found.stamp.lineage,
        "serial": found.stamp.serial,
        **counts,
        "logHead": copied.head,
    }


def before(found: Contents, source: str, target: str, paint: Paint) -> str:
    """What would be copied, for whoever is asked."""
    what = f"{count(found.accounts, 'account')}, {count(found.keys, 'key')}, {count(found.intents, 'intent')} under way"
    rows = {
        "from": source,
        "to": target,
        "lineage": found.stamp.lineage,
        "holds": f"{what}, {count(found.lines, 'line')} of the audit log",
    }
    return "".join(f"{paint(f'{name}:', 'dim')} {visible(value)}\n" for name, value in rows.items())


def after(copied: Copied, paint: Paint) -> str:
    told = "It was copied already" if copied.again else "Everything was copied and compared"
    last = f"Where it was, {visible(copied.source)}, no run can use it any more; keep it for its log, or remove it."
    lines = [paint(f"{told}.", "bold"), paint.wrapped(last, indent=0), head_line(copied.head, paint)]
    return "\n".join(lines) + "\n"
