"""What every command keeps to: help with an example, exit codes, JSON where JSON was asked for, nothing heavy."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from krakenctl import __version__
from krakenctl.cli.app import COMMANDS
from krakenctl.cli.sandbox import COMMANDS as SANDBOX_COMMANDS
from krakenctl.cli.state import COMMANDS as STATE_COMMANDS
from running import krakenctl, process

GROUPS = {"state": list(STATE_COMMANDS), "sandbox": list(SANDBOX_COMMANDS)}
PATHS = [[name] for name in COMMANDS] + [[name, sub] for name, subs in GROUPS.items() for sub in subs]


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_says_what_a_command_does_and_shows_an_example(path: list[str]) -> None:
    told = krakenctl(*path, "--help")
    assert told.code == 0
    assert "Example:" in told.out
    assert "krakenctl " + path[0] in told.out.partition("Example:")[2]


HALF = base64.b64encode(bytes(range(64))).decode()


@pytest.mark.parametrize("path", [[], *PATHS], ids=" ".join)
@pytest.mark.parametrize("words", [["{}"], ["--{}"], ["--name={}"], ["{}", "--", "true"]], ids=" ".join)
def test_a_secret_on_the_command_line_is_repeated_by_no_command(path: list[str], words: list[str]) -> None:
    ran = krakenctl(*path, *(word.format(HALF) for word in words))
    assert ran.code == 64
    assert "looks like a key or a secret" in ran.err
    assert HALF[:12] not in ran.out + ran.err


def test_what_another_program_is_told_is_no_business_of_ours_and_neither_is_a_place(tmp_path: Path) -> None:
    for words in (["exec", "ApiKey/acme/bot", "--", "true", HALF], ["-C", tmp_path / ("Desk1" * 12), "tree"]):
        assert "looks like a key" not in krakenctl(*words).err


def test_the_list_of_commands_says_what_each_says_of_itself() -> None:
    told = krakenctl("--help").out
    for name, summary in COMMANDS.items():
        assert name in told
        own = " ".join(krakenctl(name, "--help").out.split())
        assert summary.partition(":")[0].rstrip(".") in own, name


@pytest.mark.parametrize(
    "args",
    [
        ["plam"],
        ["plan", "--nope"],
        ["plan", "-o", "xml"],
        ["plan", "--as-of", "soon"],
        ["show"],
        ["schema", "nope"],
        ["init", "--tag", "abc"],
    ],
    ids=" ".join,
)
def test_a_usage_error_exits_64_and_names_the_help(args: list[str], tmp_path: Path) -> None:
    told = krakenctl(*args, cwd=tmp_path)
    assert told.code == 64
    assert told.out == ""
    assert "--help" in told.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "args",
    [
        ["plan", "--nope", "-o", "json"],
        ["plan", "--output=json"],
        ["apply", "-ojson"],
        ["show", "none.plan", "-o", "json"],
    ],
)
def test_an_error_is_json_where_json_was_asked_for(args: list[str], tmp_path: Path) -> None:
    told = krakenctl(*args, cwd=tmp_path)
    assert told.code in (1, 64)
    assert set(told.json["error"]) == {"code", "category", "message", "hint", "retryable", "address", "file", "line"}


def test_flags_may_stand_before_or_behind_the_command(workspace: Path) -> None:
    assert krakenctl("-C", workspace, "tree").out == krakenctl("tree", "-C", workspace).out


def test_every_shared_flag_has_an_environment_variable(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKENCTL_DIR", str(workspace))
    monkeypatch.setenv("KRAKENCTL_OUTPUT", "json")
    assert krakenctl("validate").json["valid"] is True


def test_a_version_in_the_environment_is_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRAKENCTL_VERSION", "0.1.0")
    assert krakenctl("version").out == f"krakenctl {__version__}\n"


def test_apply_without_a_terminal_names_the_flag_and_does_nothing(workspace: Path) -> None:
    told = krakenctl("-C", workspace, "apply")
    assert told.code == 64
    assert "--yes" in told.err
    assert krakenctl("-C", workspace, "plan", "--detailed-exitcode").code == 2


def test_every_json_output_parses_and_goes_to_stdout_alone(workspace: Path) -> None:
    krakenctl("-C", workspace, "plan", "--out", workspace / "a.plan")
    for args in (
        ["validate"],
        ["tree"],
        ["plan"],
        ["show", workspace / "a.plan"],
        ["apply", "--yes"],
        ["state", "list"],
        ["state", "show", "ApiKey/acme/dashboard"],
        ["version"],
        ["sandbox", "reset", "--yes"],
        ["init"],
    ):
        told = krakenctl("-C", workspace, *args, "-o", "json")
        assert told.code == 0, (args, told)
        json.loads(told.out)


def test_no_colour_reaches_a_pipe(workspace: Path) -> None:
    assert "\x1b" not in process("-C", workspace, "plan", env={"FORCE_COLOR": "1"}).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_the_commands(shell: str) -> None:
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # not the shell that started the tests, if one did
    script = process("--show-completion", shell, env=named)
    assert script.code == 0
    assert "_KRAKENCTL_COMPLETE" in script.out
    offered = process(env={"_KRAKENCTL_COMPLETE": "complete_bash", "COMP_WORDS": "krakenctl pl", "COMP_CWORD": "1"})
    assert offered.out.split() == ["plan"]


def imported(*args: str, cwd: Path) -> set[str]:
    """The top-level modules that a command leaves imported."""
    code = f"import sys; from krakenctl.cli import main; main({list(args)!r}); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True, env={**os.environ}
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


def test_the_version_costs_no_import(tmp_path: Path) -> None:
    assert not imported("--version", cwd=tmp_path) & {
        "typer",
        "yaml",
        "requests",
        "jsonschema",
        "deepdiff",
        "rich",
        "sqlite3",
    }


def test_help_imports_no_command(tmp_path: Path) -> None:
    assert not imported("--help", cwd=tmp_path) & {
        "yaml",
        "requests",
        "jsonschema",
        "deepdiff",
        "rich",
        "sqlite3",
        "pyrage",
    }


def test_a_plan_without_changes_imports_only_what_it_needs(workspace: Path) -> None:
    krakenctl("-C", workspace, "apply", "--yes")
    assert not imported("plan", cwd=workspace) & {"deepdiff", "jsonschema", "rich"}


def test_a_workspace_above_is_named_instead_of_nesting_another(workspace: Path) -> None:
    told = krakenctl("plan", cwd=workspace / "manifests")
    assert f"krakenctl -C {workspace}" in " ".join(told.err.split())


def test_init_says_that_its_options_change_nothing_in_a_workspace(workspace: Path) -> None:
    told = krakenctl("-C", workspace, "init", "--tag", "zz")
    assert (told.code, told.out) == (0, "Nothing was missing.\n")
    assert "change nothing" in told.err
