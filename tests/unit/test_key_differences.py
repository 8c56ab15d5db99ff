"""How a key differs from what was asked for is said in sentences, each with both values."""

from __future__ import annotations

import pytest

from krakenctl.apply.steps.check import differences
from krakenctl.model.key import KeySpec

NONE = KeySpec(permissions=frozenset())
FROM, TO = 1_800_000_000, 1_800_086_400
DAYS = "2027-01-15T08:00:00Z", "2027-01-16T08:00:00Z"


def of(**fields: int) -> KeySpec:
    return KeySpec(permissions=frozenset(), **fields)


@pytest.mark.parametrize(
    ("wanted", "live", "said"),
    [
        (of(valid_until=FROM), NONE, f"it never expires, and should on {DAYS[0]}"),
        (NONE, of(valid_until=FROM), f"it expires {DAYS[0]}, and never should"),
        (of(valid_until=FROM), of(valid_until=TO), f"it expires {DAYS[1]}, not {DAYS[0]}"),
        (of(query_from=FROM), NONE, f"its query window is unlimited, not from {DAYS[0]}"),
        (of(query_from=FROM), of(query_to=TO), f"its query window is to {DAYS[1]}, not from {DAYS[0]}"),
        (NONE, of(query_from=FROM, query_to=TO), f"its query window is from {DAYS[0]} to {DAYS[1]}, not unlimited"),
    ],
    ids=lambda value: value.split(",")[0] if isinstance(value, str) else None,
)
def test_a_time_that_is_another_one_is_told_with_the_one_that_was_asked_for(wanted, live, said):
    assert differences(wanted, live) == (said,)
