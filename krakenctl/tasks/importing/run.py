"""An import from beginning to end: keys are asked, judged, and brought under management. It neither prints nor asks.

It first announces in the state which live keys it is about to declare, and where; then it writes secrets, manifest,
records. Whoever is killed in the middle leaves a secret that nothing refers to, or a declared key whose record is
missing, and beside which no plan makes another; the same import, run again, goes on from there. Never a record without
its manifest, for the plan would revoke that key.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from krakenctl import files
from krakenctl.actor import new_run
from krakenctl.errors import KrakenctlError, LockedOut, WorkspaceError
from krakenctl.load.manifests import parse
from krakenctl.model.importing import Import, ImportedKey, LeftOut, Written
from krakenctl.model.live import LiveAccount
from krakenctl.model.recorded import Announced, RecordedKey
from krakenctl.model.run import Deed, Run
from krakenctl.model.secret import Secret
from krakenctl.model.silence import Answer
from krakenctl.pairs.harvest import Harvest
from krakenctl.pairs.kept import share_of
from krakenctl.project import Project, open_project
from krakenctl.state.base import State
from krakenctl.state.tenure import tenure
from krakenctl.stores.base import Entry, Slot, Store
from krakenctl.surfaces.kraken.refusals import KRAKEN
from krakenctl.tasks.importing import ground as grounds
from krakenctl.tasks.importing import sorting
from krakenctl.tasks.importing.choose import Chooser
from krakenctl.tasks.importing.draft import AccountDraft, KeyDraft
from krakenctl.tasks.importing.errand import Errand
from krakenctl.tasks.importing.ground import ImportGround
from krakenctl.tasks.importing.judge import Look, Verdict, judge
from krakenctl.tasks.importing.manifest import manifest
from krakenctl.tasks.initialise import Wish, bare
from krakenctl.tasks.inspection import Manner, inspect
from krakenctl.tasks.oracle import open_oracle
from krakenctl.wiring import opening

OpenStore = Callable[[str], Store]  # by name; raises KrakenctlError
USUAL_NAME = "main"  # of an account, and of a workspace: what `krakenctl init` says too


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What would be written."""

    accounts: Sequence[AccountDraft]
    verdict: Verdict
    path: str
    text: str  # empty: no manifest is missing
    left: tuple[LeftOut, ...]

    @property
    def keys(self) -> list[KeyDraft]:
        return [key for account in self.accounts for key in account.keys]


