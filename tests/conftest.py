"""For every test: no colours or settings from whoever runs them, and in CI nothing is skipped."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from running import krakenctl

if TYPE_CHECKING:
    from postgres import Server

settings.register_profile("krakenctl", deadline=None, derandomize=True, print_blob=False, database=None)
settings.load_profile("krakenctl")

# Whoever is started in the background by a shell ignores Ctrl-C, and so would each krakenctl that is to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

MEMORY = Path("/dev/shm")
ROOM = 4 * 2**30  # bytes, several times what a run of everything needs


def _keep_files_in_memory() -> None:
    """Nothing here has to survive a power cut, and nobody waits for a disk. Unless TMPDIR says where."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return
    if shutil.disk_usage(MEMORY).free > ROOM and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


_keep_files_in_memory()

OURS = ("KRAKENCTL_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


@pytest.fixture(autouse=True)
def _neutral_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(OURS):
            monkeypatch.delenv(name)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """What `krakenctl init` makes in an empty folder: an account `acme` with two keys, on a sandbox of its own."""
    assert krakenctl("-C", tmp_path, "init", "--name", "acme", "--tag", "a7").code == 0
    return tmp_path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server of this session's own."""
    from postgres import programs, running

    if programs() is None:
        pytest.skip("there is no PostgreSQL server to start")
    with running() as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and NO_SKIP:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: nothing may be skipped here: {report.longrepr}"
    return report


NO_SKIP = bool(os.environ.get("KRAKENCTL_TESTS_NO_SKIP"))
