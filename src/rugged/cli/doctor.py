"""``rugged doctor``: what this machine has, what is missing and how to get it."""

from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rugged.pipelines.doctor import Diagnosis, Finding

_COLOURS = {"ok": typer.colors.GREEN, "missing": typer.colors.YELLOW, "problem": typer.colors.RED}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show versions, devices, caches, textures, and how to get what is missing.

    The exit status is 0 when models can be trained and benchmarked here, and 1 when something stops that.
    """
    from rugged.pipelines.doctor import diagnose

    diagnosis = diagnose()
    if as_json:
        import json

        typer.echo(json.dumps(diagnosis.as_json(), indent=2))
    else:
        _print(diagnosis)
    raise typer.Exit(0 if diagnosis.ready else 1)


def _print(diagnosis: "Diagnosis") -> None:
    width = max(len(finding.name) for finding in diagnosis.findings)
    for section in dict.fromkeys(finding.section for finding in diagnosis.findings):
        typer.secho(f"\n{section}", bold=True)
        findings = [finding for finding in diagnosis.findings if finding.section == section]
        for finding, following in zip_longest(findings, findings[1:]):
            repeated = following is not None and following.advice == finding.advice
            _print_finding(finding, width, advice="" if repeated else finding.advice)
    typer.echo()
    if diagnosis.ready:
        typer.secho("Ready: data can be prepared, models trained and benchmarked here.", fg=typer.colors.GREEN)
    else:
        problems = sum(finding.status == "problem" for finding in diagnosis.findings)
        typer.secho(f"Not ready: {problems} problem(s) above, each with what to do.", fg=typer.colors.RED)


def _print_finding(finding: "Finding", width: int, advice: str) -> None:
    status = typer.style(f"{finding.status:<8}", fg=_COLOURS[finding.status])
    typer.echo(f"  {status} {finding.name:<{width}}  {finding.found}")
    if advice:
        typer.echo(f"  {'':<8} {'':<{width}}  -> {advice}")
