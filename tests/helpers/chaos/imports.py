"""Imports that are killed: before each deed that outlasts them, from every source, and finished by the same import.

They change nothing on the exchange, so what the matrix looks for is not at stake. What is: one record and one secret a
key, the manifests of an unbroken run, no second key by whatever is run in between, and no file of before touched.
"""

from __future__ import annotations

import importlib
import itertools
import shutil
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import desk as d
from desk import Desk
from elsewhere import KILLED, krakenctl_on
from krakenctl.model.key import KeyPair
from krakenctl.model.secret import Secret
from krakenctl.pairs.harvest import Harvest, Labelled
from krakenctl.pairs.names import ONLY
from krakenctl.sandbox import clock
from krakenctl.sandbox.people import operate
from krakenctl.testing.sandbox import served
from running import Ran

_MANY = 200  # deeds: more than any import has
_LATER = 30  # seconds: a nonce is above the one before, and the counters of calls are down again
_HERE = "127.0.0.1"
_KEYS = {"Bot": ["query-funds", "modify-trades"], "bot": ["query-funds", "modify-trades"], "My #2": ["query-ledger"]}
_NEXT = (("apply", "--yes", *d.MEANT), ("recover",), ("tick",), ("plan",))  # what somebody runs before the import


@dataclass(frozen=True)
class Import:
    """`surface`: of the account that is declared; empty: there is no workspace yet."""

    name: str
    surface: str = ""
    listed: bool = False  # without the secrets
    typed: bool = False  # at a terminal, instead of a file


IMPORTS = {
    each.name: each
    for each in (
        Import(name="listed", surface="connect", listed=True),
        Import(name="file-connect", surface="connect"),
        Import(name="file-website", surface="website"),
        Import(name="typed", surface="website", typed=True),
        Import(name="first"),
    )
}


@dataclass
class Killed:
    """A workspace to be copied, and what an unbroken import makes of it."""

    scene: Import
    folder: Path
    template: Desk
    exchange: Path  # its file, where it is served beside the workspace
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        whole = self._copy()
        if not self._is_done(done := self._imported(whole)):
            raise AssertionError(f"{self.scene.name} does not work unbroken: {done.out} {done.err}")
        self._manifests, self._records, self._secrets = _manifests(whole), _records(whole), _secrets(whole)
        self.deeds = bisect_left(range(_MANY), True, key=self._is_through)

    def at(self, strike: int) -> Iterator[str]:
        """What is not as it should be, if it is killed just before that deed."""
        cell = self._copy()
        before, keys = _files(cell), self._keys(cell)
        self._imported(cell, strike=strike)
        ran = self._run(cell, *_NEXT[strike % len(_NEXT)])
        if self._keys(cell) != keys:
            yield f"{ran.out} {ran.err}: made or ended keys beside those that are there"
        again = self._imported(cell)
        if not self._is_done(again):
            yield f"the same import does not finish it: {again.out} {again.err}"
        plan = self._run(cell, "plan", "--detailed-exitcode")
        if plan.code != 0:
            yield f"in the end the plan is not empty: {plan.out} {plan.err}"
        if (_manifests(cell), _records(cell), _secrets(cell)) != (self._manifests, self._records, self._secrets):
            yield f"manifests, records or secrets are others: {_records(cell)}, {_secrets(cell)}"
        if touched := [path for path, content in before.items() if _files(cell).get(path) != content]:
            yield f"changed are {touched}"
        if self._keys(cell) != keys:
            yield "the keys on the exchange are others"
        shutil.rmtree(cell.root)

    def _is_through(self, strike: int) -> bool:
        """Whether an import ends before it."""
        return self._imported(self._copy(), strike=strike).code != KILLED

    def _copy(self) -> Desk:
        return self.template.copy(self.folder / f"cell-{next(self._numbers)}")

    def _imported(self, cell: Desk, strike: int = -1) -> Ran:
        source = () if self.scene.typed else ("--from", "connect" if self.scene.listed else str(cell.root / "keys.env"))
        nonce = () if self.scene.listed else ("--nonce", "ms")
        return self._run(cell, "import", *source, *nonce, *self.words, strike=strike)

    def _run(self, cell: Desk, *words: str, strike: int = -1) -> Ran:
        clock.advance(self.exchange if self.scene.name == "first" else cell.db, _LATER)
        return krakenctl_on("desk", _HERE, *words, root=cell.root, strike=strike)

    def _is_done(self, ran: Ran) -> bool:
        """Where keys are listed, one that cannot be imported is told each time, and in the end there is no other."""
        return ran.code in (0, int(self.scene.listed))

    def _keys(self, cell: Desk) -> dict[str, str]:
        """On the exchange: names and public keys."""
        exchange = cell.db if self.scene.surface else self.exchange
        return {row["name"]: row["apiKey"] for row in operate.keys_in(exchange, "acme")}


