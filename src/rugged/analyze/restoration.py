"""A restorer's figures as a table: how near it comes to clean pictures, beside doing nothing and a classical filter."""

from collections.abc import Iterator

from rugged.core.catalogue import display_name
from rugged.core.tables import Table, Value, signed
from rugged.results import METHODS, Figure, Quality, RestorationSummary

_MEASURES = (("psnr", "PSNR"), ("ssim", "SSIM"))
_DIGITS = {"psnr": 2, "ssim": 3}


def restoration_table(summary: RestorationSummary) -> Table:
    """Every figure with its interval, as numbers: a row for each cell, corruption, method and measure."""
    rows: list[tuple[Value, ...]] = []
    for name, severity, quality in _each(summary):
        for measure, _ in _MEASURES:
            gains: dict[str, Figure] = getattr(quality, f"{measure}_gain")
            figures: dict[str, Figure] = getattr(quality, measure)
            for method, figure in figures.items():
                gain = gains.get(method)
                ends = (None, None, None) if gain is None else (gain.value, *gain.interval)
                rows.append((name, severity, measure, method, figure.value, *figure.interval, *ends))
    columns = ("Corruption", "Severity", "Measure", "Method", "Value", "Low", "High")
    gained = ("Restored minus this", "Gain low", "Gain high")
    return Table("How near to the clean pictures", (*columns, *gained), tuple(rows), numbers=(*columns, *gained))


def restoration_tables(summary: RestorationSummary) -> list[Table]:
    """For people: of each measure the means over the severities with intervals, and each severity."""
    return [
        table for measure in _MEASURES for table in (_means_table(summary, *measure), _by_severity(summary, *measure))
    ]


def _by_severity(summary: RestorationSummary, measure: str, title: str) -> Table:
    rows = []
    for name, one in summary.corruptions.items():
        each: list[dict[str, Figure]] = [getattr(quality, measure) for quality in one.severities]
        pairs = ((_number(figures[method].value, measure) for method in ("nothing", "restored")) for figures in each)
        rows.append((display_name(name), *(" → ".join(pair) for pair in pairs)))
    columns = (f"{title} by severity", *map(str, summary.conditions.severities))
    return Table(f"{title} by severity: corrupted → restored", columns, tuple(rows))


def _means_table(summary: RestorationSummary, measure: str, title: str) -> Table:
    unit = " in dB" if measure == "psnr" else ""
    rows = []
    for label, quality in _means(summary):
        figures: dict[str, Figure] = getattr(quality, measure)
        gains: dict[str, Figure] = getattr(quality, f"{measure}_gain")
        values = (_number(figures[method].value, measure) if method in figures else "–" for method in METHODS)
        rows.append((label, *values, *(_gain(gains.get(method), measure) for method in METHODS[:2])))
    columns = (f"{title}{unit}", "Nothing", "Classical", "Restored", "Restored − nothing", "Restored − classical")
    return Table(f"{title} of {summary.restorer.name}, n = {summary.conditions.images:,}", columns, tuple(rows))


def _means(summary: RestorationSummary) -> Iterator[tuple[str, Quality]]:
    yield "Clean", summary.clean
    for name, one in summary.corruptions.items():
        yield display_name(name), one.mean
    yield f"Mean over {len(summary.corruptions)}", summary.mean


def _each(summary: RestorationSummary) -> Iterator[tuple[str, str, Quality]]:
    yield "clean", "", summary.clean
    for name, one in summary.corruptions.items():
        yield name, "mean", one.mean
        for severity, quality in zip(summary.conditions.severities, one.severities, strict=True):
            yield name, str(severity), quality
    yield "mean", "mean", summary.mean


def _gain(figure: Figure | None, measure: str) -> str:
    if figure is None:
        return "–"
    value, low, high = (signed(each, _DIGITS[measure]) for each in (figure.value, *figure.interval))
    return f"{value} ({low} to {high})"


def _number(value: float, measure: str) -> str:
    return f"{value:.{_DIGITS[measure]}f}"
