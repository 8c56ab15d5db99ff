"""An account's IIBAN in the one form in which two of them can be compared. Whether it exists is not asked."""

from __future__ import annotations


def normal_iiban(text: str) -> str:
    """`aa12n84gexample1` → `AA12 N84G EXAM PLE1`; the empty text stays empty."""
    bare = "".join(text.split()).upper()
    return " ".join(bare[start : start + 4] for start in range(0, len(bare), 4))
