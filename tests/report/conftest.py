"""Run folders made by code: consistent predictions of models that never existed, and small drawn pictures."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from rugged.core.catalogue import SEVERITIES
from rugged.report import write_report
from rugged.results import (
    Cell,
    Conditions,
    KeptPictures,
    Made,
    ModelFacts,
    RunFolder,
    Sheets,
    Stamp,
    Strip,
    load_baseline,
    read_cells,
    read_summary,
    summarise,
    variant_result,
    write_cell,
    write_pictures,
    write_summary,
)

SIX = ("gaussian_noise", "defocus_blur", "brightness", "contrast", "pixelate", "jpeg_compression")
NAMES = ("circle", "ring", "star", "triangle", "cross", "heart", "leaf", "arrow", "wave", "moon")
SIDE, SHOWN, PER_CLASS = 64, 8, 20

# Accuracy lost from clean to severity 5; anything else loses 0.3.
_COST = {"gaussian_noise": 0.62, "defocus_blur": 0.41, "brightness": 0.08, "contrast": 0.55, "pixelate": 0.22}


def make_run(
    folder: Path,
    *,
    name: str | None = None,
    skill: float = 0.92,
    corruptions: Sequence[str] = SIX,
    classes: Sequence[str] = NAMES,
    baseline: Path | None = None,
    seen: tuple[str, ...] = (),
    **conditions: object,
) -> Path:
    """Write a whole benchmarked run folder; ``conditions`` replaces fields of the measurement's conditions."""
    run = RunFolder(folder)
    rng = np.random.default_rng(int(skill * 1000))
    facts = {
        "dataset": "builtin", "content_hash": "ab" * 32, "split": "val", "images": PER_CLASS * len(classes),
        "classes": len(classes), "size": (SIDE, SIDE), "route": "in memory", "stored": "no", "preset": "tiny64",
        "textures": "none", "seed": 0, "stream_version": 1, "corruptions": tuple(corruptions),
        "severities": SEVERITIES, **conditions,
    }  # fmt: skip
    model = ModelFacts(
        name or folder.name, "timm/resnet10t", 4_925_000, f"{int(skill * 1000):064x}", SIDE, ("flip", "crop", *seen)
    )
    made = Made(
        "rugged benchmark runs/demo --data builtin", 41.23, {"python": "3.11.9", "rugged": "0.1.0", "torch": "2.11.0"},
        {"cpu": "A processor", "cores": 2, "memory_bytes": 16 * 2**30, "accelerator": "none", "precision": "fp32"},
    )  # fmt: skip
    cells = _cells(rng, skill, corruptions, facts["severities"], len(classes))
    for cell in cells.values():
        write_cell(run.predictions, cell, Stamp({}, 1.0))
    measured = Conditions(**facts)
    reference = None if baseline is None else load_baseline(baseline, measured)
    write_summary(run.summary, summarise(cells, model, measured, made, baseline=reference))
    run.classes.write_text(json.dumps([{"id": f"n{i}", "name": c} for i, c in enumerate(classes)]), encoding="utf-8")
    _write_samples(run, cells[("clean", 0)])
    if corruptions:  # They show what corruption does.
        _write_pictures(run, cells)
    _write_metrics(run.metrics, skill)
    return folder


