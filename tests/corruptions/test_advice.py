"""Whoever gives pictures in another form is told what to write, and that works."""

import pytest
import torch
import torchvision
from PIL import Image

from rugged.core.errors import CorruptionError
from rugged.corruptions.request import check_images

BYTES = torch.arange(2 * 3 * 4 * 5, dtype=torch.uint8).reshape(2, 3, 4, 5)
GREY = BYTES[:, :1]
PICTURE = Image.fromarray(BYTES[0].permute(1, 2, 0).contiguous().numpy())


@pytest.mark.parametrize(
    ("images", "line", "wanted"),
    [
        (BYTES / 255, "(images * 255).round().to(torch.uint8)", BYTES),
        (BYTES.double() + 0.25, "images.round().to(torch.uint8)", BYTES),
        (BYTES.to(torch.int64), "images.to(torch.uint8)", BYTES),
        (BYTES.to(torch.int8), "images.to(torch.uint8)", BYTES),
        (BYTES > 7, "images.to(torch.uint8) * 255", (BYTES > 7) * 255),
        (BYTES[0], "images[None]", BYTES[:1]),
        (BYTES[0].permute(1, 2, 0), "images.permute(2, 0, 1)[None]", BYTES[:1]),
        (GREY, "images.expand(-1, 3, -1, -1)", GREY.expand(-1, 3, -1, -1)),
        (GREY[0, 0], "images.expand(1, 3, -1, -1)", GREY[:1].expand(-1, 3, -1, -1)),
        (torch.cat((BYTES, GREY), 1), "images[:, :3]", BYTES),
        (BYTES.permute(0, 2, 3, 1), "images.permute(0, 3, 1, 2)", BYTES),
        (BYTES[None], "images.flatten(0, 1)", BYTES),
        (BYTES.numpy(), "torch.from_numpy(images)", BYTES),
        (BYTES.permute(0, 2, 3, 1).numpy(), "torch.from_numpy(images).permute(0, 3, 1, 2)", BYTES),
        (BYTES[0].permute(1, 2, 0).numpy(), "torch.from_numpy(image).permute(2, 0, 1)[None]", BYTES[:1]),
        (list(BYTES), "torch.stack(images)", BYTES),
        (
            PICTURE,
            "torchvision.transforms.functional.pil_to_tensor(image.convert('RGB'))[None]",
            BYTES[:1],
        ),
    ],
)
def test_the_line_that_is_advised_makes_the_batch(images, line, wanted):
    with pytest.raises(CorruptionError, match=r"^images must be a \(N, 3, H, W\) uint8 tensor, not ") as refused:
        check_images(images)
    assert f" {line}" in str(refused.value)
    made = eval(line, {"images": images, "image": images, "torch": torch, "torchvision": torchvision})
    check_images(made)
    assert torch.equal(made, wanted.to(torch.uint8))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((BYTES.float() - 60) / 30, r"dtype torch\.float32\. Give levels from 0 to 255, .* normalised\.$"),
        (BYTES.to(torch.int64) * 9, r"Give levels from 0 to 255"),
        (torch.zeros(0, 3, 4, 4), r"dtype torch\.float32\.$"),
        (torch.zeros(2, 2, 4, 4, dtype=torch.uint8), r"dtype torch\.uint8\.$"),
        ([PICTURE], r"not list\. Make a tensor of each picture, then torch\.stack\(images\)\.$"),
        ([], r"not list\.$"),
        (None, r"not NoneType\.$"),
    ],
)
def test_where_no_line_helps_it_is_said_what_would(images, message):
    with pytest.raises(CorruptionError, match=message):
        check_images(images)
