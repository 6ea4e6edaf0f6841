"""Kernels compute the same whatever PyTorch's defaults are; in processes of their own, where no table is kept yet."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
import torch
from rugged.corruptions import ALL, corrupt, corrupt_randomly, replay
from rugged.perturbations import ALL_SEQUENCES, perturb

images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 3, 40, 56), dtype=np.uint8))
image = images[0].permute(1, 2, 0).numpy()

def everything():
    for name in ALL:
        yield corrupt(images, name, 3, preset="tiny64", textures="procedural").numpy()
        state = np.random.RandomState(1)
        yield replay(image, name, 3, preset="tiny64", random_state=state, textures="procedural")
        torch.manual_seed(0)
        yield corrupt_randomly(images, [name], preset="tiny64", textures="procedural").numpy()
    for name in ALL_SEQUENCES:
        yield perturb(images[:1], name, preset="cifar32").numpy()

{setting}
ours = list(everything())
torch.set_default_dtype(torch.float32)
torch.set_default_device("cpu")
digest = __import__("hashlib").sha256(b"".join(each.tobytes() for each in ours)).hexdigest()
again = __import__("hashlib").sha256(b"".join(each.tobytes() for each in everything())).hexdigest()
print(digest, again)
"""


def digests(setting):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{setting}", setting)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.fixture(scope="module")
def untouched():
    plain, again = digests("")
    assert plain == again
    return plain


@pytest.mark.slow
@pytest.mark.parametrize(
    "setting",
    [
        "torch.set_default_dtype(torch.float64)",
        "torch.set_default_dtype(torch.bfloat16)",
        "torch.set_default_device('meta')",
    ],
)
def test_defaults_change_nothing(setting, untouched):
    assert digests(setting) == [untouched, untouched]
