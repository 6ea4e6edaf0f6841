"""A published collection is known by what it holds, whole, and nothing else is taken for one."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from timm.data.imagenet_info import ImageNetInfo

from rugged.data.official import collection_of
from rugged.data.official.archive import Contents
from rugged.data.sources import read_source

THOUSAND = ImageNetInfo("imagenet-1k").label_names()
WHOLE = Contents(
    where=Path("anything"), ids=("x",) * 50_000, labels=np.zeros(50_000, np.int64), size=(224, 224), stored="jpeg85",
    layout="pictures", manifest=None, notes=(),
)  # fmt: skip


def test_imagenet_c_is_known_in_whatever_order_its_classes_come():
    assert collection_of(WHOLE, THOUSAND) == "ImageNet-C"
    assert collection_of(WHOLE, THOUSAND[::-1]) == "ImageNet-C"


@pytest.mark.parametrize(
    "change",
    [
        {"ids": ("x",) * 49_999},
        {"size": (224, 299)},
        {"size": (64, 64)},
        {"stored": "no"},
        {"layout": "arrays"},
        {"manifest": {"kind": "corrupted pictures"}},
    ],
)
def test_what_differs_in_anything_is_no_published_collection(change):
    assert collection_of(dataclasses.replace(WHOLE, **change), THOUSAND) is None


def test_another_class_list_is_another_collection():
    assert collection_of(WHOLE, THOUSAND[:200]) is None
    assert collection_of(WHOLE, [*THOUSAND[:-1], "n99999999"]) is None


def test_tiny_imagenet_c_has_the_classes_of_tiny_imagenet(shared):
    classes = [info.id for info in read_source(shared / "data" / "tiny-imagenet", 0.2).classes]
    tiny = dataclasses.replace(WHOLE, ids=("x",) * 10_000, size=(64, 64))
    assert collection_of(tiny, classes) == "Tiny ImageNet-C"
    assert collection_of(WHOLE, classes) is None


@pytest.mark.parametrize(("name", "classes"), [("CIFAR-10-C", 10), ("CIFAR-100-C", 100)])
def test_the_cifars_are_arrays(name, classes):
    arrays = dataclasses.replace(WHOLE, ids=("x",) * 10_000, size=(32, 32), layout="arrays", stored="no")
    assert collection_of(arrays, [str(number) for number in range(classes)]) == name
