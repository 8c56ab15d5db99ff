"""A command line that makes no sense is told what would: the command's own help, the name that was meant."""

from __future__ import annotations

import pytest
import typer
from typer.core import TyperOption

from krakenctl.cli.app import app
from running import krakenctl


def _options(command, context):
    """Every option of every command, with what stands before it."""
    yield from ((context.command_path, one, one.make_metavar(context)) for one in command.params if _takes_text(one))
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        below = command.get_command(context, name)
        yield from _options(below, typer.Context(below, parent=context, info_name=name))


def _takes_text(option):
    return isinstance(option, TyperOption) and not option.is_flag


def test_no_help_speaks_of_types_of_a_programming_language():
    command = typer.main.get_command(app)
    told = {(path, *one.opts): metavar for path, one, metavar in _options(command, typer.Context(command))}
    assert len(told) > 100
    assert {where: metavar for where, metavar in told.items() if "<" in metavar and "|" not in metavar} == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("plan -o yaml", "(env var: 'KRAKENCTL_PLAN_OUTPUT' or 'KRAKENCTL_OUTPUT')"),
        ("apply --reason", "see `krakenctl apply --help`"),
        ("state rebuild --foo", "see `krakenctl state rebuild --help`"),
        ("sandbox key create --foo", "see `krakenctl sandbox key create --help`"),
        ("inspct", "there is no command “inspct”. → did you mean `krakenctl inspect`?"),
        ("sandbox ky", "did you mean `krakenctl sandbox key`?"),
        ("state rebild", "did you mean `krakenctl state rebuild`?"),
        ("xyzzy", "there is no command “xyzzy”. → `krakenctl --help` lists all"),
        ("plan --outptu", "(Possible options: --out, --output)"),
        ("--foo", "No such option: --foo. → see `krakenctl --help`"),
    ],
)
def test_what_was_meant_is_told(line, said):
    ran = krakenctl(*line.split())
    assert (ran.code, said in " ".join(ran.err.split())) == (64, True), ran.err


def test_a_far_fetched_option_is_not_suggested():
    assert "Possible" not in krakenctl("inspect", "--foo").err


def test_with_json_a_name_that_is_none_is_told_in_json():
    ran = krakenctl("inspct", "-o", "json")
    assert (ran.code, ran.json["error"]["code"]) == (64, "usage")
    assert ran.json["error"]["hint"].startswith("did you mean `krakenctl inspect`?")


def test_an_empty_log_says_so(tmp_path):
    assert krakenctl("-C", tmp_path, "init").code == 0
    ran = krakenctl("-C", tmp_path, "log")
    assert (ran.code, ran.out, ran.err) == (0, "", "The log is empty.\n")
