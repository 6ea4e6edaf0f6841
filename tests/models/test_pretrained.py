"""Published weights come through the libraries' own clients and caches: proved on a hub and on files made here."""

import hashlib
import os
import subprocess
import sys
import time

import huggingface_hub.constants
import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save

from rugged.core.errors import ModelError
from rugged.models import build

NAME = "timm/test_resnet.r160_in1k"
HEAD = {"fc.weight", "fc.bias"}


def trained(model):
    """A state dict that no initialisation gives."""
    torch.manual_seed(7)
    random = torch.randn
    return {k: random(v.shape) if v.is_floating_point() else v.clone() + 3 for k, v in model.state_dict().items()}


@pytest.fixture(scope="module")
def weights():
    return trained(timm.create_model("test_resnet"))


def differing(model, weights):
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, weights[name])}


def test_weights_come_from_the_hub_once(hub, weights):
    hub.publish(NAME, save(weights))
    assert differing(build(NAME, 1000, pretrained=True), weights) == set()
    model = build(NAME, 5, pretrained=True)
    assert differing(model, weights) == HEAD
    assert model.fc.out_features == 5
    assert hub.asked("GET") == [f"/{NAME}/resolve/main/model.safetensors"]


def test_what_the_cache_holds_needs_no_network(hub, weights, monkeypatch):
    hub.publish(NAME, save(weights))
    build(NAME, 5, pretrained=True)
    hub.stop()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert differing(build(NAME, 5, pretrained=True), weights) == HEAD


SCRIPT = """
import sys
from pathlib import Path
from safetensors.torch import save_file
from rugged.core.errors import ModelError
from rugged.models import build
try:
    save_file(build(sys.argv[1], 5, pretrained=True).state_dict(), Path(sys.argv[2]))
except ModelError as error:
    print(error)
"""


@pytest.mark.slow
def test_the_libraries_own_variables_decide(hub, weights, tmp_path):
    """As a user has it: another process, told by its environment."""
    hub.publish(NAME, save(weights))
    out = tmp_path / "out.safetensors"

    def run(**environment):
        command = [sys.executable, "-c", SCRIPT, NAME, str(out)]
        found = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True)
        return found.stdout

    assert run(HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "home")) == ""
    fetched = load_file(out)
    assert {name for name in weights if not torch.equal(fetched[name], weights[name])} == HEAD
    message = run(HF_HUB_OFFLINE="1", HF_HOME=str(tmp_path / "empty"))
    assert f"kept in {tmp_path / 'empty' / 'hub' / 'models--timm--test_resnet.r160_in1k'}" in message
    assert f"HF_HOME={tmp_path / 'empty'}, HF_HUB_OFFLINE=1" in message


def _refusal(name):
    start = time.monotonic()
    with pytest.raises(ModelError) as caught:
        build(name, 5, pretrained=True)
    assert time.monotonic() - start < 3
    message = str(caught.value)
    # Only a benchmark and training have options for it; weights are fetched for other commands, too.
    in_training = "in training: --set model.pretrained=false --set model.weights=FILE"
    for way_out in ("Go online once", "copy that", "in a benchmark: --weights FILE", in_training):
        assert way_out in message
    return message


def test_no_network_is_said_at_once(hub, tmp_path):
    hub.stop()
    message = _refusal(NAME)
    assert f"The pretrained weights of {NAME}" in message
    assert f"from {hub.url}/{NAME}" in message
    assert f"kept in {tmp_path / 'hub' / 'models--timm--test_resnet.r160_in1k'}, which HF_HOME or HF_HUB" in message
    assert "damaged" not in message


@pytest.mark.parametrize("name", [NAME, "torchvision/squeezenet1_0"])
def test_a_silent_server_is_not_waited_for(hub, monkeypatch, name):
    monkeypatch.setattr("rugged.models.pretrained.PATIENCE", 0.2)
    squeezenet = torchvision.models.SqueezeNet1_0_Weights.DEFAULT.value
    monkeypatch.setattr(squeezenet, "url", f"{hub.url}/squeezenet1_0-12345678.pth")
    hub.silent.set()
    assert "imeout" in _refusal(name)
    assert len(hub.asked("HEAD") + hub.asked("GET")) == 1


def test_weights_that_are_not_there_are_refused(hub):
    message = _refusal(NAME)
    assert "EntryNotFound" in message
    assert "damaged" not in message
    with pytest.raises(ModelError, match=r"timm publishes no weights of .*model\.weights"):
        build("timm/resnetaa34d", 5, pretrained=True)


