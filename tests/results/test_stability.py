"""Figures of sequences against cases worked out by hand."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from rugged.core.errors import IncomparableError, ResultsError
from rugged.results import (
    Frames,
    Made,
    ModelFacts,
    RunFolder,
    SequenceConditions,
    Stamp,
    load_steady_baseline,
    moves_of,
    read_frames,
    read_stability,
    read_stamp,
    stability_of,
    write_frames,
    write_stability,
)

# Three pictures of four frames, five classes; the first of each row is the answer.
STEADY, SWAPPED = [0, 1, 2, 3, 4], [1, 0, 2, 3, 4]
TOP = np.array(
    [
        [STEADY, STEADY, STEADY, STEADY],  # never moves
        [STEADY, SWAPPED, SWAPPED, STEADY],  # moves, stays, and moves back
        [STEADY, SWAPPED, STEADY, SWAPPED],  # moves every time
    ]
)


def frames(name="rotate", top=TOP):
    shape = top.shape[:2]
    rng = np.random.default_rng(0)
    return Frames(
        name, 1, ("a/1", "a/2", "b/1"), np.array([0, 0, 1], np.int32), top.astype(np.int32),
        rng.random(top.shape, np.float32), rng.random(shape, np.float32), rng.random(shape, np.float32),
        rng.random(shape, np.float32),
    )  # fmt: skip


def stability(names=("gaussian_noise", "rotate"), baseline=None, scale=None, **conditions):
    facts = {
        "dataset": "d", "content_hash": "c" * 64, "split": "val", "images": 3, "classes": 5, "size": (64, 64),
        "route": "in memory", "preset": "tiny64", "difficulty": 1, "seed": 0, "stream_version": 1,
        "sequences": names, "averaged": names, "complete": False, **conditions,
    }  # fmt: skip
    moves = {
        name: moves_of(frames(name, TOP if scale is None else scale[name]), noise="noise" in name, step=1)
        for name in names
    }
    made = Made("rugged benchmark", 1.0, {}, {})
    return stability_of(
        moves, ModelFacts("m", "timm/x", 1, "s" * 64, 64, ()), SequenceConditions(**facts), made, ("Note.",), baseline
    )


def test_flips_and_distances_by_hand():
    """Two classes that change places cost one rank each."""
    result = stability()
    noise, rotate = result.sequences["gaussian_noise"], result.sequences["rotate"]
    assert rotate.flip_probability == pytest.approx((0 + 2 / 3 + 3 / 3) / 3)
    assert noise.flip_probability == pytest.approx((0 + 2 / 3 + 2 / 3) / 3)  # Each against the first.
    assert rotate.top5_distance == pytest.approx(2 * rotate.flip_probability)
    assert noise.top5_distance == pytest.approx(2 * noise.flip_probability)
    assert result.mean_flip_probability == pytest.approx((5 / 9 + 4 / 9) / 2)
    assert rotate.error == pytest.approx((0 + 2 + 2) / 12)
    assert (noise.noise, rotate.noise) == (True, False)
    assert result.mfr is None


def test_a_stride_compares_what_lies_so_far_apart():
    strided = moves_of(frames(), noise=False, step=2)
    assert strided.flips.tolist() == [0, 1, 0]
    assert moves_of(frames(), noise=False, step=3).flips.tolist() == [0, 0, 1]


def test_mfr_is_a_mean_of_ratios_with_an_interval_around_it():
    baseline = stability()
    half = TOP.copy()
    half[2] = half[0]  # Of motion 2 / 9 are left of 5 / 9, of noise 2 / 9 of 4 / 9.
    result = stability(baseline=baseline, scale={"gaussian_noise": half, "rotate": half})
    assert result.mfr.value == pytest.approx((2 / 5 + 2 / 4) / 2)
    assert result.mfr.top5 == pytest.approx((2 / 5 + 2 / 4) / 2)
    assert result.mfr.baseline == "m"
    low, high = result.mfr.interval
    assert low < result.mfr.value < high
    assert low == 0  # Of three pictures two never move, and some draws take these alone.
    own = stability(baseline=baseline)
    assert own.mfr.value == pytest.approx(1)


def test_with_fewer_than_five_classes_there_is_no_top5_distance():
    few = stability(scale=dict.fromkeys(("gaussian_noise", "rotate"), TOP[..., :2]), classes=2)
    assert few.sequences["rotate"].top5_distance is None
    assert stability(baseline=few, scale=dict.fromkeys(few.sequences, TOP[..., :2])).mfr.top5 is None


def test_figures_and_predictions_come_back_as_they_were(tmp_path):
    written = frames()
    write_frames(tmp_path, written, Stamp({"seed": 1}, 2.0))
    back = read_frames(tmp_path, "rotate", 1)
    for name in Frames.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(back, name), getattr(written, name))
    assert read_stamp(tmp_path, "rotate", 1) == Stamp({"seed": 1}, 2.0)
    table = pq.read_table(tmp_path / "rotate-1.parquet").to_pydict()
    assert table["frame"] == [0, 1, 2, 3] * 3
    assert table["id"][3:5] == ["a/1", "a/2"]
    assert table["sequence"] == ["rotate"] * 12
    assert table["top_classes"][5] == SWAPPED
    path = tmp_path / "sequences-1.json"
    full = stability(baseline=stability())
    write_stability(path, full)
    assert read_stability(path) == full
    (tmp_path / "rotate-1.parquet").write_bytes(b"x")
    with pytest.raises(ResultsError, match="measures it anew"):
        read_frames(tmp_path, "rotate", 1)
    with pytest.raises(ResultsError, match="does not exist"):
        read_stability(tmp_path / "none.json")


def test_a_baseline_of_other_conditions_is_refused_with_every_difference(tmp_path):
    run = RunFolder(tmp_path)
    path = run.stability(1)
    write_stability(
        path, stability(preset="cifar32", route="MP4 files", seed=7, names=("rotate",), content_hash="d" * 64)
    )
    here = stability().conditions
    with pytest.raises(IncomparableError) as refused:
        load_steady_baseline(run, here)
    for difference in (
        "preset is cifar32, here tiny64",
        "route is MP4 files",
        "it lacks gaussian_noise",
        "is dddddddddddd…, here c",
    ):
        assert difference in str(refused.value)
    assert "seed" not in str(refused.value)
    still = TOP.copy()
    still[:] = STEADY
    write_stability(path, stability(scale={"gaussian_noise": TOP, "rotate": still}))
    with pytest.raises(IncomparableError, match="never moves under rotate"):
        load_steady_baseline(run, here)
    write_stability(path, stability(seed=7))
    assert load_steady_baseline(run, replace(here, limit=None)).conditions.seed == 7


def test_figures_of_a_model_that_was_trained_since_are_no_baseline(tmp_path):
    run = RunFolder(tmp_path)
    write_stability(run.stability(1), stability())
    run.model.write_bytes(b"trained anew")
    with pytest.raises(ResultsError, match="trained since"):
        load_steady_baseline(run, stability().conditions)
