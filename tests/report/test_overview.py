"""The sentence at the top says which corruption costs most and least, where one does."""

from dataclasses import replace

import pytest

from rugged.report.overview import finding
from rugged.results import RunFolder, read_summary


@pytest.fixture
def found(make_run, tmp_path):
    summary = read_summary(RunFolder(make_run(tmp_path / "run")).summary)

    def with_errors(**errors):
        results = {
            name: replace(summary.corruptions[name], error=(error,) * 5, ce=None) for name, error in errors.items()
        }
        conditions = replace(summary.conditions, corruptions=tuple(results))
        return finding(replace(summary, corruptions=results, conditions=conditions))

    return with_errors


@pytest.mark.parametrize(
    "errors",
    [
        {"gaussian_noise": 0.5, "contrast": 0.9, "pixelate": 0.2},
        {"gaussian_noise": 0.9, "contrast": 0.5, "pixelate": 0.2},
        {"gaussian_noise": 0.2, "contrast": 0.5, "pixelate": 0.9},
    ],
)
def test_the_worst_and_the_best_are_named_whatever_their_order(found, errors):
    words = {"gaussian_noise": "Gaussian noise", "contrast": "Contrast", "pixelate": "Pixelate"}
    worst, best = words[max(errors, key=errors.get)], words[min(errors, key=errors.get)]
    text = found(**errors)
    assert f"{worst} costs the most (10.0% right)" in text
    assert f"{best[0].lower()}{best[1:]} the least (80.0%)" in text


@pytest.mark.parametrize("errors", [{"contrast": 0.5}, {"gaussian_noise": 0.5, "contrast": 0.5}])
def test_none_is_named_where_all_cost_the_same(found, errors):
    assert "costs the most" not in found(**errors)
