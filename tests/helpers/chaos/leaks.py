"""Whether a secret is in anything that was written, and whether the audit log is whole."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

from chaos.eyes import Eyes, state_home
from desk import Desk
from krakenctl.model.chain import walk

# Below .krakenctl: the exchange itself, what its people write for us, and the key of the store.
_MAY_HOLD = ("sandbox.db", "credentials", "identity.txt")


def what_was_written(eyes: Eyes, desk: Desk) -> Iterator[str]:
    """By any of the runs, in files, outputs and the audit log: cheap enough to look after each."""
    yield from _leaks(eyes, desk)
    with state_home(desk).look() as state:
        if state is not None:
            stored = state.log.head()
            yield from _log(list(state.log.lines()), stored)


def _leaks(eyes: Eyes, desk: Desk) -> Iterator[str]:
    secrets = {*eyes.secrets(), *_credentials(desk.root)}
    needles = [needle for secret in sorted(secrets) for needle in _spellings(secret)]
    for file in _written(desk.root):
        content = file.read_bytes()
        if any(needle in content for needle in needles):
            yield f"5: a secret is in {file.relative_to(desk.root.parent)}"


def _log(lines: list[str], stored: str) -> Iterator[str]:
    found = walk(lines, stored=stored)
    if found.broken:
        yield f"log: {found.broken}"


def _written(root: Path) -> Iterator[Path]:
    """Everything below the cell's folder, but for what is the exchange's or is meant to hold a secret."""
    for file in root.parent.rglob("*"):
        parts = file.relative_to(root).parts if file.is_relative_to(root) else ()
        holds = parts[:1] == (".krakenctl",) and parts[1:2] and parts[1].startswith(_MAY_HOLD)
        if file.is_file() and not holds:
            yield file


def _credentials(root: Path) -> Iterator[str]:
    for file in (root / ".krakenctl/credentials").iterdir():
        fields = json.loads(file.read_text())
        yield from (fields[name] for name in ("access_token", "refresh_token", "secret") if name in fields)
    for line in (root / ".krakenctl/identity.txt").read_text().splitlines():
        if line.startswith("AGE-SECRET-KEY"):
            yield line


def _spellings(secret: str) -> Iterable[bytes]:
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].replace("/", "\\/").encode()
    yield quote(secret, safe="").encode()
    yield quote(secret).encode()
    yield from (raw.hex().encode(), raw.hex().upper().encode(), base64.b64encode(raw), base64.urlsafe_b64encode(raw))
    if len(secret) == 88:  # Kraken's secrets are base64
        raw = base64.b64decode(secret)
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode(), base64.urlsafe_b64encode(raw))
