"""Are the workspace's stores apart from each other? Only their settings are looked at, and no folder."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from krakenctl.model.document import Document
from krakenctl.model.finding import Finding
from krakenctl.validate.report import error


def clashes(document: Document) -> Iterator[Finding]:
    """Stores whose folders are one, or lie in each other: a secret of one would silently replace the other's.

    `document` is a Workspace of the right shape.
    """
    stores, place = document.value["spec"]["stores"], document.place
    folders: dict[str, str] = {}
    for name, store in stores.items():
        folder = normal(store["path"])
        rival = next((each for each, taken in folders.items() if _overlap(folder, taken)), None)
        folders[name] = folder
        if rival is not None:
            related = ((f"the folder of “{rival}”", place.at("spec", "stores", rival, "path")),)
            message = f"the stores “{rival}” and “{name}” share a folder, and would overwrite each other's secrets"
            at = place.at("spec", "stores", name, "path")
            yield error("store-clash", at, message, hint="give each a folder of its own", related=related)


def normal(path: str) -> str:
    """`./Secrets//bots` → `secrets/bots`: not every file system tells capitals apart."""
    return posixpath.normpath(path).casefold()


def _overlap(one: str, other: str) -> bool:
    """Whether they are one folder or nested; “.” is the workspace, in which every store lies."""
    return "." in (one, other) or f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")
