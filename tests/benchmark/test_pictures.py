"""Small pictures are those that were measured, chosen by the predictions, and made once."""

import dataclasses
import io
import shutil
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from tests.benchmark.test_measure import make_run
from tests.benchmark.test_official_files import corrupted_tree
from tests.data.official.archives import write_folder

import rugged.benchmark.kept_pictures.pictures as pictures
from rugged.benchmark import benchmark
from rugged.benchmark.kept_pictures.choice import choose_for_classes, choose_for_galleries
from rugged.benchmark.kept_pictures.pictures import PictureKeeper
from rugged.core.catalogue import BENCHMARK
from rugged.core.errors import ConfigError, Interrupted
from rugged.corruptions import corrupt
from rugged.data import open_dataset
from rugged.results import Cell, RunFolder, read_cells, read_pictures, read_summary

QUICK = {"corruptions": ("gaussian_noise", "contrast"), "severities": (1, 3, 5), "device": "cpu"}


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


@pytest.fixture
def measured(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    return RunFolder(run)


def files(run):
    return {path.name: path.stat().st_mtime_ns for path in run.pictures.glob("*.*g")}


def as_measured(dataset, ids, corruption, severity, seed=0):
    rows = [dataset.val.ids.index(each) for each in ids]
    images = torch.from_numpy(dataset.val.images[rows]).permute(0, 3, 1, 2)
    if severity:
        images = corrupt(images, corruption, severity, preset="cifar32", seed=seed, ids=ids)
    return images.permute(0, 2, 3, 1).numpy()


def test_strips_show_the_pictures_that_were_measured_to_the_bit(dataset, measured):
    index = read_pictures(measured.pictures)
    assert {strip.why for strip in index.strips} >= {"random", "mistake", "last"}
    for strip, shown in shown_strips(measured):
        wanted = [as_measured(dataset, [strip.id], *cell)[0] for cell in strip.cells]
        np.testing.assert_array_equal(shown, np.concatenate(wanted, axis=1))


def shown_strips(run):
    index = read_pictures(run.pictures)
    for why in {strip.why for strip in index.strips}:
        gallery = np.asarray(Image.open(run.pictures / f"{why}.png"))
        for row, strip in enumerate(index.gallery(why)):
            yield strip, gallery[row * 32 : row * 32 + 32]


@pytest.mark.parametrize("corruption", ["clean", "gaussian_noise", "contrast"])
def test_sheets_hold_one_picture_of_each_class_at_the_middle_severity(dataset, measured, corruption):
    index = read_pictures(measured.pictures)
    sheets = index.sheets
    assert (sheets.severity, sheets.width, sheets.height, sheets.columns) == (3, 32, 32, 2)
    assert [image.split("/")[0] for image in sheets.ids] == [info.id for info in dataset.classes]
    wanted = as_measured(dataset, list(sheets.ids), corruption, 0 if corruption == "clean" else 3)
    stored = io.BytesIO()
    Image.fromarray(np.concatenate(wanted, axis=1)).save(stored, "JPEG", quality=82, optimize=True)
    assert (measured.pictures / index.sheet(corruption)).read_bytes() == stored.getvalue()


def test_sheets_and_pages_of_restored_pictures_agree_on_the_middle_severity(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    summary = benchmark(run, dataset, corruptions=("contrast",), severities=(2, 5), device="cpu")
    assert read_pictures(RunFolder(run).pictures).sheets.severity == 2
    assert summary.conditions.shown_severities == (2, 5)


def test_the_same_choice_is_not_made_again_and_another_is(dataset, measured, tmp_path):
    before = files(measured)
    assert set(before) == {*read_pictures(measured.pictures).files}
    benchmark(measured.path, dataset, **QUICK)
    assert files(measured) == before
    lost = measured.pictures / "random.png"
    content = lost.read_bytes()
    lost.unlink()
    benchmark(measured.path, dataset, **QUICK)
    assert lost.read_bytes() == content
    changed = [name for name, time in files(measured).items() if before[name] != time]
    assert changed == [lost.name]


def test_other_noise_makes_all_but_the_clean_pictures_anew(dataset, measured):
    before, clean = files(measured), (measured.pictures / "classes-clean.jpg").read_bytes()
    benchmark(measured.path, dataset, seed=1, replace_results=True, **QUICK)
    assert files(measured)["classes-gaussian_noise.jpg"] != before["classes-gaussian_noise.jpg"]
    strip, shown = next(pair for pair in shown_strips(measured) if pair[0].corruption != "clean")
    wanted = [as_measured(dataset, [strip.id], *cell, seed=1)[0] for cell in strip.cells]
    np.testing.assert_array_equal(shown, np.concatenate(wanted, axis=1))
    assert (measured.pictures / "classes-clean.jpg").read_bytes() == clean


def test_a_damaged_index_is_made_again(dataset, measured):
    path = measured.pictures / "index.json"
    before = path.read_text()
    path.write_text(before[: len(before) // 2])
    benchmark(measured.path, dataset, **QUICK)
    assert path.read_text() == before


@pytest.mark.parametrize("name", ["random.png", "classes-contrast.jpg"])
def test_a_damaged_picture_is_made_again(dataset, measured, name):
    path = measured.pictures / name
    whole, before = path.read_bytes(), files(measured)
    path.write_bytes(whole[: len(whole) // 2])
    benchmark(measured.path, dataset, **QUICK)
    assert path.read_bytes() == whole
    after = files(measured)
    assert {each for each in before if after[each] != before[each]} == {name}


def test_an_interruption_keeps_what_is_made_and_the_next_command_makes_the_rest(dataset, tmp_path, monkeypatch):
    run = RunFolder(make_run(tmp_path / "run"))
    original, made = PictureKeeper._make, []

    def stop_at_third(self, name):
        made.append(name)
        if len(made) == 3:
            signal.raise_signal(signal.SIGTERM)
        return original(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(PictureKeeper, "_make", stop_at_third)
        with pytest.raises(Interrupted, match="everything is measured"):
            benchmark(run.path, dataset, **QUICK)
    assert list(read_pictures(run.pictures).files) == made
    first = files(run)
    benchmark(run.path, dataset, **QUICK)
    assert {name: files(run)[name] for name in made} == first
    assert set(files(run)) == set(read_pictures(run.pictures).files)


def test_pictures_of_an_earlier_choice_are_cleared_away(dataset, measured):
    stale = measured.pictures / "lost-99.png"
    shutil.copy(measured.pictures / "random.png", stale)
    (measured.pictures / "random.png").unlink()
    benchmark(measured.path, dataset, **QUICK)
    assert not stale.exists()


def test_what_cannot_be_drawn_any_more_is_said_and_left_out(dataset, tmp_path, monkeypatch, capsys):
    original = pictures.PictureKeeper._sheet

    def without_contrast(self, name):
        if "contrast" in name:
            raise ConfigError("There are no textures.")
        return original(self, name)

    monkeypatch.setattr(PictureKeeper, "_sheet", without_contrast)
    run = RunFolder(make_run(tmp_path / "run"))
    benchmark(run.path, dataset, **QUICK)
    assert run.summary.exists()
    assert read_pictures(run.pictures).sheet("contrast") is None
    assert "classes-contrast.jpg: There are no textures." in capsys.readouterr().err


def test_files_of_other_pictures_have_clean_ones_of_their_own(dataset, tmp_path):
    """No picture is clean and corrupted there, so strips begin with the lowest severity."""
    where = write_folder(tmp_path / "c", corrupted_tree(dataset, named="other"))
    run = RunFolder(make_run(tmp_path / "run"))
    summary = benchmark(
        run.path, dataset, corruptions=QUICK["corruptions"], severities=(1, 5), device="cpu", official=where
    )
    assert summary.conditions.clean_images == len(dataset.val)
    index = read_pictures(run.pictures)
    assert set(index.sheets.clean_ids) <= set(dataset.val.ids)
    assert not set(index.sheets.ids) & set(dataset.val.ids)
    assert {strip.corruption for strip in index.strips} > {"clean"}
    for strip in index.strips:
        assert strip.severities == ((0,) if strip.corruption == "clean" else (1, 5))
        assert (run.pictures / f"{strip.why}.png").exists()


@dataclasses.dataclass
class Flat:
    """A route of grey pictures of any size."""

    conditions: object
    ids: tuple[str, ...]
    asked: int = 0

    def images(self, corruption):
        return dataclasses.make_dataclass("Images", ["ids"])(self.ids)

    def pictures(self, corruption, severity, rows):
        self.asked = max(self.asked, len(rows))
        return torch.full((len(rows), 3, *self.conditions.size), 128, dtype=torch.uint8)

    def provenance(self, corruption, severity):
        return {}


def test_a_thousand_classes_of_large_pictures_stay_small(measured, tmp_path):
    conditions = dataclasses.replace(
        read_summary(measured.summary).conditions, size=(224, 160), corruptions=BENCHMARK, severities=(1, 2)
    )
    ids = tuple(f"c/{place}" for place in range(1000))
    route = Flat(dataclasses.replace(conditions, corruptions=BENCHMARK[:1]), ids)
    sheets = PictureKeeper(tmp_path, dataclasses.replace(route, conditions=conditions), ids, ids, []).index.sheets
    assert (sheets.height, sheets.width) == (31, 22)  # 16 million pixels over 16 × 1,000 squares, of side 31.
    assert sheets.severity == 1  # The lower of two in the middle.
    PictureKeeper(tmp_path, route, ids[:260], ids[:260], []).keep()
    assert route.asked == 250
    sheet = Image.open(tmp_path / "classes-clean.jpg")
    assert sheet.size == (17 * 34, 16 * 48)
    assert np.asarray(sheet)[0, 0] == pytest.approx(128, abs=2)


def cell(name, severity, right, sure):
    """Four pictures of two classes; ``right`` and the true class's probability of each."""
    labels = np.array([0, 0, 1, 1], np.int32)
    right, sure = np.array(right, bool), np.array(sure, np.float32)
    first = np.where(right, labels, 1 - labels)
    top = np.stack([first, 1 - first], 1).astype(np.int32)
    best = np.where(right, sure, 1 - sure).astype(np.float32)
    probabilities = np.stack([best, 1 - best], 1)
    ids = tuple(f"c{label}/{place}" for place, label in enumerate(labels))
    return Cell(name, severity, ids, labels, top, probabilities, sure, -np.log(sure), sure**2)


def test_a_class_is_shown_by_its_first_recognised_picture():
    chosen = choose_for_classes(cell("clean", 0, [False, True, False, False], [0.1, 0.9, 0.1, 0.1]), 3)
    assert chosen == ("c0/1", "c1/2", "")


def test_galleries_show_what_the_predictions_say():
    cells = {
        ("clean", 0): cell("clean", 0, [1, 1, 1, 0], [0.9, 0.8, 0.7, 0.1]),
        ("fog", 1): cell("fog", 1, [1, 1, 1, 0], [0.9, 0.8, 0.7, 0.1]),
        ("fog", 3): cell("fog", 3, [1, 0, 0, 0], [0.9, 0.2, 0.3, 0.1]),
        ("fog", 5): cell("fog", 5, [1, 0, 0, 0], [0.6, 0.2, 0.3, 0.1]),
        ("snow", 1): cell("snow", 1, [1, 1, 1, 0], [0.9, 0.8, 0.7, 0.1]),
        ("snow", 3): cell("snow", 3, [1, 0, 0, 0], [0.9, 0.2, 0.3, 0.1]),
        ("snow", 5): cell("snow", 5, [1, 0, 0, 0], [0.9, 0.2, 0.3, 0.1]),
    }
    found = {}
    for one in choose_for_galleries(cells):
        found.setdefault(one.why, []).append((one.id, one.corruption))
    assert sorted(found["random"]) == [(image, "clean") for image in cells["clean", 0].ids]
    assert found["mistake"] == [("c1/3", "clean")]
    # Both are lost at severity 3. Snow comes first; fog then shows another class, though its picture was less sure.
    assert found["lost"] == [("c0/1", "snow"), ("c1/2", "fog")]
    assert found["last"][0] == ("c0/0", "fog")


def test_the_choice_depends_on_the_predictions_alone(measured):
    cells = read_cells(measured.predictions)
    assert choose_for_galleries(cells) == choose_for_galleries(dict(reversed(cells.items())))
