"""What a key said of itself on the host where it lives, to be told elsewhere. No secret, and no proof."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from krakenctl.model.address import Address
from krakenctl.model.key import KeySpec
from krakenctl.model.key_json import spec_from_json, spec_to_json
from krakenctl.model.outcome import Recovered
from krakenctl.model.time import parse_time, show_time

FORMAT = "krakenctl.attestation/v1"
_TEXTS = ("endpoint", "host", "who", "apiKey", "name", "iiban")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """`at`: unix seconds, as the exchange told them just before the key was asked."""

    at: int
    endpoint: str
    host: str
    who: str
    public_key: str
    name: str
    iiban: str  # empty: not told
    spec: KeySpec


class Keeping(StrEnum):
    """What the store keeps of the key, beside the pair that answered."""

    SAME = "same"  # that very pair
    MENDED = "mended"  # it kept another one, which had been mistyped; it keeps that pair now
    WRITTEN = "written"  # it cannot be read here; that pair was written over whatever it kept
    UNTRIED = "untried"  # nobody here knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What became of it at the workspace. Where nobody has tried what consumers will read, it is a claim."""

    address: Address
    name: str  # as it was asked for
    said: Attestation
    secret: Keeping
    brought: bool  # from elsewhere: nobody here has asked the key
    differences: tuple[str, ...] = ()  # not empty: nothing was done
    left: str = ""  # why it is not finished here; empty: it is, as far as `recovered` tells
    hint: str = ""  # what to do next, where something is
    recovered: tuple[Recovered, ...] = ()  # what was finished with it
    log_head: str = ""

    @property
    def claimed(self) -> bool:
        return self.secret is Keeping.UNTRIED


def to_json(said: Attestation) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "at": show_time(said.at),
        "endpoint": said.endpoint,
        "host": said.host,
        "who": said.who,
        "apiKey": said.public_key,
        "name": said.name,
        "iiban": said.iiban,
        "spec": spec_to_json(said.spec),
    }


def from_json(raw: Any) -> Attestation:
    """Raises ValueError when it is not what `to_json` writes."""
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise ValueError("it is no attestation, or one of another version")
    if not all(isinstance(raw.get(name), str) for name in (*_TEXTS, "at")):
        raise ValueError("something is missing in it")
    try:
        spec = spec_from_json(raw["spec"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("what it says of the key cannot be read") from None
    texts = {name: raw[name] for name in _TEXTS}
    return Attestation(at=parse_time(raw["at"]), spec=spec, public_key=texts.pop("apiKey"), **texts)
