"""What a line of the table of routes is made of: a path, and the guard that says who is let in to its handler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from krakenctl.sandbox.gate import ANY_KEY, Gate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from krakenctl.sandbox.call import Call
    from krakenctl.sandbox.connect import tokens
    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.envelope import Answer
    from krakenctl.sandbox.request import Request


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing is required; or what is, the handler looks after itself."""

    handler: Callable[[Request, Context], Answer]
    writes: bool = False
    by: str = ""  # what the handler itself asks for, in words; empty: nothing


@dataclass(frozen=True, slots=True)
class Page:
    """For people: HTML, also where something is wrong."""

    handler: Callable[[Request, Context, Mapping[str, str]], Answer]
    writes: bool = False
    by: str = ""  # as of Open


@dataclass(frozen=True, slots=True)
class Local:
    """For whoever runs the sandbox: from loopback only."""

    handler: Callable[[Request, Context], Answer]
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Bearer:
    """A living access token with a scope."""

    handler: Callable[[Request, Context, tokens.Bearer], Answer]
    scope: str
    writes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A key's signature, and what the key must hold."""

    handler: Callable[[Call], Answer]
    gate: Gate = ANY_KEY
    unless: str = ""  # when the gate does not hold; the handler finds that out, and checks the gate otherwise
    guide: Gate | None = None  # what Kraken's guide says instead; None: the same
    gate_switch: str = ""  # the switch that can name the permission, in place of both
    fast_switch: str = ""  # the switch that may let any Fast API key in without the permission
    touch_switch: str = ""  # the switch that says whether the call counts as a use of its key; empty: it does
    note: str = ""  # what the gate alone does not say
    cost: int = 1  # on the key's REST counter
    low: int | None = None  # where sources disagree: the lowest and the highest that one of them says
    high: int | None = None
    by_wallet: bool = False  # it takes `account_id`
    header_nonce: bool = False  # the nonce is in API-Nonce, not in the body
    writes: bool = True  # always: nonce, counter and last use


Guard = Open | Page | Local | Bearer | Signed


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str  # braces stand for one part: `/funding/v1/addresses/{id}`
    group: str
    guard: Guard
    source: str
