"""The model that comes with rugged: small, whole, and as good as is said."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rugged.models import DEFAULT, read_spec, shipped_models
from rugged.predict import Classifier


def test_the_default_comes_with_rugged():
    path = shipped_models()[DEFAULT]
    assert path.stat().st_size < 25 * 2**20
    assert len(read_spec(path).classes) == 200


def test_it_says_what_it_was_trained_on():
    told = read_spec(shipped_models()[DEFAULT]).training_operations
    assert {"brightness", "contrast", "gaussian_noise", "speckle_noise"} <= set(told)
    assert not {"fog", "frost", "snow", "glass_blur", "pixelate", "jpeg_compression"} & set(told)


@pytest.mark.slow
def test_it_knows_half_of_the_validation_pictures(shared):
    """Of the first 1,000; 95 of 100 such samples lie within 3 points of what all have."""
    file = shared / "data" / "tiny-imagenet" / "valid-00000.parquet"
    if not file.is_file():
        pytest.skip(f"no {file}")
    rows = pq.read_table(file).slice(0, 1000).to_pydict()
    pictures = [Image.open(io.BytesIO(row["bytes"])).convert("RGB") for row in rows["image"]]
    classifier = Classifier.load()
    order = np.argsort([each.id for each in classifier.classes])
    answers = classifier.probabilities(pictures)[:, order].argmax(1)
    assert (answers == np.array(rows["label"])).mean() > 0.47
