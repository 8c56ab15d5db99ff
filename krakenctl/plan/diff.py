"""Which fields differ between two specs that are known to differ, in the words of a manifest. Pure.

The only user of deepdiff. It is imported when something differs: most plans of a large fleet need it for a few keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krakenctl.model import written
from krakenctl.model.plan import FieldChange

FIELDS = (*written.FIELDS, "secret")


def fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """What differs between two specs `as_written`, in the order of FIELDS."""
    if before == after:
        return ()
    from deepdiff import DeepDiff

    # Lists are sets to us, and a set tells apart what came and what went.
    tree = DeepDiff(_with_sets(before), _with_sets(after), view="tree")
    touched = {level.path(output_format="list")[0] for levels in tree.values() for level in levels}
    return tuple(_change(name, before[name], after[name]) for name in FIELDS if name in touched)


def all_fields(after: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """Every field of a key that is not there yet, except those left as Kraken has them."""
    default = {"queryWindow.from": None, "queryWindow.to": None, "nonceWindow": 0}
    shown = (name for name in FIELDS if name not in default or after[name] != default[name])
    return tuple(FieldChange(name, None, after[name]) for name in shown)


def _change(name: str, before: Any, after: Any) -> FieldChange:
    if not isinstance(after, list):
        return FieldChange(name, before, after)
    came = tuple(item for item in after if item not in before)
    went = tuple(item for item in before if item not in after)
    return FieldChange(name, before, after, added=came, removed=went)


def _with_sets(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {name: set(value) if isinstance(value, list) else value for name, value in spec.items()}
