"""The classifier as Python has it: against formulas, and against what the benchmark saved."""

import numpy as np
import pytest
import torch
from PIL import Image

from rugged import Classifier
from rugged.benchmark import benchmark
from rugged.core.errors import ConfigError, DataError, ModelError
from rugged.data import ClassInfo, open_dataset
from rugged.models import (
    ModelSpec,
    RestorerSpec,
    build,
    imagenet_names,
    make_restorer,
    save_model,
    save_restorer,
)
from rugged.predict import Guess
from rugged.predict.classifier import top_guesses
from rugged.results import RunFolder, read_cell


def test_probabilities_are_the_softmax_of_the_logits(colours, shares):
    pixels = np.full((32, 32, 3), (160, 80, 0), np.uint8)
    [prediction] = colours.predict(pixels)
    assert [guess.id for guess in prediction.top] == [
        "red",
        "green",
        "blue",
    ]  # All there are, though five were asked for.
    assert prediction.best == prediction.top[0] == Guess("red", "Red", pytest.approx(shares(160, 80, 0)[0], rel=1e-6))
    np.testing.assert_allclose(colours.probabilities(pixels), [shares(160, 80, 0)], rtol=1e-6)
    assert len(colours.predict(pixels, top=2)[0].top) == 2


def test_every_form_of_a_picture_gives_the_same(colours, tmp_path):
    rng = np.random.default_rng(0)
    arrays = rng.integers(0, 256, (3, 24, 24, 3), dtype=np.uint8)
    images = [Image.fromarray(array) for array in arrays]
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for image, path in zip(images, paths, strict=True):
        image.save(path)
    expected = colours.probabilities(arrays)
    forms = [
        torch.from_numpy(arrays).permute(0, 3, 1, 2),
        list(arrays), images, paths, [str(path) for path in paths], (each for each in images),
        [paths[0], images[1], arrays[2]],
    ]  # fmt: skip
    for form in forms:
        np.testing.assert_array_equal(colours.probabilities(form), expected)
    for one in (arrays[0], images[0], paths[0], str(paths[0])):
        np.testing.assert_array_equal(colours.probabilities(one), expected[:1])
    assert colours.probabilities([]).shape == (0, 3)
    assert colours.predict([]) == []


def test_a_restorer_stands_before_the_classifier(tmp_path):
    """One that makes every picture white: its correction is a constant, and its gate is open."""
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    whitener = make_restorer(spec)
    torch.nn.init.constant_(whitener.head[-1].bias, 2)
    torch.nn.init.constant_(whitener.damage.bias, 50)
    save_restorer(tmp_path / "whitener.safetensors", whitener, spec)
    network = ModelSpec("timm/test_resnet", ("cat", "dog"), ("Cat", "Dog"), 32)
    save_model(tmp_path / "model.safetensors", build(network.architecture, 2), network)
    plain = Classifier.load(tmp_path / "model.safetensors")
    behind = Classifier.load(tmp_path / "model.safetensors", restore=tmp_path / "whitener.safetensors")
    picture = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    white = np.full((32, 32, 3), 255, np.uint8)
    np.testing.assert_array_equal(behind.probabilities(picture), plain.probabilities(white))
    assert not np.array_equal(plain.probabilities(picture), plain.probabilities(white))
    assert "restorer" in behind.notes[-1]


def test_the_middle_of_a_picture_counts_and_nothing_is_enlarged(colours):
    """The network's own preprocessing enlarges, as in the benchmark; here the answer sees what it is given."""
    seen = []

    def answer(images):
        seen.append(tuple(images.shape))
        return images.float().mean((2, 3))

    watching = Classifier(answer, colours.classes, colours.spec)
    wide = np.zeros((20, 60, 3), np.uint8)
    wide[:, 20:40, 1] = 255  # The middle third is green, and is all that is left.
    tall, large = np.zeros((90, 40, 3), np.uint8), np.zeros((100, 64, 3), np.uint8)
    assert watching.predict([wide, tall, large], top=1)[0].best.id == "green"
    assert sorted(seen) == [(1, 3, 20, 20), (2, 3, 32, 32)]


def test_pictures_of_several_sizes_keep_their_order(colours, shares):
    sizes = [8, 32, 8, 16, 32]
    pictures = [np.full((size, size, 3), (16 * place, 0, 0), np.uint8) for place, size in enumerate(sizes)]
    expected = [shares(16 * place, 0, 0) for place in range(5)]
    np.testing.assert_allclose(colours.probabilities(pictures), expected, rtol=1e-6)


def test_answers_rank_with_their_probabilities():
    """Softmax of log(1), log(2), log(1), log(4) is 1/8, 2/8, 1/8, 4/8; of equals the first class comes first."""
    classes = [ClassInfo(name, name.title()) for name in "abcd"]
    (top,) = top_guesses(torch.tensor([[1.0, 2.0, 1.0, 4.0]]).log(), classes, 5)
    assert [(guess.id, guess.name) for guess in top] == [("d", "D"), ("b", "B"), ("a", "A"), ("c", "C")]
    assert [guess.probability for guess in top] == pytest.approx([0.5, 0.25, 0.125, 0.125])