def bring(
    root: Path,
    harvest: Harvest,
    errand: Errand,
    *,
    dry_run: bool = False,
    patience: float = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Import:
    """Raises KrakenctlError, and then nothing is managed that was not before. Keys that cannot be imported are told."""
    ground = grounds.read(root, _wish(errand), os.environ)
    errand, harvest = sorting.meant(errand, harvest)
    known, fresh = sorting.known(harvest, ground.recorded)
    sorting.refuse_one_for_several(errand, fresh)
    with open_oracle(root, _endpoint(ground, errand)) as oracle:
        if fresh:
            _refuse_locked(root, ground, errand, oracle.now)
        seen = inspect(oracle, replace(harvest, pairs=fresh), Manner(nonce=errand.nonce, otp=errand.otp))
        oracle.let_pass()
    asked, refused = sorting.sorted_out(fresh, seen)
    nonces = {labelled.pair.public_key: told.told.nonce for labelled, told in asked}

    def choose(chooser: Chooser) -> list[AccountDraft]:
        chooser.left += (*known, *refused)
        return chooser.accounts(asked)

    scene = _ImportScene(root, errand, seen.now, choose, cache(partial(_listed, ground.project)), nonces)
    done = _carry_out(scene, ground, dry_run=dry_run, patience=patience, say=say)
    return replace(done, findings=seen.findings)


def _refuse_locked(root: Path, ground: ImportGround, errand: Errand, now: Callable[[], int]) -> None:
    """Raises LockedOut. Where nobody says whose the keys are, they may be of any account."""
    home = opening.state_home(root, ground.workspace.state, os.environ)
    named = {errand.account, *(address.path[0] for address in errand.to.values())} - {""}
    for account in sorted(ground.recorded.lockouts.keys() & named if named else ground.recorded.lockouts):
        if why := share_of(account, home, now).locked():
            hint = "" if named else "keys of another account: say which, with --account NAME"
            raise LockedOut(f"nothing was asked or imported: {why}", hint=hint)


def adopt(
    root: Path,
    errand: Errand,
    *,
    dry_run: bool = False,
    patience: float = 0,
    say: Callable[[str], None] = lambda _: None,
) -> Import:
    """Keys that Kraken lists, without their secrets. Raises KrakenctlError, as `bring` does."""
    from krakenctl.workflow import open_desk

    with open_desk(open_project(root)) as desk:
        ground = grounds.read(root, _wish(errand), os.environ)
        look = cache(lambda: desk.look()[1])
        scene = _ImportScene(root, errand, desk.now(), lambda chooser: chooser.listed(look()), look)
        return _carry_out(scene, ground, dry_run=dry_run, patience=patience, say=say)


@dataclass(frozen=True, slots=True)
class _ImportScene:
    """One import; `choose` says which keys it is about."""

    root: Path
    errand: Errand
    now: int
    choose: Callable[[Chooser], list[AccountDraft]]
    look: Look
    nonces: Mapping[str, int] = field(default_factory=dict)  # by public key: what they have seen by now


def _carry_out(
    scene: _ImportScene, ground: ImportGround, *, dry_run: bool, patience: float, say: Callable[[str], None]
) -> Import:
    """First in memory: whatever is wrong is told before anything is made.

    Where nothing is declared, no store need be there yet; nor is that of a first import that was killed.
    """
    drawn = _draw(scene, ground, opening.stores(ground.project, os.environ) if ground.documents else _nothing)
    if dry_run or not drawn.keys:
        return _told(ground, drawn, _files(ground, drawn), dry_run=dry_run)
    made = _workspace(ground)
    run = new_run("import")
    home = opening.state_home(scene.root, ground.workspace.state, os.environ)
    with tenure(home, run, ground.workspace.state.lease, patience=patience, say=say) as state:
        ground = grounds.read(scene.root, _wish(scene.errand), os.environ)
        open_store = opening.stores(ground.project, os.environ)
        drawn = _draw(scene, ground, open_store)
        _write(scene.root, drawn, state, open_store)
        _record(state, drawn, run, scene)
        head = state.log.head()
    told = _told(ground, drawn, (*made, *_manifest(drawn)), dry_run=False)
    return replace(told, log_head=head)


def _wish(errand: Errand) -> Wish:
    return Wish(errand.account or USUAL_NAME, errand.tag, errand.endpoint)


def _endpoint(ground: ImportGround, errand: Errand) -> str:
    return (errand.endpoint or KRAKEN) if ground.wish else ground.workspace.endpoint


def _draw(scene: _ImportScene, ground: ImportGround, open_store: Callable[[str], Store | None]) -> _Drawn:
    """Until what is left would change nothing: a key that cannot be declared as it is takes no other with it."""
    chooser = Chooser(
        ground=ground,
        account=scene.errand.account,
        to=scene.errand.to,
        second_factor=scene.errand.otp is not None,
        is_scale_known=scene.errand.nonce is not None,
        now=scene.now,
        open_store=open_store,
    )
    accounts = scene.choose(chooser)
    path = ground.manifest_path(scene.errand.folder)
    out = chooser.left
    while accounts:
        text = manifest(accounts, path, ground.set_names)
        verdict = judge(ground, parse(text.encode(), path).documents, accounts, scene.now, scene.look)
        if not verdict.wrong:
            return _Drawn(accounts, verdict, path, text, tuple(out))
        out += (_unfit(key, verdict) for account in accounts for key in account.keys if key.address in verdict.wrong)
        accounts = _without(accounts, verdict)
    return _Drawn((), Verdict(wrong={}), path, "", tuple(out))


def _nothing(_: str) -> None:
    """No store is there yet, and nothing is in it."""
    return


def _unfit(key: KeyDraft, verdict: Verdict) -> LeftOut:
    return LeftOut(label=key.label, why=verdict.wrong[key.address])


def _without(accounts: Sequence[AccountDraft], verdict: Verdict) -> list[AccountDraft]:
    kept = [
        replace(account, keys=tuple(key for key in account.keys if key.address not in verdict.wrong))
        for account in accounts
    ]
    return [account for account in kept if account.keys]


def _listed(project: Project) -> Mapping[str, LiveAccount]:
    """What Kraken lists of the accounts that have such a list."""
    from krakenctl.workflow import open_desk

    with open_desk(project) as desk:
        return desk.look()[1]


def _workspace(ground: ImportGround) -> list[Written]:
    """What is missing for a first import."""
    if ground.wish is None and ground.documents:
        return []
    wish = ground.wish or Wish(ground.workspace.name, ground.workspace.tag, ground.workspace.endpoint)
    return [Written(path=made.path, what=made.what) for made in bare(ground.root, wish)]


def _write(root: Path, drawn: _Drawn, state: State, open_store: OpenStore) -> None:
    """See the head of this file."""
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


def _record(state: State, drawn: _Drawn, run: Run, scene: _ImportScene) -> None:
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


def _files(ground: ImportGround, drawn: _Drawn) -> list[Written]:
    made = [Written(path="krakenctl.yaml", what="the workspace")] if ground.wish and drawn.keys else []
    return [*made, *_manifest(drawn)]


def _manifest(drawn: _Drawn) -> list[Written]:
    return [Written(path=drawn.path, what="the keys, as they are", text=drawn.text)] if drawn.text else []


def _told(ground: ImportGround, drawn: _Drawn, files: Iterable[Written], *, dry_run: bool) -> Import:
    places = {record.address: record.secret for record in drawn.verdict.records}
    keys = tuple(
        ImportedKey(
            address=key.address,
            label=key.label,
            live_name=key.live.name,
            secret=places[key.address],
            without_secret=key.pair is None,
            second_factor=key.second_factor,
            guessed_nonce=key.guessed_nonce,
            findings=key.findings,
        )
        for key in drawn.keys
    )
    return Import(
        endpoint=ground.workspace.endpoint,
        keys=keys,
        left_out=drawn.left,
        files=tuple(files),
        dry_run=dry_run,
    )
