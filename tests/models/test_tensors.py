"""Tensor files are whole or not there, on a full disk too."""

import pytest
import torch
from safetensors import safe_open

from rugged.core.errors import RuggedError
from rugged.models.tensors import save_tensors


def test_any_layout_is_written_with_its_metadata(tmp_path):
    values = torch.arange(24.0).reshape(2, 3, 2, 2)
    tensors = {
        "lies otherwise": values.to(memory_format=torch.channels_last),
        "learns": values.clone().requires_grad_(),
    }
    save_tensors(tmp_path / "file", tensors, {"what": "ü"})
    with safe_open(tmp_path / "file", framework="pt") as stream:
        assert stream.metadata() == {"what": "ü"}
        for name in tensors:
            assert torch.equal(stream.get_tensor(name), values)


def test_weights_that_are_shared_are_written_for_each_name(tmp_path):
    values = torch.arange(6.0).reshape(2, 3)
    tensors = {"embedding": values, "head": values, "row": values[1], "column": values[:, 2], "none": torch.empty(0, 3)}
    save_tensors(tmp_path / "file", tensors, {})
    with safe_open(tmp_path / "file", framework="pt") as stream:
        assert sorted(stream.keys()) == sorted(tensors)
        for name, value in tensors.items():
            assert torch.equal(stream.get_tensor(name), value)


def test_a_full_disk_is_named_and_the_old_file_stands(tmp_path):
    resource = pytest.importorskip("resource", reason="file sizes cannot be limited here")
    path = tmp_path / "file"
    save_tensors(path, {"x": torch.zeros(10)}, {})
    old = path.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))  # Fails where a full disk would.
    try:
        with pytest.raises(RuggedError, match=r"Cannot write .*file: .*File too large"):
            save_tensors(path, {"x": torch.zeros(1_000_000)}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == old
