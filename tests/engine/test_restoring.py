"""A restorer at work: any size, any batch, and large pictures tile by tile."""

import pytest
import torch

import rugged.engine.restoring
from rugged.core.errors import ModelError
from rugged.core.files import sha256_file
from rugged.engine import Restorer, make_fabric, open_restorer
from rugged.models import RestorerSpec, make_restorer, save_restorer
from rugged.models.restoring import Restored

SPEC = RestorerSpec(width=8, blocks=(1, 1), blocks_up=(1,))


@pytest.fixture
def fabric():
    return make_fabric("cpu", "fp32")


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    module = make_restorer(SPEC)
    torch.nn.init.normal_(module.head[-1].weight, std=0.1)
    save_restorer(tmp_path / "restorer.safetensors", module, SPEC)
    return tmp_path / "restorer.safetensors"


def pictures(count, height, width):
    generator = torch.Generator().manual_seed(height)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


def test_it_is_opened_from_its_file_or_its_run_folder(saved, fabric):
    for path in (saved, saved.parent):
        restorer = open_restorer(path, fabric)
        assert restorer.spec == SPEC
        assert restorer.sha256 == sha256_file(saved)
    with pytest.raises(ModelError, match="no model file"):
        open_restorer(saved.parent / "elsewhere", fabric)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (33, 2), (17, 23), (64, 64)])
def test_every_size_comes_back_as_it_was(saved, fabric, size):
    images = pictures(3, *size)
    before = images.clone()
    restored = open_restorer(saved, fabric).restore(images)
    assert restored.shape == images.shape
    assert restored.dtype == torch.uint8
    assert torch.equal(images, before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_picture_becomes_the_same_in_any_batch(saved, precision):
    restorer = open_restorer(saved, make_fabric("cpu", precision))
    images = pictures(300, 16, 20)
    together = restorer.restore(images)
    assert not torch.equal(together, images)
    for rows in (slice(0, 1), slice(3, 5), slice(17, 300)):
        assert torch.equal(restorer.restore(images[rows]), together[rows])


def test_no_pictures_are_no_trouble(saved, fabric):
    assert open_restorer(saved, fabric).restore(pictures(0, 8, 8)).shape == (0, 3, 8, 8)


class Shifted(torch.nn.Module):
    """Adds ten levels, or with the place in a tile as many as that."""

    def __init__(self, amount):
        super().__init__()
        self.amount = amount

    def forward(self, images):
        levels = images.float()
        added = self.amount if self.amount is not None else torch.arange(images.shape[-1]).float()
        return Restored(levels + added, torch.zeros(len(images)))


def test_tiles_join_without_a_seam(fabric, monkeypatch):
    monkeypatch.setattr(rugged.engine.restoring, "_TILE", 24)
    monkeypatch.setattr(rugged.engine.restoring, "_OVERLAP", 8)
    monkeypatch.setattr(rugged.engine.restoring, "_LARGE", 100)
    images = torch.full((2, 3, 31, 67), 5, dtype=torch.uint8)
    plain = Restorer(Shifted(10), SPEC, "", fabric).restore(images)
    assert (plain == 15).all()
    # A picture that would jump by 16 levels where the next tile begins rises and falls by small steps instead.
    row = Restorer(Shifted(None), SPEC, "", fabric).restore(images)[0, 0, 0].int()
    assert row.diff().abs().max() <= 3
    assert row[0] == 5
    assert row[15] == 20


def test_what_is_outside_the_range_is_clipped(fabric):
    images = torch.tensor([0, 128, 255], dtype=torch.uint8).expand(1, 3, 3)[None].transpose(1, 2).contiguous()
    assert (Restorer(Shifted(1000), SPEC, "", fabric).restore(images) == 255).all()
    assert (Restorer(Shifted(-1000), SPEC, "", fabric).restore(images) == 0).all()
    assert torch.equal(Restorer(Shifted(0.4), SPEC, "", fabric).restore(images), images)