def test_damaged_weights_are_refused_with_their_place(hub, weights, tmp_path):
    hub.publish(NAME, save(weights)[:-1000])
    assert f"may be damaged: delete {tmp_path / 'hub' / 'models--timm--test_resnet.r160_in1k'}" in _refusal(NAME)


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_pickle_on_the_hub_runs_nothing(hub, tmp_path, weights, monkeypatch):
    path = f"/{NAME}/resolve/main/pytorch_model.bin"
    torch.save(weights, tmp_path / "x.bin")
    hub.files[path] = (tmp_path / "x.bin").read_bytes()
    assert differing(build(NAME, 5, pretrained=True), weights) == HEAD  # Tensors alone are read.
    torch.save({"fc.bias": Attack(tmp_path / "made")}, tmp_path / "x.bin")
    hub.files[path] = (tmp_path / "x.bin").read_bytes()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "another"))
    assert "weights_only" in _refusal(NAME)
    assert not (tmp_path / "made").exists()


SQUEEZENET = "torchvision/squeezenet1_0"
SQUEEZENET_HEAD = {"classifier.1.weight", "classifier.1.bias"}
PUBLISHED = torchvision.models.SqueezeNet1_0_Weights.DEFAULT


def _cached(tmp_path, monkeypatch, content):
    """The place in the cache of a file that is published with this content, its hash in its name."""
    monkeypatch.setattr(PUBLISHED.value, "url", f"http://x/squeezenet1_0-{hashlib.sha256(content).hexdigest()[:8]}.pth")
    path = tmp_path / "torch" / "hub" / "checkpoints" / PUBLISHED.url.rpartition("/")[2]
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _pickled(tmp_path, value):
    torch.save(value, tmp_path / "x.pth")
    return (tmp_path / "x.pth").read_bytes()


def test_torchvision_takes_what_its_cache_holds(hub, tmp_path, monkeypatch):
    weights = trained(torchvision.models.squeezenet1_0())
    _cached(tmp_path, monkeypatch, _pickled(tmp_path, weights))
    assert differing(build(SQUEEZENET, 5, pretrained=True), weights) == SQUEEZENET_HEAD
    assert differing(build(SQUEEZENET, 1000, pretrained=True), weights) == set()


def test_torchvision_checks_the_hash_of_what_it_fetches(hub, tmp_path, monkeypatch):
    weights = trained(torchvision.models.squeezenet1_0())
    torch.save(weights, tmp_path / "x.pth")
    content = (tmp_path / "x.pth").read_bytes()
    right = f"/squeezenet1_0-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    hub.files = {right: content, "/squeezenet1_0-12345678.pth": content}
    monkeypatch.setattr(PUBLISHED.value, "url", f"{hub.url}/squeezenet1_0-12345678.pth")
    assert "invalid hash value" in _refusal(SQUEEZENET)
    assert list((tmp_path / "torch" / "hub" / "checkpoints").iterdir()) == []
    monkeypatch.setattr(PUBLISHED.value, "url", hub.url + right)
    assert differing(build(SQUEEZENET, 5, pretrained=True), weights) == SQUEEZENET_HEAD


def test_torchvision_without_a_network_says_so(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(PUBLISHED.value, "url", f"{hub.url}/squeezenet1_0-12345678.pth")
    hub.stop()
    message = _refusal(SQUEEZENET)
    assert "torchvision/squeezenet1_0 (SqueezeNet1_0_Weights.IMAGENET1K_V1)" in message
    file = tmp_path / "torch" / "hub" / "checkpoints" / "squeezenet1_0-12345678.pth"
    assert f"kept in {file}, which TORCH_HOME can move (set here: TORCH_HOME={tmp_path / 'torch'}" in message


@pytest.mark.parametrize("damage", ["cut short", "changed", "attack", "another network"])
def test_what_is_wrong_in_torchvisions_cache_is_refused(hub, tmp_path, damage, monkeypatch):
    attack = {"x": Attack(tmp_path / "made")}
    published = _pickled(tmp_path, attack if damage == "attack" else trained(torchvision.models.squeezenet1_1()))
    path = _cached(tmp_path, monkeypatch, published)
    if damage == "cut short":
        path.write_bytes(published[:-1000])
    if damage == "changed":
        path.write_bytes(_pickled(tmp_path, trained(torchvision.models.squeezenet1_0())))
    if damage == "another network":
        with pytest.raises(
            ModelError, match=r"published file of torchvision/squeezenet1_0 does not fit .* tensors differ"
        ):
            build(SQUEEZENET, 5, pretrained=True)
    else:
        message = _refusal(SQUEEZENET)
        assert f"may be damaged: delete {path}" in message
        assert ("its SHA-256 does not begin with" in message) == (damage != "attack")
    assert not (tmp_path / "made").exists()
