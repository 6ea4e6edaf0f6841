"""What is shown is what the benchmark measures: the same pictures, the same answers; and maps of one class."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rugged.benchmark import benchmark
from rugged.core.errors import CorruptionError, ModelError
from rugged.corruptions import corrupt
from rugged.explain import attribute, overlay
from rugged.playground.looking import look
from rugged.playground.pictures import samples
from rugged.results import RunFolder, read_cell


@pytest.mark.parametrize(("corruption", "severity"), [("gaussian_noise", 3), ("frost", 5), ("contrast", 1)])
def test_answers_are_those_that_the_benchmark_saves(dataset, make_run, open_models, ice, corruption, severity):
    run = make_run()
    how = {"corruptions": (corruption,), "severities": (severity,), "seed": 4, "device": "cpu"}
    benchmark(run, dataset, textures="procedural", **how)
    players = open_models(run)
    cells = [read_cell(RunFolder(Path(run)).predictions, *name) for name in (("clean", 0), (corruption, severity))]
    for picture in samples(dataset, 5):
        seen = look(players, picture, corruption, severity, 4, ice)
        row = cells[0].ids.index(picture.id)
        for cell, sight in zip(cells, seen.opinions[0].sights, strict=True):
            assert [guess.id for guess in sight.top] == [players[0].classes[place].id for place in cell.top[row]]
            shown = [guess.probability for guess in sight.top]
            np.testing.assert_allclose(shown, cell.top_probabilities[row], rtol=1e-3, atol=1e-6)


def test_pictures_are_those_that_corrupt_makes(dataset, make_run, open_models, ice):
    picture = samples(dataset, 3)[2]
    seen = look(open_models(make_run()), picture, "snow", 4, 7, ice)
    images = torch.from_numpy(picture.pixels).permute(2, 0, 1)[None]
    made = corrupt(images, "snow", 4, preset="cifar32", seed=7, ids=[picture.id])
    clean, snowy = seen.shown
    assert (clean.title, snowy.title, seen.preset) == ("Clean", "Snow, severity 4", "cifar32")
    np.testing.assert_array_equal(clean.pixels, picture.pixels)
    np.testing.assert_array_equal(snowy.pixels, made[0].permute(1, 2, 0))
    another = look(open_models(make_run()), picture, "snow", 4, 8, ice)
    assert (another.shown[1].pixels != snowy.pixels).any()
    np.testing.assert_array_equal(another.shown[0].pixels, clean.pixels)


def test_severity_0_leaves_the_picture_alone(dataset, make_run, open_models, ice):
    seen = look(open_models(make_run()), samples(dataset, 1)[0], "frost", 0, 0, ice)
    (opinion,) = seen.opinions
    assert [shown.title for shown in seen.shown] == ["Clean"]
    assert (len(opinion.sights), opinion.drift, seen.notes) == (1, None, ())


def test_two_models_look_at_the_same_pictures_with_their_own_classes(dataset, make_run, open_models, ice):
    other = make_run("other", classes=("one", "two"), seed=1)
    seen = look(open_models(make_run(), other), samples(dataset, 1)[0], "fog", 2, 0, ice)
    mine, theirs = seen.opinions
    assert (mine.player.name, theirs.player.name) == ("run", "other")
    assert [len(sight.top) for sight in (*mine.sights, *theirs.sights)] == [5, 5, 2, 2]
    assert {guess.name for guess in theirs.sights[0].top} == {"One", "Two"}
    assert sum(guess.probability for guess in theirs.sights[1].top) == pytest.approx(1)


def test_maps_are_for_the_answer_to_the_clean_picture(dataset, make_run, open_models, ice):
    (player,), picture = open_models(make_run()), samples(dataset, 1)[0]
    before = look([player], picture, "gaussian_noise", 5, 0, ice)
    images = torch.stack([torch.from_numpy(shown.pixels).permute(2, 0, 1) for shown in before.shown])
    by_class = [attribute(player.subject.network, images, torch.tensor([one, one])).numpy() for one in range(7)]
    first = next(one for one in range(7) if by_class[one].any((1, 2)).all())
    certain = torch.eye(7)[[first, first - 1]]  # Another answer once the picture is corrupted.
    subject = dataclasses.replace(player.subject, answer=lambda _: certain)
    seen = look([dataclasses.replace(player, subject=subject)], picture, "gaussian_noise", 5, 0, ice)
    (opinion,), maps = seen.opinions, by_class[first]
    assert [sight.top[0].id for sight in opinion.sights] == [player.classes[at].id for at in (first, first - 1)]
    assert opinion.drift == pytest.approx(1 - np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1], abs=1e-4)
    for sight, shown, heat in zip(opinion.sights, seen.shown, maps, strict=True):
        assert np.abs(sight.attention.astype(int) - overlay(shown.pixels, heat)).max() <= 1


def test_frost_that_is_drawn_by_code_says_so_and_no_other_does(dataset, make_run, open_models, ice):
    players, picture = open_models(make_run()), samples(dataset, 1)[0]
    photographs = dataclasses.replace(ice, label="photographs")
    notes = [
        look(players, picture, corruption, 3, 0, textures).notes
        for corruption, textures in (("frost", ice), ("fog", ice), ("frost", photographs))
    ]
    assert notes == [("This is procedural frost, not comparable with published numbers.",), (), ()]


def test_what_training_saw_and_sizes_of_no_table_are_said(dataset, make_run, open_models, ice):
    players, picture = open_models(make_run(operations=("flip", "contrast"))), samples(dataset, 1)[0]
    wide = dataclasses.replace(picture, pixels=np.zeros((40, 60, 3), np.uint8))
    seen = look(players, wide, "contrast", 1, 0, ice)
    assert seen.opinions[0].notes == ("run saw Contrast in training.",)
    assert "60 × 40 pixels" in seen.notes[0]
    assert look(players, picture, "fog", 1, 0, ice).opinions[0].notes == ()


def test_a_request_or_an_answer_that_is_none_is_refused(dataset, make_run, open_models, ice):
    (player,), picture = open_models(make_run()), samples(dataset, 1)[0]
    with pytest.raises(CorruptionError, match="no corruption 'rain'"):
        look([player], picture, "rain", 1, 0, ice)
    broken = dataclasses.replace(player.subject, answer=lambda images: torch.full((len(images), 7), torch.nan))
    with pytest.raises(ModelError, match="not numbers"):
        look([dataclasses.replace(player, subject=broken)], picture, "fog", 1, 0, ice)