@contextmanager
def killed(name: str, folder: Path) -> Iterator[Killed]:
    scene, root = IMPORTS[name], folder / "template"
    with ExitStack() as until_the_end:
        if scene.surface:
            d.stop_time(until_the_end.enter_context(pytest.MonkeyPatch.context()))
            desk, exchange, words = _declared(scene, root), root / ".krakenctl/sandbox.db", ("--account", "acme")
        else:
            sandbox = until_the_end.enter_context(served(folder / "sandbox.db"))
            desk, exchange, words = Desk(root), sandbox.db, ("--tag", "a7", "--endpoint", sandbox.url)
            root.mkdir()
        rows = [operate.make_key(exchange, "acme", name, permissions) for name, permissions in _KEYS.items()]
        lines = (f"K{n}_API_KEY={row['apiKey']}\nK{n}_API_SECRET={row['secret']}\n" for n, row in enumerate(rows))
        (root / "keys.env").write_text("".join(lines))
        if scene.typed:
            until_the_end.enter_context(_typing(rows))
            words = (*words, "--interactive")
        yield Killed(scene, folder, desk, exchange, words)


def _declared(scene: Import, root: Path) -> Desk:
    desk = d.make_desk(root)
    desk.declare(d.account(surface=scene.surface, keyDefaults={}))
    desk.run("init")  # signs up
    desk.switch("list-coverage", "all")
    return desk


@contextmanager
def _typing(rows: Iterable[dict[str, Any]]) -> Iterator[None]:
    """In place of a terminal: what somebody types there."""
    shell = importlib.import_module("krakenctl.cli.import")
    pairs = tuple(
        Labelled(label=ONLY, pair=KeyPair(public_key=row["apiKey"], secret=Secret(row["secret"])), named=True)
        for row in rows
    )
    real: Callable[..., Harvest] = shell._typed  # type: ignore[attr-defined]
    shell._typed = lambda *_, **__: Harvest(pairs=pairs)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        shell._typed = real  # type: ignore[attr-defined]


def _manifests(cell: Desk) -> dict[str, str]:
    return {file.name: file.read_text() for file in sorted((cell.root / "manifests").glob("*.yaml"))}


def _records(cell: Desk) -> dict[str, tuple[str, bool]]:
    return {str(a): (key.live_name, key.without_secret) for a, key in sorted(cell.recorded().keys.items())}


def _secrets(cell: Desk) -> dict[str, str]:
    """Whose secret is where; a canary that was left behind is none."""
    paths = (slot.removesuffix("/current") for slot in cell.slots() if not slot.startswith("."))
    return {path: entry.secret.reveal() for path in paths if (entry := cell.entry(path))}


def _files(cell: Desk) -> dict[str, bytes]:
    """Of the workspace, but for what krakenctl and the exchange keep for themselves."""
    files = (file for file in cell.root.rglob("*") if file.is_file() and ".krakenctl" not in file.parts)
    return {str(file.relative_to(cell.root)): file.read_bytes() for file in files}
