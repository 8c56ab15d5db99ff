"""What all commands share: where the workspace is, how output looks, how an error is told."""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from krakenctl.errors import BeyondLimits, InvalidManifests, KrakenctlError, OutputError, PlanStale, WorkspaceError
from krakenctl.render.paint import Paint, visible

if TYPE_CHECKING:
    from krakenctl.project import Project

PIPE_WIDTH = 100  # where there is no terminal to ask


class TextOrJson(StrEnum):
    TEXT = "text"
    JSON = "json"


class PlanFormat(StrEnum):
    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@dataclass(slots=True)
class Frame:
    """Filled while flags are read, so that an error raised anywhere is told in the wanted way."""

    command: str = "krakenctl"  # as far as it is known, with those above it
    directory: Path | None = None
    no_color: bool = False
    output: str = "text"
    parallelism: int | None = None

    def shell(self) -> Shell:
        return Shell(self.directory or Path(), self.output, no_color=self.no_color, parallelism=self.parallelism)


class Shell:
    """One command's standard output and error. Results go to the one, prose and progress to the other."""

    def __init__(self, directory: Path, output: str, *, no_color: bool, parallelism: int | None = None) -> None:
        self.directory = directory
        self.output = output
        self.parallelism = parallelism  # None: nobody said
        self._no_color = no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

    @classmethod
    def of(
        cls,
        ctx: typer.Context,
        directory: Path | None,
        output: str,
        *,
        no_color: bool,
        parallelism: int | None = None,
    ) -> Shell:
        """Flags behind the command win over those before it."""
        frame: Frame = ctx.obj
        frame.parallelism = parallelism
        frame.directory = directory or frame.directory
        frame.no_color = no_color or frame.no_color
        frame.output = str(output)
        return frame.shell()

    @property
    def json(self) -> bool:
        return self.output == TextOrJson.JSON

    def paint(self, *, stderr: bool = False) -> Paint:
        stream = sys.stderr if stderr else sys.stdout
        width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
        return Paint(colour=stream.isatty() and not self._no_color, width=width)

    def project(self) -> Project:
        """The workspace, sound. Raises InvalidManifests or WorkspaceError."""
        from krakenctl.project import open_project

        return open_project(self.root())

    def root(self) -> Path:
        if not self.directory.is_dir():
            raise WorkspaceError(f"there is no folder {self.directory}", hint="check -C DIR")
        return self.directory

    def print(self, text: str) -> None:
        """To standard output. Raises OutputError, unless its reader has merely seen enough and gone."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            _mute("stdout")
        except OSError as problem:
            _mute("stdout")
            raise OutputError(f"the result cannot be written: {problem.strerror}") from None

    def print_json(self, document: Any) -> None:
        self.print(json.dumps(document, indent=2, ensure_ascii=not _speaks_unicode(sys.stdout)) + "\n")

    def note(self, text: str) -> None:
        """To standard error. Nobody may be there to read it, and nothing stops for that."""
        try:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
        except (OSError, ValueError):
            _mute("stderr")

    def tell(self, text: str, indent: int = 0) -> None:
        """As `note`, in lines that fit where somebody sits; elsewhere in one, for whoever searches it."""
        self.note(self.paint(stderr=True).wrapped(text, indent, 0) if sys.stderr.isatty() else text)

    @property
    def is_attended(self) -> bool:
        """Whether somebody can be asked."""
        return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    def confirm(self, question: str, flag: str) -> bool:
        """Raises UsageError where there is nobody to ask."""
        from krakenctl.errors import UsageError

        if self.json or not self.is_attended:
            raise UsageError(
                f"{question} There is no terminal to answer on; nothing of it was done", hint=f"add {flag}"
            )
        return typer.confirm(question, err=True)

    def error(self, problem: KrakenctlError) -> None:
        if self.json:
            self.print_json(_envelope(problem))
            return
        paint = self.paint(stderr=True)
        if isinstance(problem, InvalidManifests):
            from krakenctl.render.findings_text import finding_lines

            for line in finding_lines(problem.findings, paint):
                self.note(line)
            self.note("")
        sentence = paint.wrapped(_stop(visible(_sentence(problem))), indent=2, first=7)
        self.note(f"{paint('Error:', 'red', 'bold')} {sentence}")
        for line in problem.differences if isinstance(problem, PlanStale) else ():
            self.note("  " + paint.wrapped(f"- {visible(line)}", indent=4, first=2))
        if problem.hint:
            self.note("  " + paint.wrapped(f"→ {visible(problem.hint)}", indent=4, first=2))
        if problem.log_head:
            from krakenctl.render.report_text import head_line

            self.note("What had been recovered before that is told above.")
            self.note(head_line(problem.log_head, paint))


def prepare_streams() -> None:
    """Standard output and error that take whatever we write, however odd the surroundings.

    A closed one becomes /dev/null; one that cannot show a character shows a question mark instead of failing.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            _mute(name)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _mute(name: str) -> None:
    """Also the descriptor, so that nothing complains when Python flushes at its end."""
    nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it lives as long as the process
    stream = getattr(sys, name)
    if stream is not None:
        with suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), stream.fileno())
    setattr(sys, name, nowhere)


def _speaks_unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"


def _sentence(problem: KrakenctlError) -> str:
    where = f"{problem.file}: " if problem.file and problem.file not in problem.message else ""
    return where + problem.message


def _stop(text: str) -> str:
    return text if text.endswith((".", "?", "!", ":")) else text + "."


def _envelope(problem: KrakenctlError) -> dict[str, Any]:
    error = {
        "code": problem.code,
        "category": problem.category,
        "message": problem.message,
        "hint": problem.hint,
        "retryable": problem.retryable,
        "address": problem.address,
        "file": problem.file,
        "line": problem.line,
    }
    document: dict[str, Any] = {"format": "krakenctl.error/v1", "error": error}
    if isinstance(problem, InvalidManifests):
        from krakenctl.model.finding_json import finding_json

        document["findings"] = [finding_json(finding) for finding in problem.findings]
    if isinstance(problem, PlanStale):
        document["differences"] = list(problem.differences)
    if isinstance(problem, BeyondLimits):
        from krakenctl.model.safety import block_json

        document["blocks"] = [block_json(block) for block in problem.blocks]
    if problem.recovered:
        from krakenctl.render.recovery import recovered_json

        document["recovered"] = [recovered_json(one) for one in problem.recovered]
    if problem.log_head:
        document["logHead"] = problem.log_head
    return document
