"""ONNX files of others: where they are computed."""

import sys
from types import SimpleNamespace

import pytest
import torch

from rugged.engine.foreign import open_session


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
