"""What others run: where it is computed, and what cannot be taken."""

import sys
from types import SimpleNamespace

import pytest
import torch

from rugged.core.errors import ModelError
from rugged.engine.foreign import load_callable, open_session


@pytest.mark.parametrize("model", ["sys:exit", "math:sqrt"])
def test_functions_without_a_source_file_are_refused(model):
    """What cannot be hashed cannot be told apart from what is measured next time."""
    with pytest.raises(ModelError, match="has no source file that could be hashed"):
        load_callable(model)


def test_a_module_that_changed_since_it_was_imported_is_refused(tmp_path, monkeypatch):
    """Python runs what it imported: under the new file's hash figures would be those of the old one."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "changing_model.py"
    file.write_text("def answer(images):\n    return images.float().mean(dim=(2, 3))\n")
    first = load_callable("changing_model:answer")
    assert load_callable("changing_model:answer").sha256 == first.sha256
    file.write_text("def answer(images):\n    return images.nothing\n")
    with pytest.raises(ModelError, match=r"changing_model\.py has changed since this Python imported it"):
        load_callable("changing_model:answer")
    monkeypatch.delitem(sys.modules, "changing_model")
    assert load_callable("changing_model:answer").sha256 != first.sha256  # As in another Python.


def test_a_module_of_another_folder_is_not_taken_for_the_one_here(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "namesake_model.py").write_text("def answer(images):\n    return images\n")
    monkeypatch.chdir(tmp_path / "one")
    load_callable("namesake_model:answer")
    monkeypatch.chdir(tmp_path / "two")
    with pytest.raises(ModelError, match=r"has imported namesake_model from .*one.* before"):
        load_callable("namesake_model:answer")


class Runtime(SimpleNamespace):
    """ONNX Runtime as it is built for some devices."""

    def get_available_providers(self):
        return self.there

    def InferenceSession(self, path, providers):  # noqa: N802 - its name.
        return SimpleNamespace(asked=providers, get_providers=lambda: self.loads)


@pytest.fixture
def opened(tmp_path, monkeypatch, capsys):
    (tmp_path / "model.onnx").touch()

    def opened(device, there, loads):
        monkeypatch.setitem(sys.modules, "onnxruntime", Runtime(there=there, loads=loads))
        session = open_session(tmp_path / "model.onnx", torch.device(device))
        return session.asked, " ".join(capsys.readouterr().err.split())

    return opened


CPU, CUDA = ["CPUExecutionProvider"], ["CUDAExecutionProvider", "CPUExecutionProvider"]


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)])
def test_each_process_takes_its_own_gpu(opened, device, number):
    asked, said = opened(device, CUDA, CUDA)
    assert asked == [("CUDAExecutionProvider", {"device_id": number}), "CPUExecutionProvider"]
    assert said == ""


def test_the_cpu_is_taken_where_it_is_asked_for(opened):
    assert opened("cpu", CUDA, CPU) == (CPU, "")


@pytest.mark.parametrize("there", [CPU, CUDA], ids=["built without", "its libraries are missing"])
def test_a_runtime_without_cuda_says_that_it_computes_on_the_cpu(opened, there):
    asked, said = opened("cuda:0", there, CPU)
    assert asked[-1:] == CPU
    assert "runs on the CPU: onnxruntime has no CUDA here" in said
