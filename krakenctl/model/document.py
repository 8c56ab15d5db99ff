"""One `---` part of a manifest, read but not yet understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from krakenctl.model.origin import Place


@dataclass(frozen=True, slots=True)
class Document:
    """`value` holds only dict (text keys), list, str, int, bool and None: what YAML means, not what it guesses."""

    place: Place
    value: Any

    @property
    def kind(self) -> str:
        """What the document says it is; the empty text when it says nothing usable."""
        kind = self.value.get("kind") if isinstance(self.value, dict) else None
        return kind if isinstance(kind, str) else ""
