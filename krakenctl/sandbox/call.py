"""A signed call that has passed every check: what its handler is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from krakenctl.sandbox.context import Context
    from krakenctl.sandbox.keys import Key
    from krakenctl.sandbox.request import Request


@dataclass(frozen=True, slots=True)
class Call:
    request: Request
    context: Context
    key: Key
    given: Mapping[str, Any]  # the arguments: of the body, and of the query string where the body is empty
    path: Mapping[str, str]  # what stood in the braces of the route's path

    @property
    def connection(self) -> sqlite3.Connection:
        return self.context.connection

    @property
    def account_id(self) -> int:
        return self.key.account_id
