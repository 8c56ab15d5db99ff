"""Where secrets are kept: can stores be read here, is what should be in them there, and does git stay out of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from krakenctl import files, plugins
from krakenctl.credentials import file_of
from krakenctl.errors import KrakenctlError
from krakenctl.model.diagnosis import Told, ok, problem, unknown, warning
from krakenctl.model.recorded import RecordedKey
from krakenctl.model.workspace import StoreSettings
from krakenctl.stores.base import Slot
from krakenctl.tasks.diagnosis.check import Check, Needs, of_error
from krakenctl.tasks.diagnosis.ground import DoctorGround

_NAMED = 3  # keys that are named one by one
_GIT_SECONDS = 10
_ENV = re.compile(r"\.env(\.|$)")  # at a workspace's root, as `krakenctl import --from` reads them
_SECRET = re.compile(r"(?im)^\s*(export\s+)?\w*(secret|private)\w*\s*=\s*['\"]?[A-Za-z0-9+/=]{20}")
_HEAD = 65536  # characters of such a file
_TRACKED, _NOT_IGNORED = "is committed to git", "is not ignored by git"


def stores(ground: DoctorGround) -> Iterator[Told]:
    """Each by itself: opened, its identity, its files; with --write also a canary."""
    for name, settings in ground.workspace.stores.items():
        try:
            yield from _store(ground, name, settings)
        except KrakenctlError as error:
            yield of_error(error, name)


def _store(ground: DoctorGround, name: str, settings: StoreSettings) -> Iterator[Told]:
    store = ground.store(name)
    yield from _folder(ground.root / settings.path, name)
    if settings.identity:
        plugins.identity(settings.identity, ground.credentials)
    if ground.wish.write:
        store.prove_writable()
    written = "; a canary was written and read back" if ground.wish.write else ""
    read = f"its identity is in {settings.identity}" if settings.identity else "this host can write, but not read"
    yield ok(f"in {settings.path}; {read}{written}", about=name)


def _folder(folder: Path, name: str) -> Iterator[Told]:
    if not folder.exists():
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield problem(f"{folder} is not this user's to write", hint=f"chown or chmod {folder}", about=name)
    open_files = [file for file in folder.rglob("*.age") if file.stat().st_mode & 0o022]
    if open_files:
        count = f"{len(open_files)} file{'s' * (len(open_files) != 1)}"
        yield warning(f"others may overwrite {count} in {folder}", hint=f"chmod -R go-w {folder}", about=name)


def secrets(ground: DoctorGround) -> Iterator[Told]:
    """Is there one for each key that is recorded, and can one be read?"""
    if not ground.recorded.keys:
        yield ok("no key is recorded, so none is looked for")
    usable = {name: keys for name, keys in _by_store(ground).items() if name in ground.workspace.stores}
    for name, keys in usable.items():
        try:
            yield from _kept(ground, name, keys)
        except KrakenctlError as error:
            yield of_error(error, name)
    kept = {name for name, keys in _by_store(ground).items() if not all(key.without_secret for key in keys)}
    for name in sorted(kept - usable.keys()):
        hint = "declare it again until they are gone"
        yield problem("secrets of ours are recorded in it, and krakenctl.yaml does not name it", hint=hint, about=name)


def _by_store(ground: DoctorGround) -> dict[str, list[RecordedKey]]:
    found: dict[str, list[RecordedKey]] = {}
    for key in ground.recorded.keys.values():
        found.setdefault(key.secret.store, []).append(key)
    return found


def _kept(ground: DoctorGround, name: str, keys: list[RecordedKey]) -> Iterator[Told]:
    store, every = ground.store(name), keys
    keys = [key for key in every if not key.without_secret]
    elsewhere = _elsewhere(len(every) - len(keys))
    if not keys:
        yield ok(f"{elsewhere}, so none is looked for", about=name)
    missing = [key for key in keys if not store.exists(key.secret.path, Slot.CURRENT)]
    for key in missing[:_NAMED]:
        yield problem(
            f"it keeps no secret for {key.live_name} at {key.secret.path}",
            hint=f"restore the file; or issue a new secret: krakenctl rotate {key.address}",
            about=name,
        )
    if len(missing) > _NAMED:
        yield problem(f"and none for {len(missing) - _NAMED} more keys", hint="`krakenctl plan` names them", about=name)
    there = next((key for key in keys if key not in missing), None)
    if there is None or not ground.workspace.stores[name].identity:
        return
    store.get(there.secret.path, Slot.CURRENT)  # one for all: they are written for the same recipients
    number = len(keys) - len(missing)
    are = "1 secret is" if number == 1 else f"{number} secrets are"
    found = f"{are} there, and the one of {there.live_name} can be read"
    yield ok("; ".join(filter(None, (found, elsewhere))), about=name)


def _elsewhere(number: int) -> str:
    """Adopted ones: their programs have them, and no store of ours ever had."""
    if not number:
        return ""
    return f"{number} keys were adopted without their secrets" if number > 1 else "1 key was adopted without its secret"


def git(ground: DoctorGround) -> Iterator[Told]:
    """What must never be committed: identities, tokens, key pairs, the state, and what programs read secrets from."""
    private = sorted(set(_private(ground)))
    program = shutil.which("git")
    if not any((above / ".git").exists() for above in (ground.root.absolute(), *ground.root.absolute().parents)):
        yield ok("this workspace is in no git repository")
        return
    if program is None:
        yield unknown("there is no git here to ask what it would commit", hint="install git, or look for yourself")
        return
    try:
        tracked = _lines(program, ground, "ls-files", "-z", "--", *private)
        ignored = {*_lines(program, ground, "check-ignore", "--no-index", "-z", "--stdin", told=private)}
    except (OSError, subprocess.SubprocessError):
        yield unknown("git does not say what it would commit", hint="run `git status` here, and see why")
        return
    for path in tracked[:_NAMED]:
        hint = f"git rm --cached {path}; then replace what is in it: it stays in the history"
        yield problem(f"{path} {_TRACKED}", hint=hint, about=path)
    bare = [path for path in private if path not in ignored and path not in tracked]
    for path in bare[:_NAMED]:
        ours, line = "`krakenctl init` adds the lines that .gitignore lacks", f"add a line to .gitignore: {path}"
        yield warning(f"{path} {_NOT_IGNORED}", hint=line if _ENV.match(path) else ours, about=path)
    if not tracked and not bare:
        yield ok("identities, credentials and state are ignored by git")


def _private(ground: DoctorGround) -> Iterator[str]:
    """Relative to the workspace, and only what lies in it."""
    base = Path(os.path.realpath(ground.root))
    for place in (ground.root / files.OWN, *_files(ground)):
        real = Path(os.path.realpath(place))
        if place.exists() and real != base and real.is_relative_to(base):
            inside = real.relative_to(base)
            yield files.OWN if inside.parts[0] == files.OWN else str(inside)


def _files(ground: DoctorGround) -> Iterator[Path]:
    found = ground.workspace
    references = [found.state.dsn, *(store.identity for store in found.stores.values())]
    for party in ground.parties:
        refs = ground.refs(party)
        references += [refs.token, refs.api_key]
    yield from (path for path in (file_of(ground.root, each) for each in references if each) if path is not None)
    if found.state.type == "sqlite":
        yield ground.root / found.state.path
    yield from (path for path in sorted(ground.root.iterdir()) if _ENV.match(path.name) and _tells_secrets(path))


def _tells_secrets(file: Path) -> bool:
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            return _SECRET.search(opened.read(_HEAD)) is not None
    except OSError:
        return False


def _lines(program: str, ground: DoctorGround, *args: str, told: Iterable[str] = ()) -> list[str]:
    """What git answers. It gets no variable of ours, and runs nothing that a repository's settings name."""
    done = subprocess.run(  # noqa: S603 - git, with paths of the workspace after a --
        [program, "-c", "core.fsmonitor=false", *args],
        cwd=ground.root,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        input="\0".join(told).encode(errors="surrogateescape"),
        capture_output=True,
        timeout=_GIT_SECONDS,
        check=False,
    )
    if done.returncode > 1:  # 1: nothing is ignored
        raise subprocess.CalledProcessError(done.returncode, program)
    return [each for each in done.stdout.decode(errors="replace").split("\0") if each]


CHECKS = (
    Check("store", "stores", stores, Needs.WORKSPACE),
    Check("secret", "secrets", secrets, Needs.WORKSPACE | Needs.STATE),
    Check("git", "git", git, Needs.WORKSPACE),
)
