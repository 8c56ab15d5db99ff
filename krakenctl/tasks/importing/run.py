"""An import from beginning to end: keys are asked, judged, and brought under management. It neither prints nor asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from krakenctl.actor import new_run
from krakenctl.errors import LockedOut
from krakenctl.model.description import tells_no_clock
from krakenctl.model.importing import Import, ImportedKey, Written
from krakenctl.model.live import LiveAccount
from krakenctl.pairs.harvest import Harvest
from krakenctl.pairs.kept import share_of
from krakenctl.project import Project, open_project
from krakenctl.state.tenure import tenure
from krakenctl.surfaces.kraken.refusals import KRAKEN
from krakenctl.tasks.importing import ground as grounds
from krakenctl.tasks.importing import sorting, writing
from krakenctl.tasks.importing.choose import Chooser
from krakenctl.tasks.importing.draft import AccountDraft
from krakenctl.tasks.importing.drawing import Drawn, ImportScene, draw, nothing
from krakenctl.tasks.importing.errand import Errand
from krakenctl.tasks.importing.ground import ImportGround
from krakenctl.tasks.initialise import Wish, bare
from krakenctl.tasks.inspection import Manner, inspect
from krakenctl.tasks.oracle import open_oracle
from krakenctl.wiring import opening

USUAL_NAME = "main"  # of an account, and of a workspace: what `krakenctl init` says too


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
            _refuse_locked(root, ground, errand, oracle.now_there)
        seen = inspect(oracle, replace(harvest, pairs=fresh), Manner(nonce=errand.nonce, otp=errand.otp))
        oracle.let_pass()
    asked, refused = sorting.sorted_out(fresh, seen)
    heard = [(labelled.pair.public_key, told.told.nonce) for labelled, told in asked]
    nonces = {key: nonce for key, nonce in heard if not tells_no_clock(errand.nonce, nonce)}

    def choose(chooser: Chooser) -> list[AccountDraft]:
        chooser.left += (*known, *refused)
        return chooser.accounts(asked)

    scene = ImportScene(root, errand, seen.now, choose, cache(partial(_listed, ground.project)), nonces)
    done = _carry_out(scene, ground, dry_run=dry_run, patience=patience, say=say)
    return replace(done, findings=seen.findings)


def to_be_asked(root: Path, harvest: Harvest, errand: Errand) -> int:
    """How many keys `bring` would ask. Raises KrakenctlError, as it does."""
    ground = grounds.read(root, _wish(errand), os.environ)
    return len(sorting.known(sorting.meant(errand, harvest)[1], ground.recorded)[1])


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
    dry_run: bool,
    patience: float,
    say: Callable[[str], None],
) -> Import:
    """Keys that Kraken lists, without their secrets. Raises KrakenctlError, as `bring` does."""
    from krakenctl.workflow import open_desk

    with open_desk(open_project(root)) as desk:
        ground = grounds.read(root, _wish(errand), os.environ)
        look = cache(lambda: desk.look()[1])
        scene = ImportScene(root, errand, desk.now(), lambda chooser: chooser.listed(look()), look)
        return _carry_out(scene, ground, dry_run=dry_run, patience=patience, say=say)


def _carry_out(
    scene: ImportScene, ground: ImportGround, *, dry_run: bool, patience: float, say: Callable[[str], None]
) -> Import:
    """First in memory: whatever is wrong is told before anything is made.

    Where nothing is declared, no store need be there yet; nor is that of a first import that was killed.
    """
    drawn = draw(scene, ground, opening.stores(ground.project, os.environ) if ground.documents else nothing)
    if dry_run or not drawn.keys:
        return _told(ground, drawn, _files(ground, drawn), dry_run=dry_run)
    made = _workspace(ground)
    run = new_run("import")
    home = opening.state_home(scene.root, ground.workspace.state, os.environ)
    with tenure(home, run, ground.workspace.state.lease, patience=patience, say=say) as state:
        ground = grounds.read(scene.root, _wish(scene.errand), os.environ)
        open_store = opening.stores(ground.project, os.environ)
        drawn = draw(scene, ground, open_store)
        writing.write(scene.root, drawn, state, open_store)
        writing.put_on_record(state, drawn, run, scene)
        head = state.log.head()
    told = _told(ground, drawn, (*made, *_manifest(drawn)), dry_run=False)
    return replace(told, log_head=head)


def _wish(errand: Errand) -> Wish:
    return Wish(errand.account or USUAL_NAME, errand.tag, errand.endpoint)


def _endpoint(ground: ImportGround, errand: Errand) -> str:
    return (errand.endpoint or KRAKEN) if ground.wish else ground.workspace.endpoint


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


def _files(ground: ImportGround, drawn: Drawn) -> list[Written]:
    made = [Written(path="krakenctl.yaml", what="the workspace")] if ground.wish and drawn.keys else []
    return [*made, *_manifest(drawn)]


def _manifest(drawn: Drawn) -> list[Written]:
    return [Written(path=drawn.path, what="the keys, as they are", text=drawn.text)] if drawn.text else []


def _told(ground: ImportGround, drawn: Drawn, files: Iterable[Written], *, dry_run: bool) -> Import:
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
