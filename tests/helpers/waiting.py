"""A key that a person has made and that this host may not use: it waits to be attested. And the host where it lives."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from by_hand import Done, a_key, by_hand, run
from desk import Desk, Row, make_desk
from krakenctl.testing.person import Mistake, Robot
from krakenctl.transport.wsgi import WsgiAdapter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

BOT, NAME = "ApiKey/acme/bot", "bot.a7.g1"
THERE = "198.51.100.7"
ORDERS = ("nonce-first", "address-first")  # in which Kraken may check a call: which it is, is unconfirmed


def waiting_desk(root: Path, order: str = ORDERS[0], *mistakes: Mistake, **spec: Any) -> Desk:
    desk = make_desk(root)
    desk.switch("check-order", order)
    desk.declare(by_hand(), a_key(ipAllowlist=[THERE], **spec))
    made(desk, *mistakes)
    return desk


def made(desk: Desk, *mistakes: Mistake) -> Done:
    """A person makes the key, and stops at whatever is wrong."""
    return run(desk, Robot(desk.db, mistakes, gives_up=True))


def replacing(desk: Desk) -> Desk:
    """Its bot uses a key that this host may use too; the next one it may not, and that one waits."""
    desk.declare(by_hand(), a_key())
    run(desk, Robot(desk.db))
    desk.declare(by_hand(), a_key("bot", "query-ledger", ipAllowlist=[THERE]))
    run(desk, Robot(desk.db))
    return desk


@contextmanager
def at(patch: pytest.MonkeyPatch, address: str = THERE) -> Iterator[None]:
    """This host calls the sandbox from there."""
    assert WsgiAdapter.__init__.__kwdefaults__ is not None
    with patch.context() as moved:
        moved.setitem(WsgiAdapter.__init__.__kwdefaults__, "remote_addr", address)
        yield


def in_env(patch: pytest.MonkeyPatch, public_key: str, secret: str) -> tuple[str, str]:
    """The flag that names the pair, as its consumer has it."""
    patch.setenv("MM_API_KEY", public_key)
    patch.setenv("MM_API_SECRET", secret)
    return "--env", "MM_API_KEY,MM_API_SECRET"


def row(desk: Desk, name: str = NAME) -> Row:
    return desk.rows()[name]


def nonce(desk: Desk, name: str = NAME) -> int:
    """The highest that the exchange has seen of it."""
    with closing(sqlite3.connect(desk.db)) as connection:
        return int(connection.execute("SELECT nonce FROM key WHERE name = ?", (name,)).fetchone()[0])


def set_nonce(desk: Desk, number: int, name: str = NAME) -> None:
    """Its program has sent it."""
    with closing(sqlite3.connect(desk.db)) as connection:
        connection.execute("UPDATE key SET nonce = ? WHERE name = ?", (str(number), name))
        connection.commit()


def counting(patch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many calls were signed since."""
    signed: list[str] = []
    real = WsgiAdapter.send

    def send(adapter: WsgiAdapter, request: Any, *args: Any, **more: Any) -> Any:
        if "/private/" in str(request.url):
            signed.append(str(request.url))
        return real(adapter, request, *args, **more)

    patch.setattr(WsgiAdapter, "send", send)
    return lambda: len(signed)
