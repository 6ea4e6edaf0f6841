"""The models that come with rugged: small, whole, and as good as is said."""

import io

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rugged.models import DEFAULT, read_spec, shipped_models
from rugged.predict import Classifier

KNOWN = {"tiny-imagenet-resnet18": 0.609, "tiny-imagenet-squeezenet": 0.523}
"""Share of the validation pictures that each is right on."""


def test_these_come_with_rugged_and_one_of_them_is_the_default():
    assert shipped_models().keys() == KNOWN.keys()
    assert DEFAULT in KNOWN
    assert sum(path.stat().st_size for path in shipped_models().values()) < 25 * 2**20


@pytest.mark.parametrize("name", KNOWN)
def test_it_says_what_it_was_trained_on(name):
    spec = read_spec(shipped_models()[name])
    assert len(spec.classes) == 200
    assert {"brightness", "contrast", "gaussian_noise", "speckle_noise"} <= set(spec.training_operations)
    assert not {"fog", "frost", "snow", "glass_blur", "pixelate", "jpeg_compression"} & set(spec.training_operations)


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_it_knows_as_many_of_the_validation_pictures_as_is_said(shared, name):
    """Of the first 300; 95 of 100 such samples lie within 6 points of what all have."""
    file = shared / "data" / "tiny-imagenet" / "valid-00000.parquet"
    if not file.is_file():
        pytest.skip(f"no {file}")
    rows = pq.read_table(file).slice(0, 300).to_pydict()
    pictures = [Image.open(io.BytesIO(row["bytes"])).convert("RGB") for row in rows["image"]]
    classifier = Classifier.load(name)
    order = np.argsort([each.id for each in classifier.classes])
    answers = classifier.probabilities(pictures)[:, order].argmax(1)
    assert (answers == np.array(rows["label"])).mean() == pytest.approx(KNOWN[name], abs=0.08)
