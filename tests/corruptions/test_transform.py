"""Corruptions as torchvision's transforms take and give pictures, and as data sets hold them."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2

from rugged import Corrupt, CorruptedDataset, corrupt
from rugged.core.catalogue import EXTRA
from rugged.core.errors import CorruptionError


@pytest.fixture
def pictures():
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 3, 32, 40), dtype=np.uint8))


def pil(picture):
    return Image.fromarray(picture.permute(1, 2, 0).numpy())


def test_a_picture_comes_back_as_what_it_was(pictures):
    """Contrast draws nothing, so all forms must agree with the engine."""
    expected = corrupt(pictures, "contrast", 4)
    transform = Corrupt("contrast", 4)
    batch, one = transform(pictures), transform(pictures[0])
    assert type(batch) is type(one) is torch.Tensor
    assert torch.equal(batch, expected)
    assert torch.equal(one, expected[0])
    image = transform(tv_tensors.Image(pictures[0]))
    assert isinstance(image, tv_tensors.Image)
    assert torch.equal(image.as_subclass(torch.Tensor), expected[0])
    assert torch.equal(transform(tv_tensors.Video(pictures[None])).as_subclass(torch.Tensor), expected[None])
    drawn = transform(pil(pictures[0]))
    assert isinstance(drawn, Image.Image)
    np.testing.assert_array_equal(np.asarray(drawn), expected[0].permute(1, 2, 0))
    grey = transform(pil(pictures[0]).convert("L"))
    assert grey.mode == "RGB"
    deep = Image.fromarray(np.full((40, 40), 30_000, np.uint16))  # Of which Pillow makes white.
    with pytest.raises(CorruptionError, match=r"mode is I;16, whose levels are not those of 8 bits"):
        Corrupt("contrast", 3)(deep)


def test_what_is_no_picture_of_a_sample_stays(pictures):
    boxes = tv_tensors.BoundingBoxes(torch.tensor([[1, 2, 3, 4]]), format="XYXY", canvas_size=(32, 40))
    mask = tv_tensors.Mask(torch.ones(1, 32, 40, dtype=torch.uint8))
    sample = {"image": tv_tensors.Image(pictures[0]), "boxes": boxes, "mask": mask, "label": torch.tensor(3)}
    found = v2.Compose([Corrupt("contrast", 4), v2.ToDtype({tv_tensors.Image: torch.float32, "others": None})])(sample)
    assert torch.equal(found["boxes"], boxes)
    assert torch.equal(found["mask"], mask)
    assert found["label"] == 3
    assert torch.equal(found["image"].byte(), corrupt(pictures[:1], "contrast", 4)[0])


def test_the_seed_of_pytorch_decides_the_noise(pictures):
    transform = Corrupt("gaussian_noise", 3)
    torch.manual_seed(1)
    first, second = transform(pictures), transform(pictures)
    torch.manual_seed(1)
    assert torch.equal(transform(pictures), first)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0].int() - pictures[0].int(), first[1].int() - pictures[1].int())


def test_of_several_corruptions_and_severities_one_is_drawn(pictures):
    choices = [corrupt(pictures[:1], name, level)[0] for name in ("contrast", "brightness") for level in (1, 5)]
    assert Corrupt("extra").names == EXTRA
    torch.manual_seed(0)
    transform = Corrupt(["contrast", "brightness"], [1, 5])
    found = [transform(pictures[0]) for _ in range(60)]
    counts = [sum(torch.equal(one, choice) for one in found) for choice in choices]
    assert sum(counts) == 60
    assert min(counts) > 0
    assert "contrast" in repr(transform)


def test_the_frames_of_a_video_share_what_is_drawn_but_for_the_noise(pictures):
    still = tv_tensors.Video(pictures[:1].expand(6, -1, -1, -1))
    transform = Corrupt(["contrast", "brightness", "pixelate"], [1, 5])
    choices = [corrupt(pictures[:1], name, level) for name in transform.names for level in (1, 5)]
    found = [transform(still).as_subclass(torch.Tensor) for _ in range(100)]
    counts = [sum(torch.equal(one, choice.expand(6, -1, -1, -1)) for one in found) for choice in choices]
    assert sum(counts) == 100
    assert min(counts) > 0
    noisy = Corrupt("gaussian_noise", 3)(still)
    assert len(noisy.flatten(1).unique(dim=0)) == 6
    assert Corrupt(["contrast", "fog"])(still[:0]).shape == (0, 3, 32, 40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("fogg", 1), "Did you mean 'fog'"), (("fog", 6), "severity must be"), ((["fog", "no"], 1), "no corruption 'no'")],
)
def test_mistakes_are_told_at_once(arguments, message, pictures):
    with pytest.raises(CorruptionError, match=message):
        Corrupt(*arguments)
    if isinstance(arguments[0], str):
        with pytest.raises(CorruptionError, match=message):
            CorruptedDataset(Samples(pictures), *arguments)


@pytest.mark.parametrize("arguments", [([], 3), ("fog", [])])
def test_there_must_be_something_to_draw_from(arguments):
    with pytest.raises(CorruptionError, match="Expected at least one"):
        Corrupt(*arguments)


@pytest.mark.parametrize(
    "form",
    [
        lambda array: array,
        lambda array: (array, 3),
        lambda array: (3, array),
        lambda array: {"image": array, "label": 1},
        lambda array: {"image": array, "label": torch.tensor(1)},
        lambda array: [[array], {"mask": tv_tensors.Mask(torch.ones(1, 32, 40, dtype=torch.uint8))}],
    ],
)
def test_arrays_which_torchvision_would_leave_alone_are_refused(pictures, form):
    with pytest.raises(CorruptionError, match=r"not arrays. Put v2\.ToImage"):
        Corrupt("contrast", 5)(form(pictures[0].permute(1, 2, 0).numpy()))


def test_an_array_beside_a_picture_stays(pictures):
    depth = np.ones((32, 40), np.float32)
    for one in (pictures[0], tv_tensors.Image(pictures[0])):
        found = Corrupt("contrast", 4)({"depth": depth, "image": one})
        assert found["depth"] is depth
        assert torch.equal(found["image"].as_subclass(torch.Tensor), corrupt(pictures[:1], "contrast", 4)[0])


@pytest.mark.parametrize("picture", [torch.zeros(3, 8, 8), torch.zeros(8, 8, 3, dtype=torch.uint8)])
def test_what_cannot_be_corrupted_is_refused(picture):
    with pytest.raises(CorruptionError, match=r"images must be|picture is a tensor of torch\.float32; expected uint8"):
        Corrupt("fog", 1)(picture)


class Samples:
    """A data set as people write them."""

    def __init__(self, pictures, form=None):
        self.pictures = pictures
        self.form = form

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        picture = self.pictures[index]
        return picture if self.form is None else self.form(picture), index % 3


@pytest.mark.parametrize("name", ["gaussian_noise", "snow"])
def test_a_data_set_gives_what_the_engine_gives(pictures, name):
    noisy = CorruptedDataset(Samples(pictures), name, 3, seed=5)
    expected = corrupt(pictures, name, 3, seed=5)
    for index in (4, 0, -1, 4):
        image, label = noisy[index]
        assert torch.equal(image, expected[index])
        assert label == index % 6 % 3
    assert len(noisy) == 6


def test_ids_give_the_benchmarks_pictures(pictures):
    ids = [f"n1/val_{number}" for number in range(6)]
    noisy = CorruptedDataset(Samples(pictures), "shot_noise", 2, ids=ids)
    assert torch.equal(torch.stack([image for image, _ in noisy]), corrupt(pictures, "shot_noise", 2, ids=ids))


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # On a machine with one core.
def test_workers_and_order_do_not_matter(pictures):
    noisy = CorruptedDataset(Samples(pictures), "glass_blur", 2)
    alone = torch.stack([noisy[index][0] for index in range(6)])
    loaded = torch.cat([images for images, _ in DataLoader(noisy, batch_size=2, num_workers=2)])
    assert torch.equal(loaded, alone)
    assert torch.equal(pickle.loads(pickle.dumps(noisy))[3][0], alone[3])


def test_forms_and_transforms_of_a_data_set(pictures):
    expected = corrupt(pictures, "fog", 1)[2].permute(1, 2, 0).numpy()
    drawn = CorruptedDataset(Samples(pictures, pil), "fog", 1)[2][0]
    np.testing.assert_array_equal(np.asarray(drawn), expected)
    array = CorruptedDataset(Samples(pictures, lambda one: one.permute(1, 2, 0).numpy()), "fog", 1)[2][0]
    np.testing.assert_array_equal(array, expected)
    flipped = CorruptedDataset(Samples(pictures, pil), "fog", 1, transform=v2.RandomHorizontalFlip(1.0))[2][0]
    np.testing.assert_array_equal(np.asarray(flipped), expected[:, ::-1])


def test_faults_of_a_data_set_are_told(pictures):
    with pytest.raises(CorruptionError, match="Sample 1 is Tensor; expected"):
        CorruptedDataset(list(pictures), "fog", 1)[1]
    with pytest.raises(CorruptionError, match="Corrupt before converting"):
        CorruptedDataset(Samples(pictures.float()), "fog", 1)[0]
    with pytest.raises(CorruptionError, match="there are 2 ids for 6 images"):
        CorruptedDataset(Samples(pictures), "fog", 1, ids=["a", "b"])
    with pytest.raises(IndexError, match="no sample 6"):
        CorruptedDataset(Samples(pictures), "fog", 1)[6]


def test_arrays_of_a_data_set_may_be_read_only_and_must_be_pictures(pictures):
    def read_only(picture):
        return np.asarray(pil(picture))

    clean, _ = CorruptedDataset(Samples(pictures, read_only), "contrast", 4)[2]
    np.testing.assert_array_equal(clean, corrupt(pictures[2:3], "contrast", 4)[0].permute(1, 2, 0))
    for wrong, found in ((lambda p: p[0].numpy(), r"\(32, 40\)"), (lambda p: read_only(p) / 255, "float64")):
        with pytest.raises(CorruptionError, match=rf"image must be one \(H, W, 3\) uint8 array, not .*{found}"):
            CorruptedDataset(Samples(pictures, wrong), "contrast", 4)[2]
