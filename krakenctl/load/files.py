"""From glob patterns to the manifests they mean. No file is opened, and nothing outside the workspace is looked at."""

from __future__ import annotations

import difflib
import fnmatch
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from krakenctl.load.content import unreadable
from krakenctl.load.problem import in_file
from krakenctl.model.finding import Finding
from krakenctl.model.origin import Place

SUFFIXES = (".yaml", ".yml")
OWN_FILE, OWN_FOLDER = "krakenctl.yaml", ".krakenctl"
DEPTH = 64


def find_files(root: Path, patterns: Sequence[str]) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
    """The files that the patterns mean, relative to the workspace, sorted and each once; and what is wrong with them.

    A folder means every .yaml and .yml file below it. Hidden files and folders, `.krakenctl` among them, and the
    workspace's own krakenctl.yaml are never meant. A pattern that means nothing is a finding.
    """
    walk = _Walk(root)
    files: dict[str, str] = {}  # by their real place, so that a file with two names is read once
    for position, pattern in enumerate(patterns):
        meant = sorted(set(walk.expand(pattern)))
        if not meant and not walk.is_faulty(pattern):
            walk.findings.append(_matches_nothing(root, pattern, position))
        for file in meant:
            files.setdefault(walk.real(file), file)
    unique = {(finding.rule, finding.place): finding for finding in walk.findings}
    return tuple(sorted(files.values())), tuple(unique.values())


def _matches_nothing(root: Path, pattern: str, position: int) -> Finding:
    message, place = f"no manifest matches “{pattern}”", Place(OWN_FILE, 0, ("spec", "manifests", position))
    hint = ""
    with suppress(OSError):  # a folder that cannot be read has no names to suggest
        hint = _suggestion(root, pattern)
    return Finding(rule="no-manifests", message=message, hint=hint, place=place)


def _suggestion(root: Path, pattern: str) -> str:
    """The pattern with the first name that is not there replaced by one beside it that is near; or nothing."""
    parts = PurePosixPath(pattern).parts
    for depth, part in enumerate(parts):
        folder = root.joinpath(*parts[:depth])
        if _is_glob(part) or not folder.is_dir():
            return ""
        if not (folder / part).exists():
            names = sorted(each.name for each in folder.iterdir() if _can_be_meant(each))
            near = difflib.get_close_matches(part, names, n=1)
            return f"did you mean “{'/'.join([*parts[:depth], *near, *parts[depth + 1 :]])}”" if near else ""
    return ""


def _can_be_meant(path: Path) -> bool:
    named = path.name.isprintable() and not path.name.startswith(".") and path.name != OWN_FILE
    return named and (path.suffix in SUFFIXES or path.is_dir())


class _Walk:
    """Follows patterns through folders, with an eye on links. `findings` fill up on the way."""

    def __init__(self, root: Path) -> None:
        self.findings: list[Finding] = []
        self._root = root
        self._real_root = Path(os.path.realpath(root))
        self._faulty: set[str] = set()
        self._real: dict[str, str] = {}
        self._visited: set[tuple[str, tuple[str, ...]]] = set()

    def expand(self, pattern: str) -> Iterator[str]:
        parts = PurePosixPath(pattern).parts
        before = len(self.findings)
        self._visited.clear()
        if "\0" in pattern or pattern.startswith("/") or ".." in parts:
            message = f"“{pattern}” leads out of the workspace"
            self.findings.append(in_file("outside-workspace", pattern, message, hint="manifests lie inside it"))
        else:
            yield from self._match("", parts)
        if len(self.findings) > before:
            self._faulty.add(pattern)

    def is_faulty(self, pattern: str) -> bool:
        return pattern in self._faulty

    def real(self, path: str) -> str:
        """Where a path really is. Folders are remembered: asking costs a system call for each of their parents."""
        folder, _, name = path.rpartition("/")
        known = self._real.get(folder)
        if known is None:
            known = self._real[folder] = os.path.realpath(self._root / folder)
        full = f"{known}/{name}" if name else known
        return os.path.realpath(full) if os.path.islink(full) else full  # noqa: PTH114 - ten thousand times a run

    def _match(self, folder: str, parts: tuple[str, ...]) -> Iterator[str]:
        """What the rest of a pattern means in a folder of the workspace. No folder is visited twice for the same."""
        visit = (self.real(folder), parts)
        if visit in self._visited:
            return
        self._visited.add(visit)
        if not parts:
            yield from self._below(folder)
        elif parts[0] == "**":
            yield from self._match(folder, parts[1:] or ("*",))
            for name in self._names(folder):
                if self._is_folder(_join(folder, name)):
                    yield from self._match(_join(folder, name), parts)
        elif _is_glob(parts[0]):
            for name in self._names(folder):
                if fnmatch.fnmatchcase(name, parts[0]):
                    yield from self._step(_join(folder, name), parts[1:], literal=False)
        else:
            yield from self._step(_join(folder, parts[0]), parts[1:], literal=True)

    def _step(self, path: str, rest: tuple[str, ...], *, literal: bool) -> Iterator[str]:
        if path == OWN_FOLDER or not os.path.lexists(self._root / path) or not self._is_inside(path):
            return
        if self._is_folder(path):
            yield from self._match(path, rest)
        elif not rest and path != OWN_FILE and (literal or path.endswith(SUFFIXES)):
            yield path

    def _below(self, folder: str) -> Iterator[str]:
        for name in self._names(folder):
            yield from self._step(_join(folder, name), (), literal=False)

    def _names(self, folder: str) -> list[str]:
        try:
            names = sorted(each.name for each in (self._root / folder).iterdir() if not each.name.startswith("."))
            "/".join(names).encode()
        except UnicodeEncodeError:
            message = "a name in this folder is not UTF-8, so nothing of the folder is read"
            self.findings.append(in_file("unreadable", folder or ".", message, hint="rename it"))
        except OSError as problem:
            self.findings.append(unreadable(folder or ".", problem))
        else:
            return names
        return []

    def _is_folder(self, path: str) -> bool:
        """A folder to go into: not one that a link makes its own child."""
        full = self._root / path
        if not full.is_dir():
            return False
        if full.is_symlink() and self.real(path) in map(self.real, _ancestors(path)):
            message = "this symbolic link leads back to a folder above it"
            self.findings.append(in_file("symlink-loop", path, message))
            return False
        if path.count("/") >= DEPTH:
            self.findings.append(in_file("too-deep", path, f"folders are nested more than {DEPTH} levels deep"))
            return False
        return True

    def _is_inside(self, path: str) -> bool:
        """Links are followed within the workspace, and never out of it."""
        full = self._root / path
        if not full.is_symlink():
            return True
        try:
            inside = full.resolve(strict=True).is_relative_to(self._real_root)
        except (OSError, RuntimeError) as problem:
            self.findings.append(unreadable(path, problem))
            return False
        if not inside:
            message = "this symbolic link leads out of the workspace"
            self.findings.append(in_file("outside-workspace", path, message, hint="manifests lie inside it"))
        return inside


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _ancestors(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(len(parts))]


def _is_glob(part: str) -> bool:
    return any(letter in part for letter in "*?[")