def test_answers_rank_where_their_probabilities_are_all_zero():
    """Beside a logit of 2,000 those of 0, 5 and 10 have a probability that no float can tell from 0."""
    names = tuple("abcd")
    classes = tuple(ClassInfo(name, name) for name in names)
    logits = torch.tensor([[0.0, 5.0, 2000.0, 10.0]])
    steep = Classifier(lambda images: logits.expand(len(images), -1), classes, ModelSpec("steep", names, names, 8))
    [prediction] = steep.predict(np.zeros((8, 8, 3), np.uint8), top=3)
    assert [(guess.id, guess.probability) for guess in prediction.top] == [("c", 1), ("d", 0), ("b", 0)]


def test_of_equal_probabilities_the_first_class_counts(colours):
    [prediction] = colours.predict(np.zeros((32, 32, 3), np.uint8))
    assert [guess.id for guess in prediction.top] == ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4, 3)), r"^The pictures are an array of shape \(4, 4, 3\) and float64; expected a path"),
        (np.zeros((4, 4), np.uint8), r"shape \(4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (torch.zeros(2, 3, 4, 4), r"^The pictures are a tensor of shape \(2, 3, 4, 4\) and torch.float32"),
        (torch.zeros(3, 4, 4, dtype=torch.uint8), "The pictures are a tensor of shape"),
        (torch.zeros(2, 4, 4, 3, dtype=torch.uint8), r"\(2, 4, 4, 3\)"),
        ([3], "The list holds int; expected"),
        (3, "int is no picture"),
        ("missing.png", "missing.png cannot be used: no such file"),
        ("a" * 300 + ".png", "cannot be opened .File name too long"),
        (Image.new("RGB", (0, 5)), "the image cannot be used: no pixels"),
    ],
)
def test_what_is_no_picture_is_refused(colours, images, message):
    with pytest.raises(DataError, match=message):
        colours.predict(images)


@pytest.mark.parametrize("top", [0, 2.5, None, "3"])
def test_what_is_no_number_of_classes_is_refused(colours, top):
    with pytest.raises(ConfigError, match=f"top is {top!r}; expected a whole number"):
        colours.predict([], top=top)


def test_an_answer_that_is_no_number_is_an_error(colours):
    broken = Classifier(lambda images: torch.full((len(images), 3), torch.nan), colours.classes, colours.spec)
    with pytest.raises(ModelError, match="no numbers"):
        broken.predict(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize(("side", "packed"), [(48, None), (24, 24)])
def test_a_data_sets_pictures_give_what_the_benchmark_measured(side, packed, picture_folder, tmp_path, monkeypatch):
    """Smaller than the network's input, as Tiny ImageNet's are to most networks, or packed at its size."""
    monkeypatch.chdir(tmp_path)
    classes = ("above", "below")
    torch.manual_seed(0)
    save_model(
        tmp_path / "run" / "model.safetensors",
        build("timm/test_resnet", 2),
        ModelSpec("timm/test_resnet", classes, classes, side),
    )
    dataset = open_dataset(picture_folder, size=packed)
    benchmark(tmp_path / "run", dataset, corruptions=("contrast",), severities=(1,), device="cpu")
    cell = read_cell(RunFolder(tmp_path / "run").predictions, "clean", 0)
    files = [picture_folder / "val" / f"{name}.png" for name in cell.ids]
    classifier = Classifier.load(tmp_path / "run", device="cpu")
    found = classifier.probabilities(files)
    assert [info.id for info in classifier.classes] == list(classes)
    assert classifier.spec.input_size == side
    np.testing.assert_allclose(found[np.arange(len(files)), cell.labels], cell.label_probability, atol=1e-6)


def test_a_published_network_answers_for_all_thousand(tmp_path, monkeypatch):
    monkeypatch.setattr("rugged.engine.networks.build", lambda name, classes, **_: build(name, classes))
    classifier = Classifier.load("timm/test_resnet", device="cpu")
    assert [info.id for info in classifier.classes] == list(imagenet_names())
    assert classifier.classes[1].name == "goldfish"
    [prediction] = classifier.predict(np.zeros((64, 64, 3), np.uint8))
    assert len(prediction.top) == 5


def test_a_strangers_classes_have_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_to_predict.py").write_text("def answer(images):\n    return images.float().mean((2, 3))\n")
    classifier = Classifier.load("mine_to_predict:answer", device="cpu")
    [prediction] = classifier.predict(np.full((8, 8, 3), (0, 9, 0), np.uint8))
    assert [guess.id for guess in prediction.top] == ["1", "0", "2"]


def test_what_is_no_model_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "no_classes.py").write_text("def answer(images):\n    return images.float()\n")
    with pytest.raises(ModelError, match="no run folder, model file or callable nothing"):
        Classifier.load("nothing", device="cpu")
    with pytest.raises(ModelError, match=r"with the shape \(2, 3, 224, 224\); expected \(2, classes\)"):
        Classifier.load("no_classes:answer", device="cpu")
