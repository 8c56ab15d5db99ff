"""A workspace's state moves: from where it was into the one that krakenctl.yaml names now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from krakenctl.errors import StateError, UsageError
from krakenctl.model.copied import Contents, Copied
from krakenctl.model.recorded import Recorded
from krakenctl.model.run import Deed, Run
from krakenctl.model.workspace import StateSettings, Workspace, usual_schema
from krakenctl.plan.names import carries_tag
from krakenctl.project import read_workspace
from krakenctl.state import moving
from krakenctl.state.base import StateHome
from krakenctl.state.tenure import Patience
from krakenctl.tasks.remembered import offline_now
from krakenctl.wiring.opening import state_home


class Move:
    """From `source` (`sqlite:PATH`, `postgres:REFERENCE`) into the state of the workspace in `root`.

    Raises UsageError for a source that cannot be one.
    """

    def __init__(self, root: Path, source: str, schema: str) -> None:
        self._root = root
        self._workspace = workspace = read_workspace(root)
        self._source = state_home(root, _settings(source, schema, workspace))
        self._target = state_home(root, workspace.state)
        if str(self._source) == str(self._target):
            raise UsageError(
                f"{self._target} is the one that krakenctl.yaml names; it cannot be copied into itself",
                hint="name the new state in krakenctl.yaml first, and give the old one with --from",
            )

    @property
    def names(self) -> tuple[str, str]:
        """Of the source and the target, for people."""
        return str(self._source), str(self._target)

    def look(self) -> Contents:
        """What there is to copy. Changes nothing. Raises StateError when it is nothing, or another workspace's."""
        with self._source.look() as state:
            if state is None:
                raise StateError(f"{self._source} is not there; nothing was copied", hint="check --from")
            found = moving.contents(state)
            if not found.moved:
                _refuse_strangers(state.read(), self._workspace, self._source)
            return found

    def carry_out(self, run: Run, patience: float, say: Callable[[str], None]) -> Copied:
        """Raises LockHeld when somebody still works with either after `patience` seconds, else StateError."""
        deed = Deed(at=offline_now(self._root), run=run, verb="copy", outcome="done")
        origin, place = self.names
        wait = Patience(patience, say)
        with closing(wait.until(self._source.open)) as source, closing(wait.until(self._target.open)) as target:
            return wait.until(lambda: moving.move(source, target, deed, origin=origin, place=place))


def _settings(source: str, schema: str, workspace: Workspace) -> StateSettings:
    """No message repeats what was given: somebody may have written the connection string itself."""
    sort, _, place = source.partition(":")
    if sort == "sqlite" and place:
        if schema:
            raise UsageError("--from-schema is about a state in PostgreSQL", hint="leave it out")
        return StateSettings(type="sqlite", path=place)
    if sort == "postgres" and place.startswith(("env:", "file:")):
        return StateSettings(type="postgres", dsn=place, schema=schema or usual_schema(workspace.name))
    raise UsageError(
        "--from names no state",
        hint="write sqlite:PATH; or postgres: and where its connection string is kept, as postgres:env:NAME",
    )


def _refuse_strangers(recorded: Recorded, workspace: Workspace, source: StateHome) -> None:
    """Every name of a key of ours carries the tag: one workspace's keys must not become another's."""
    names = [trace.live_name for trace in recorded.traces if trace.address.kind == "ApiKey"]
    if names and not any(carries_tag(name, workspace.tag) for name in names):
        raise StateError(
            f"{source} is another workspace's: its keys, as {names[0]}, do not carry the tag {workspace.tag};"
            " nothing was copied",
            hint="check --from and -C",
        )
