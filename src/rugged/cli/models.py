"""``rugged models``: what can be trained, with its weights, input size and cost."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from rugged.models.listing import Architecture, Cost

_MOST_MEASURED = 30
"""About as many fit on a screen, and are measured within seconds."""

_SEARCHES = (
    ("rugged models resnet18", "part of a name"),
    ("rugged models 'tf_efficientnet_b?' --pretrained", "pattern; those with weights"),
    ("rugged models tf_efficientnet_b0.", "each set of timm's weights"),
    ("rugged models resnet18 --size 64 --classes 200", "cost on your own pictures"),
)


def models(
    search: Annotated[
        str | None,
        typer.Argument(
            metavar="SEARCH", help="Part of a name, or a pattern such as 'timm/convnext*'.", show_default=False
        ),
    ] = None,
    pretrained: Annotated[bool, typer.Option("--pretrained", help="Only those with pretrained weights.")] = False,
    size: Annotated[
        int | None, typer.Option("--size", min=1, help="Side of the pictures to count for. Default: each one's own.")
    ] = None,
    classes: Annotated[int, typer.Option("--classes", min=1, help="Outputs to count for.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print what is found as JSON; all without a search.")] = False,
) -> None:
    """List and search architectures, with their weights, input size, parameters and multiply-adds."""
    from rugged.models.listing import find_architectures

    if search is None and not pretrained and not as_json:
        _print_overview(classes, size)
        return
    found = find_architectures(search or "", pretrained=pretrained)
    costs = _measure(found, classes, size) if len(found) <= _MOST_MEASURED else {}
    if as_json:
        _print_json(found, costs, classes, size)
    else:
        _print_found(found, costs, classes, size)


def _measure(found: "Sequence[Architecture]", classes: int, size: int | None) -> "Mapping[str, Cost]":
    from rugged.core.progress import console
    from rugged.models.listing import measure

    with console().status(f"Counting the operations of {len(found)} networks"):
        return {each.name: measure(each.name, classes, size or each.input_size) for each in found}


def _print_overview(classes: int, size: int | None) -> None:
    from collections import Counter

    from rugged.models.listing import RECOMMENDED, list_architectures, list_published

    every = list_architectures()
    known = {each.name: each for each in (*every, *list_published())}
    costs = _measure([known[name] for names in RECOMMENDED.values() for name in names], classes, size)
    table = _table(measured=True)
    for purpose, names in RECOMMENDED.items():
        table.add_row(purpose, style="bold")
        for name in names:
            table.add_row(*_row(known[name], costs, indent="  "))
    counts = Counter(each.name.partition("/")[0] for each in every)
    sources = ", ".join(f"{count:,} of {source}" for source, count in counts.items())
    typer.echo(f"{len(every):,} architectures: {sources}.")
    typer.echo(f"{sum(bool(each.weights) for each in every):,} of them have pretrained weights.\n")
    typer.echo(_convention(classes, size))
    _print_table(table)
    typer.echo("The first five are also there as NAME_blur: with anti-aliased downsampling.\n")
    for command, meaning in _SEARCHES:
        typer.echo(f"  {command:<48}  {meaning}")


def _print_found(found: "Sequence[Architecture]", costs: "Mapping[str, Cost]", classes: int, size: int | None) -> None:
    table = _table(measured=bool(costs))
    for each in found:
        table.add_row(*_row(each, costs))
    typer.echo(_convention(classes, size) if costs else f"{len(found):,} architectures")
    _print_table(table)
    if not costs:
        typer.echo(f"More than {_MOST_MEASURED}: search more narrowly to see parameters and multiply-adds.")
    if any(cost.multiply_adds is None for cost in costs.values()):
        typer.echo("–: not a network for pictures of this size.")


def _convention(classes: int, size: int | None) -> str:
    pictures = f"pictures of {size} × {size}" if size else "the size under Input"
    return f"For {classes:,} classes and {pictures}. FLOPs are twice the multiply-adds."


def _table(*, measured: bool) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("Architecture", no_wrap=True)
    table.add_column("Weights", no_wrap=True)
    for title in ("Input", *(("Parameters", "Multiply-\nadds") if measured else ())):
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _row(each: "Architecture", costs: "Mapping[str, Cost]", indent: str = "") -> list[str]:
    others = f" + {len(each.weights) - 1}" if len(each.weights) > 1 else ""
    row = [
        indent + each.name,
        each.weights[0] + others if each.weights else "–",
        str(each.input_size),
    ]
    if each.name in costs:
        cost = costs[each.name]
        row.append(f"{cost.parameters / 1e6:,.2f} M")
        row.append("–" if cost.multiply_adds is None else f"{cost.multiply_adds / 1e9:,.2f} G")
    return row


def _print_table(table: "Table") -> None:
    from rich.console import Console
    from rich.measure import Measurement

    console = Console(highlight=False, emoji=False)
    # Better a line too long than a name that is cut.
    console.width = max(console.width, Measurement.get(console, console.options.update(max_width=1000), table).maximum)
    console.print(table)


def _print_json(found: "Sequence[Architecture]", costs: "Mapping[str, Cost]", classes: int, size: int | None) -> None:
    import json
    from dataclasses import asdict

    unknown = {"parameters": None, "multiply_adds": None}
    rows = [asdict(each) | (asdict(costs[each.name]) if each.name in costs else unknown) for each in found]
    typer.echo(json.dumps({"classes": classes, "size": size, "architectures": rows}, indent=2))
