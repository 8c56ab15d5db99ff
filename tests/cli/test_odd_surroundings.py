"""A terminal that is closed, full, deaf or mute costs nobody a secret, and nobody sees a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from krakenctl import cli
from krakenctl.apply.ports import unfailing
from running import krakenctl

COMMAND = [sys.executable, "-m", "krakenctl"]


def in_order(workspace: Path) -> bool:
    return krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_apply_goes_on_when_whoever_read_its_output_has_gone(workspace: Path, stream: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
    done = subprocess.run([*COMMAND, "apply", "--yes"], cwd=workspace, check=False, timeout=60, **streams)
    os.close(writer)
    assert done.returncode == 0
    assert in_order(workspace)
    assert b"Traceback" not in (done.stderr or b"")


@pytest.mark.parametrize("number", range(8))
def test_a_watcher_that_fails_at_any_event_stops_nothing(
    workspace: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def failing(shell: object, text: str) -> None:
        seen.append(text)
        if len(seen) > number:
            raise BrokenPipeError

    monkeypatch.setattr("krakenctl.cli.shell.Shell.note", failing)
    assert krakenctl("-C", workspace, "apply", "--yes").code == 0
    assert in_order(workspace)


def test_a_watcher_that_failed_once_is_not_asked_again() -> None:
    calls = []

    def tell(event: object) -> None:
        calls.append(event)
        raise OSError

    quiet = unfailing(tell)
    quiet("one")
    quiet("two")
    assert calls == ["one"]


@pytest.mark.parametrize("args", [["plan"], ["tree"], ["plan", "-o", "json"], ["plan", "-o", "markdown"], ["validate"]])
def test_an_ascii_terminal_sees_question_marks_and_no_traceback(workspace: Path, args: list[str]) -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*COMMAND, *args], cwd=workspace, env=ascii_only, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


def test_a_full_disk_is_told_in_a_sentence(workspace: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "plan"], cwd=workspace, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the result cannot be written: No space left on device.")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_are_no_traceback(workspace: Path, closed: str) -> None:
    line = f"exec {sys.executable} -m krakenctl plan {closed}"
    done = subprocess.run(["sh", "-c", line], cwd=workspace, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_what_the_exchange_says_cannot_drive_the_terminal(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = '{"error": ["EGeneral:\\u001b[2J\\u001b]0;owned\\u0007\\u202e"]}'
    monkeypatch.setattr("krakenctl.transport.http._body", lambda _: (json.loads(evil), True))
    told = krakenctl("-C", workspace, "plan")
    assert told.code == 1
    assert "EGeneral" in told.err
    assert all(char.isprintable() or char == "\n" for char in told.err)


def test_no_color_must_say_something_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    from krakenctl.cli.shell import Shell

    monkeypatch.delenv("TERM", raising=False)
    monkeypatch.setenv("NO_COLOR", "")
    assert Shell(Path(), "text", no_color=False)._no_color is False
    monkeypatch.setenv("NO_COLOR", "1")
    assert Shell(Path(), "text", no_color=False)._no_color is True


def test_the_version_needs_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["--version"]) == 0


def test_apply_with_a_closed_input_names_the_flag(workspace: Path) -> None:
    line = f"exec {sys.executable} -m krakenctl apply <&-"
    done = subprocess.run(["sh", "-c", line], cwd=workspace, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 64
    assert "--yes" in done.stderr
