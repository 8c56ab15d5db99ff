"""A line to a server on this host, which a test can cut wherever it likes: what was on its way is lost, or is not."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

BEFORE = "before"  # the server never hears of it
DURING = "during"  # the server hears of it and of the cut; the client hears nothing, and nobody knows
AFTER = "after"  # the server has done it, and its answer is lost
MOMENTS = (BEFORE, DURING, AFTER)

Judge = Callable[[bytes], str]  # of what a client says: one of these; empty: let it through


class Line:
    """`judge` may be changed at any time. It is asked by one thread for each connection."""

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.judge: Judge = lambda _: ""
        Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._server)) as server:
            deaf = Event()
            back = Thread(target=_pass_back, args=(server, client, deaf), daemon=True)
            back.start()
            if self._pass_on(client, server, deaf) == AFTER:
                back.join()
            _hang_up(client, server)
            back.join()

    def _pass_on(self, client: socket.socket, server: socket.socket, deaf: Event) -> str:
        """The moment at which it was cut; empty: the client hung up."""
        while said := client.recv(65536):
            moment = self.judge(said)
            if moment:  # before the server can answer
                deaf.set()
            if moment != BEFORE:
                server.sendall(said)
            if moment:
                return moment
        return ""


def _pass_back(server: socket.socket, client: socket.socket, deaf: Event) -> None:
    with suppress(OSError):
        while (said := server.recv(65536)) and not deaf.is_set():
            client.sendall(said)
    _hang_up(client)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
