"""The root command: which commands there are, and what becomes of errors. A command is imported when it is called."""

from __future__ import annotations

import os
import sys
from itertools import pairwise
from typing import Annotated, Any

import typer

from krakenctl.cli.lazy import LazyGroup
from krakenctl.cli.no_secrets import refuse_secrets
from krakenctl.cli.options import ColorOption, DirOption
from krakenctl.cli.shell import Frame, prepare_streams
from krakenctl.errors import KrakenctlError

USAGE = 64  # never 2: that means “changes present”
INTERRUPTED = 130

COMMANDS = {
    "init": "Make a workspace, or what is missing in one: identity, recipients, sandbox accounts.",
    "validate": "Check the manifests, offline, and report everything that is wrong.",
    "plan": "Show what apply would change, and change nothing.",
    "apply": "Make the exchange what the manifests say.",
    "rotate": "Give keys a new secret now, due or not.",
    "tick": "Rotate what is due and revoke what has been replaced: to be run every day, without questions.",
    "attest": "Look at a new key where it lives, when nobody else can, and finish with it.",
    "recover": "Finish or undo what an interrupted run has begun.",
    "revoke": "Revoke keys at once: by address, or all below an account. The kill switch.",
    "show": "Show a saved plan.",
    "tree": "Draw the accounts, their keys and what every key may do.",
    "inspect": "Show what a key really is: what it may do, from where and until when, and what is wrong with that.",
    "import": "Bring keys that exist under management: manifests, secrets and records, as they are.",
    "explain": "Say what an error, a call, a permission or a rule means; or why a key may do something.",
    "who-can": "List every key that holds a permission or may make a call.",
    "drift": "Show where live, last sent and declared part: who changed what, and what is not applied.",
    "verify": "Compare what is declared of each key with what it really can do.",
    "log": "Show the audit log: who did what, and when; and check that it is whole.",
    "exec": "Run a program with a key in its environment, and nowhere else.",
    "doctor": "Find what keeps krakenctl from working, and say what to do.",
    "state": "See what krakenctl remembers.",
    "schema": "Print the JSON Schema of a kind of manifest, or of krakenctl's own output.",
    "sandbox": "Serve and manage a sandbox: a Kraken of your own, in one file.",
    "version": "Print the version.",
}
EPILOG = """\
Example:

  krakenctl init && krakenctl plan && krakenctl apply

Exit codes: 0 done · 1 error · 2 changes present (drift, plan --detailed-exitcode, recover --dry-run) ·
3 policy or audit violation · 4 partly applied · 5 plan stale · 6 another apply is running · 7 safety stop ·
8 waiting for a person or an account · 64 usage · 130 interrupted.
"""


class _Commands(LazyGroup):
    package = "krakenctl.cli"
    summaries = COMMANDS

    def invoke(self, ctx: Any) -> Any:
        """Ctrl-C is told by `run`: typer would make it an exit code, without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Abort from None


app = typer.Typer(
    cls=_Commands,
    rich_markup_mode=None,  # rich costs 50 ms, and --help is the first thing anybody types
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def root(
    ctx: typer.Context,
    directory: DirOption = None,
    no_color: ColorOption = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Terraform for exchange access: declare Kraken accounts, API keys and what every key may do."""
    frame: Frame = ctx.obj
    frame.directory, frame.no_color = directory, no_color
    if version:
        from krakenctl import __version__

        typer.echo(f"krakenctl {__version__}")
        raise typer.Exit


def run(args: list[str]) -> int:
    """The exit code. Errors of ours become a sentence, or an envelope with `-o json`; a bug stays a traceback."""
    prepare_streams()
    frame = Frame(output=_wanted_output(args))
    try:
        refuse_secrets(args)
        code = typer.main.get_command(app).main(args, prog_name="krakenctl", standalone_mode=False, obj=frame)
        sys.stdout.flush()
        return int(code or 0)
    except KrakenctlError as problem:
        frame.shell().error(problem)
        return problem.exit_code
    except typer.TyperException as problem:
        return _usage(frame, problem)
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # from typer's own help: whoever read it has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _wanted_output(args: list[str]) -> str:
    """Looked for before the flags are read: a mistake in them is told as JSON too, where JSON was asked for."""
    flags = args[: args.index("--")] if "--" in args else args
    joined = {"-ojson", "--output=json"} & set(flags)
    apart = any(flag in ("-o", "--output") and value == "json" for flag, value in pairwise(flags))
    return "json" if joined or apart or os.environ.get("KRAKENCTL_OUTPUT") == "json" else "text"


def _usage(frame: Frame, problem: typer.TyperException) -> int:
    """typer's own complaints: 64 where it says 2."""
    from krakenctl.errors import UsageError

    if type(problem).__name__ == "NoArgsIsHelpError":
        typer.echo(problem.format_message())
        return 0
    path = getattr(getattr(problem, "ctx", None), "command_path", frame.command)
    frame.shell().error(UsageError(_complaint(problem), hint=f"see `{path} --help`"))
    return USAGE


def _complaint(problem: Any) -> str:
    """In typer's words, but for two variables of one option, and for far-fetched options in place of an unknown one."""
    option: Any = getattr(problem, "param", None)
    if isinstance(getattr(option, "envvar", None), list):
        option.envvar = "' or '".join(option.envvar)
    if possible := getattr(problem, "possibilities", None):
        from difflib import get_close_matches

        wanted = getattr(problem, "option_name", "").lstrip("-")
        near = get_close_matches(wanted, [one.lstrip("-") for one in possible])
        problem.possibilities = [one for one in possible if one.lstrip("-") in near]
    return str(problem.format_message())
