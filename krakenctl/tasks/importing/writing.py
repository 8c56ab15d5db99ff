"""Writes an import down.

It first announces in the state which live keys it is about to declare, and where; then it writes secrets, manifest,
records. Whoever is killed in the middle leaves a secret that nothing refers to, or a declared key whose record is
missing, and beside which no plan makes another; the same import, run again, goes on from there. Never a record without
its manifest, for the plan would revoke that key.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from krakenctl import files
from krakenctl.errors import KrakenctlError, WorkspaceError
from krakenctl.model.recorded import Announced, RecordedKey
from krakenctl.model.run import Deed, Run
from krakenctl.model.secret import Secret
from krakenctl.model.silence import Answer
from krakenctl.state.base import State
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.tasks.importing.drawing import Drawn, ImportScene

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError


def write(root: Path, drawn: Drawn, state: State, open_store: OpenStore) -> None:
    """All but the records."""
    state.announce(*map(_announced, drawn.verdict.records))
    lineage = state.read().lineage
    records = {record.address: record for record in drawn.verdict.records}
    for name in sorted({record.secret.store for record in records.values() if not record.without_secret}):
        open_store(name).prove_writable()
    for key in drawn.keys:
        if key.pair is not None:
            record = records[key.address]
            entry = _entry(record, key.pair.secret, lineage)
            open_store(record.secret.store).put(record.secret.path, Slot.CURRENT, entry)
    state.check()
    if drawn.text:
        _put_manifest(root, drawn.path, drawn.text)


def _announced(record: RecordedKey) -> Announced:
    return Announced(address=record.address, live_name=record.live_name, created=record.created)


def _entry(record: RecordedKey, secret: Secret, lineage: str) -> Entry:
    return Entry(
        address=str(record.address),
        lineage=lineage,
        live_name=record.live_name,
        generation=record.generation,
        created=record.created,
        public_key=record.public_key,
        secret=secret,
        spec=record.spec,
    )


def _put_manifest(root: Path, path: str, text: str) -> None:
    file = files.inside(root, root / path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(file, text.encode(), mode=0o666, exclusive=True)
    except OSError as problem:
        raise WorkspaceError(f"{path} cannot be written: {problem.strerror}; nothing was imported") from None


def put_on_record(state: State, drawn: Drawn, run: Run, scene: ImportScene) -> None:
    """The last part: from here on the keys are managed."""
    known = state.read().accounts
    if seen := [account for account in drawn.verdict.accounts if known.get(account.name) != account]:
        state.remember_account(*seen)
    host = socket.gethostname()
    closed = {key.address for key in drawn.keys if key.pair is None or key.second_factor}
    for record in drawn.verdict.records:
        deed = Deed(
            at=scene.now,
            run=run,
            verb="import",
            outcome="done",
            address=record.address,
            account=record.account,
            name=record.live_name,
        )
        state.promote(record, None, deeds=(deed,))
        if record.address not in closed:
            told = Answer(nonce=scene.nonces.get(record.public_key, 0))
            with suppress(KrakenctlError):  # it only lets later commands ask the key from here, and tells them when
                state.hear(record.public_key, host, answers=True, told=told)
