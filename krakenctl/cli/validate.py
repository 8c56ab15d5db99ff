"""krakenctl validate: check the manifests, offline."""

from __future__ import annotations

import typer

from krakenctl.cli.command import application, example
from krakenctl.cli.options import ColorOption, DirOption, OutputOption
from krakenctl.cli.shell import Shell, TextOrJson

app = application()


@app.command(epilog=example("krakenctl validate\nkrakenctl -C examples/02-trading-desk validate -o json"))
def validate(
    ctx: typer.Context,
    directory: DirOption = None,
    output: OutputOption = TextOrJson.TEXT,
    no_color: ColorOption = False,
) -> None:
    """Check the manifests, offline, and report everything that is wrong.

    Exits 1 when there is an error; warnings alone exit 0.
    """
    from krakenctl.model.finding import Severity
    from krakenctl.project import examine

    shell = Shell.of(ctx, directory, output, no_color=no_color)
    examined = examine(shell.root())
    if shell.json:
        from krakenctl.model.finding_json import finding_json

        findings = [finding_json(finding) for finding in examined.findings]
        shell.print_json(
            {"format": "krakenctl.findings/v1", "valid": examined.desired is not None, "findings": findings}
        )
    else:
        from krakenctl.render import findings_text
        from krakenctl.render.paint import count

        closing = f"Valid: {count(examined.documents, 'document')} in {count(examined.files, 'file')}."
        shell.print(findings_text.render(examined.findings, shell.paint(), closing))
    if any(finding.severity is Severity.ERROR for finding in examined.findings):
        raise typer.Exit(1)
