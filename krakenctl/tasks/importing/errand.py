"""What the user wants of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from krakenctl.model.address import Address
from krakenctl.model.secret import Secret
from krakenctl.tasks.nonces import Nonce


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Empty: as is usual."""

    account: str = ""
    folder: str = ""  # for the manifest, relative to the workspace
    endpoint: str = ""
    tag: str = ""
    nonce: Nonce = None
    otp: Secret | None = None
    to: Mapping[str, Address] = field(default_factory=dict)  # by label, "" for the only key; empty: all, named for them
