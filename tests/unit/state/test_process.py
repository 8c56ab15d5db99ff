"""Whether a process is certainly gone. Of what cannot be known, nothing is claimed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from krakenctl.state import process


@pytest.fixture
def sleeper():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        yield running
        running.kill()


def test_a_process_that_runs_is_not_gone(sleeper):
    assert not process.is_gone(sleeper.pid, process.identity(sleeper.pid))
    assert not process.is_gone(os.getpid(), process.identity(os.getpid()))


def test_a_killed_process_is_gone_also_before_its_parent_has_noticed(sleeper):
    remembered = process.identity(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone(sleeper.pid, remembered)
    sleeper.wait()
    assert process.is_gone(sleeper.pid, remembered)


def test_a_later_process_of_the_same_number_is_another_one(sleeper):
    place = process.identity(sleeper.pid).rpartition(" ")[0]
    assert process.is_gone(sleeper.pid, f"{place} 1")


@pytest.mark.parametrize("remembered", ["", "another-boot pid:[1] 77"])
def test_of_another_host_or_none_nothing_is_claimed(sleeper, remembered):
    remembered_pid = sleeper.pid
    sleeper.kill()
    sleeper.wait()
    assert not process.is_gone(remembered_pid, remembered)
