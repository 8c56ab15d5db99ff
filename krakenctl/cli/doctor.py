"""krakenctl doctor: what keeps krakenctl from working, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application()

OfflineOption = Annotated[
    bool, typer.Option("--offline", envvar="KRAKENCTL_DOCTOR_OFFLINE", help="Call nobody; look at what is here.")
]
WriteOption = Annotated[
    bool,
    typer.Option(
        "--write",
        envvar="KRAKENCTL_DOCTOR_WRITE",
        help="Also prove that stores can be written: one canary each, written, read back and removed.",
    ),
]
AgainOption = Annotated[
    bool,
    typer.Option(
        "--again",
        envvar="KRAKENCTL_DOCTOR_AGAIN",
        help="Ask krakenctl's own key although it was refused not long ago: failed calls in a row lock an account.",
    ),
]
StrictOption = Annotated[
    bool,
    typer.Option(
        "--strict", envvar="KRAKENCTL_DOCTOR_STRICT", help="Exit 1 also for warnings, and for what is not known."
    ),
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        envvar="KRAKENCTL_DOCTOR_ENDPOINT",
        help="The exchange to look for where there is no workspace. Left out: https://api.kraken.com.",
    ),
]


@app.command(epilog=example("krakenctl doctor\nkrakenctl doctor --strict -o json    # in a pipeline, before apply"))
def doctor(
    ctx: typer.Context,
    offline: OfflineOption = False,
    write: WriteOption = False,
    again: AgainOption = False,
    strict: StrictOption = False,
    endpoint: EndpointOption = None,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Find what keeps krakenctl from working, and say what to do.

    It looks at this installation, the way to the exchange, its clock, credentials, stores and state, and changes
    nothing. Without a workspace it looks at the first three. Exits 1 when there is a problem; warnings alone exit 0.
    """
    import os

    from krakenctl.errors import UsageError
    from krakenctl.model.diagnosis import Health
    from krakenctl.render import diagnosis as view
    from krakenctl.tasks.diagnosis import DoctorGround, DoctorWish, diagnose

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    wish = DoctorWish(offline=offline, write=write, again=again, endpoint=endpoint or "")
    with DoctorGround(shell.root(), os.environ, wish) as ground:
        if endpoint and ground.sound:
            raise UsageError("krakenctl.yaml names the endpoint of this workspace", hint="leave --endpoint out")
        found = diagnose(ground)
    if shell.json:
        shell.print_json(view.to_json(found))
    else:
        shell.print(view.render(found, shell.paint()))
    counts = found.counts()
    if counts[Health.PROBLEM] or (strict and counts[Health.WARNING] + counts[Health.UNKNOWN]):
        raise typer.Exit(1)