@pytest.fixture(name="make_run")
def _make_run() -> Callable[..., Path]:
    return make_run


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model and its baseline, six corruptions. Tests that damage a run make their own."""
    folder = tmp_path_factory.mktemp("runs")
    baseline = make_run(folder / "baseline", name="small-alexnet", skill=0.83)
    return make_run(folder / "demo", skill=0.92, baseline=baseline), baseline


@pytest.fixture
def two_baselines(tmp_path: Path) -> list[Path]:
    """``even``, whose CEs are relative to ``x``, and ``odd`` with a variant, all of whose CEs are relative to ``y``."""
    x, y = (
        make_run(tmp_path / name, skill=skill, corruptions=("fog", "contrast"))
        for name, skill in (("x", 0.6), ("y", 0.7))
    )
    even = make_run(tmp_path / "even", skill=0.9, baseline=x, corruptions=("fog", "contrast"))
    odd = make_run(tmp_path / "odd", skill=0.8, baseline=y, corruptions=("fog", "contrast"))
    summary, plain = read_summary(RunFolder(odd).summary), read_cells(RunFolder(odd).predictions)
    others = {
        key: cell if key[0] == "clean" else replace(plain["fog", 1], corruption=key[0], severity=key[1])
        for key, cell in plain.items()
    }
    variant = variant_result("batchnorm", "How.", others, plain, summary, load_baseline(y, summary.conditions))
    write_summary(RunFolder(odd).summary, replace(summary, variants=(variant,)))
    return [even, odd]


def _cells(
    rng: np.random.Generator, skill: float, corruptions: Sequence[str], severities: Sequence[int], classes: int
) -> dict[tuple[str, int], Cell]:
    difficulty = rng.random(PER_CLASS * classes)
    cells = {("clean", 0): _cell(rng, difficulty, skill, "clean", 0, classes)}
    for name in corruptions:
        for severity in severities:
            right = skill - _COST.get(name, 0.3) * (severity / 5) ** 1.3 * (1.6 - skill) / 0.68
            cells[name, severity] = _cell(rng, difficulty, max(right, 0.1), name, severity, classes)
    return cells


def _cell(
    rng: np.random.Generator, difficulty: np.ndarray, right: float, name: str, severity: int, classes: int
) -> Cell:
    count, kept = len(difficulty), min(5, classes)
    labels = np.repeat(np.arange(classes, dtype=np.int32), PER_CLASS)
    shift = np.where(difficulty < right, 0, rng.integers(1, max(classes, 2), count))
    top = ((labels + shift)[:, None] + np.arange(kept)) % classes
    sure = (0.35 + 0.6 * rng.random(count) * right).astype(np.float32)
    rest = ((1 - sure) / 16)[:, None] * np.arange(kept, 1, -1)
    label_probability = np.where(shift == 0, sure, (1 - sure) / 8).astype(np.float32)
    return Cell(
        name, severity, tuple(f"n{label}/{index:03d}" for index, label in enumerate(labels)), labels,
        top.astype(np.int32), np.column_stack([sure, rest]).astype(np.float32), label_probability,
        -np.log(label_probability), sure**2,
    )  # fmt: skip


def _write_samples(run: RunFolder, clean: Cell) -> None:
    run.samples.mkdir(parents=True)
    chosen = [index * (PER_CLASS + 3) % len(clean.ids) for index in range(SHOWN)]
    entry = {
        "ids": [clean.ids[index] for index in chosen],
        "labels": [int(clean.labels[index]) for index in chosen],
        "height": SIDE,
        "width": SIDE,
    }
    (run.samples / "samples.json").write_text(json.dumps(entry), encoding="utf-8")
    strip = _strip()
    for path in run.predictions.glob("*.parquet"):
        name, severity = path.stem.rsplit("-", 1)
        rng = np.random.default_rng(len(name) + int(severity))
        spread = 12 * int(severity) if "noise" in name else 3 * int(severity)
        noisy = np.clip(strip + rng.normal(0, spread, strip.shape), 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(run.samples / f"{path.stem}.png")


def _write_pictures(run: RunFolder, cells: dict[tuple[str, int], Cell]) -> None:
    """A flat thumbnail of each class, the redder the higher its label, and two chosen pictures for each reason."""
    clean, (corruption, *_) = cells["clean", 0], sorted({name for name, _ in cells} - {"clean"})
    levels = (0, *sorted(severity for name, severity in cells if name == corruption))
    classes, columns = int(clean.labels.max()) + 1, 4
    ids = tuple(clean.ids[PER_CLASS * label] for label in range(classes))
    strips = [
        Strip(why, clean.ids[place], int(clean.labels[place]), *shown)
        for why, shown in (("random", ("clean", (0,))), ("mistake", ("clean", (0,))), ("lost", (corruption, levels)))
        for place in (3, 25 % len(clean.ids))
    ]
    run.pictures.mkdir(parents=True)
    files = {f"{why}.png": "x" for why in ("random", "mistake", "lost")}
    for name in files:
        count = len(levels) if name == "lost.png" else 1
        Image.fromarray(np.asarray(_strip()[:, : count * SIDE], np.uint8).repeat(2, 0)[: 2 * SIDE]).save(
            run.pictures / name
        )
    for name in {name for name, _ in cells}:
        sheet = np.zeros((-(-classes // columns) * 16, columns * 16, 3), np.uint8)
        for label in range(classes):
            row, column = divmod(label, columns)
            sheet[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16, 0] = min(20 * label, 255)
        Image.fromarray(sheet).save(run.pictures / f"classes-{name}.jpg", quality=95)
        files[f"classes-{name}.jpg"] = "x"
    write_pictures(run.pictures, KeptPictures(Sheets(ids, ids, 3, 16, 16, columns), tuple(strips), SIDE, SIDE, files))


def _strip() -> np.ndarray:
    """Eight simple pictures side by side: shapes on graded grounds."""
    image = Image.new("RGB", (SHOWN * SIDE, SIDE))
    pen = ImageDraw.Draw(image)
    for index in range(SHOWN):
        left = index * SIDE
        for y in range(SIDE):
            pen.line([(left, y), (left + SIDE - 1, y)], fill=(40 + 20 * index, 90 + y, 180 - 15 * index))
        box = (left + 12 + index, 10, left + 44 + index, 50)
        colour = (230 - 20 * index, 200 - 23 * index, 40 + 25 * index)
        if index % 2:
            pen.rectangle(box, fill=colour)
        else:
            pen.ellipse(box, fill=colour)
    return np.asarray(image, dtype=np.float64)


def _write_metrics(path: Path, skill: float) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", "step", "split", "loss", "top1", "learning_rate", "images_per_second", "seconds"])
        for epoch in range(1, 13):
            fit = skill * (1 - 0.72**epoch)
            writer.writerow([epoch, 60 * epoch, "train", 2.3 * 0.8**epoch, fit, 0.1 * (1 - epoch / 13), 900, 4.2])
            writer.writerow([epoch, 60 * epoch, "dev", 2.3 * 0.83**epoch, fit - 0.03, "", "", ""])


class Page(HTMLParser):
    """A parsed page: every element with its attributes and the text within it."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), tuple(self._open))
        self.elements.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), tuple(self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        opened = self._open.pop()
        assert opened.tag == tag, f"</{tag}> closes <{opened.tag}>"

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.parts.append(data)

    def find(self, tag: str, within: "Element | None" = None, **attributes: str) -> list["Element"]:
        """Elements of this tag; an attribute matches when its words contain the one wanted."""
        return [
            one
            for one in self.elements
            if one.tag == tag
            and (within is None or within in one.parents)
            and all(word in (one.attributes.get(name.rstrip("_")) or "").split() for name, word in attributes.items())
        ]


_VOID = {"meta", "link", "img", "input", "br"}


@dataclass(eq=False)
class Element:
    tag: str
    attributes: dict[str, str | None]
    parents: tuple["Element", ...]
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join("".join(self.parts).split())


@pytest.fixture
def parse() -> type[Page]:
    return Page


@pytest.fixture(scope="session")
def pair_page(pair: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The parsed report of the pair."""
    out = write_report(pair, tmp_path_factory.mktemp("page") / "report.html")
    return Page(out.read_text(encoding="utf-8"))
