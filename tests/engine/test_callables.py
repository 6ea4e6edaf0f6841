"""Functions and networks in Python: what tells one from another, and what cannot be taken."""

import sys
import warnings
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision.transforms import v2

from rugged.core.errors import ModelError
from rugged.engine.callables import load_callable, open_callable
from rugged.engine.python_parts import hash_of_network, hash_of_weights

IMAGES = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 3, 4, 4)


class Brightness(nn.Module):
    """Answers for four classes by a layer on the means of the channels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.layer = nn.Linear(3, 4)
        self.drop = nn.Dropout(0.5)

    def forward(self, images):
        return self.drop(self.layer(images.float().mean((2, 3))))


class Holder:
    def __init__(self):
        self.network = Brightness().eval()

    def answer(self, images):
        return self.network(images)


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


def test_a_network_is_known_by_its_weights():
    network = Brightness().eval()
    first = open_callable(network, "mine")
    assert torch.equal(first.answer(IMAGES), network(IMAGES))
    assert first.parameters == 3 * 4 + 4
    assert "weights of network" in first.note
    assert open_callable(Brightness().eval(), "mine").sha256 == first.sha256
    assert open_callable(network, "other").sha256 == first.sha256  # What results call it is no part of it.
    with torch.no_grad():
        network.layer.bias[2] += 1
    assert open_callable(network, "mine").sha256 != first.sha256


class Shift(nn.Module):
    def __init__(self, device):
        super().__init__()
        self.register_buffer("shift", torch.tensor([1.0, 2.0, 3.0], device=device))

    def forward(self, images):
        return images.float().mean((2, 3)) + self.shift


def test_a_network_answers_where_it_lies(accelerator):
    answers = open_callable(Shift(accelerator).eval(), "mine").answer(IMAGES)
    assert answers.device.type == "cpu"
    torch.testing.assert_close(answers, Shift("cpu")(IMAGES))


def closed_over(network):
    return lambda images: network(images)


def test_a_function_is_known_by_the_networks_it_uses_too():
    """Whatever loaded their weights: a name of a module, a variable of the function around it, an object's method."""
    holder, network = Holder(), Brightness().eval()
    for model, held in ((holder.answer, holder.network), (closed_over(network), network)):
        before = open_callable(model, "mine")
        assert "weights of network" in before.note
        with torch.no_grad():
            held.layer.weight.mul_(2)
        assert open_callable(model, "mine").sha256 != before.sha256


def test_a_named_function_is_known_by_the_weights_that_its_module_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "import torch\nnet = torch.nn.Linear(3, 4).eval()\ndef answer(x): return net(x.float().mean((2, 3)))\n"
    (tmp_path / "loading_model.py").write_text(code)
    torch.manual_seed(1)
    first = load_callable("loading_model:answer")
    assert "weights of net:" in first.note
    assert load_callable("loading_model:answer").sha256 == first.sha256
    torch.manual_seed(2)
    monkeypatch.delitem(sys.modules, "loading_model")  # As in another Python, where a checkpoint has changed.
    assert load_callable("loading_model:answer").sha256 != first.sha256


def test_networks_in_training_mode_are_refused():
    network = Brightness()
    with pytest.raises(ModelError, match=r"in training mode.*Call network\.eval\(\) first"):
        open_callable(network, "mine")
    for model in (closed_over(network), load_this("closing")):
        with pytest.raises(ModelError, match=r"in training mode.*Call \w+\.eval\(\) first"):
            open_callable(model, "mine").answer(IMAGES)
    evaluating = lambda images: network.eval()(images)  # noqa: E731
    assert open_callable(evaluating, "mine").answer(IMAGES).shape == (2, 4)


_training = Brightness()


def load_this(_):
    def answer(images):
        return _training(images)

    return answer


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Brightness, "Found the class Brightness; expected"),
        (42, "Found a int; expected"),
        (len, "Of mine neither code nor weights can be seen"),
    ],
)
def test_what_cannot_be_told_apart_is_refused(model, message):
    with pytest.raises(ModelError, match=message):
        open_callable(model, "mine")


def test_what_goes_wrong_says_what_a_model_is_given():
    """A network made for floating point is the most usual mistake."""
    with pytest.raises(ModelError, match=r"mine failed on \(2, 3, 4, 4\) pictures.*uint8 from 0 to 255"):
        open_callable(nn.Conv2d(3, 4, 1).eval(), "mine").answer(IMAGES)


def test_the_hash_of_weights_is_of_names_shapes_and_bytes():
    """Worked out by hand for one number: 1.0 in float32 is 00 00 80 3f, in bfloat16 80 3f."""
    from hashlib import sha256

    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    expected = sha256(b"weight (1, 1) torch.float32\n\x00\x00\x80\x3f").hexdigest()
    assert hash_of_weights(network) == expected
    expected = sha256(b"weight (1, 1) torch.bfloat16\n\x80\x3f").hexdigest()
    assert hash_of_weights(network.bfloat16()) == expected


_softmax, _scaling = nn.Softmax(1), nn.Sequential(nn.Identity(), nn.Softmax(1))
_network = Brightness().eval()


class Slotted:
    __slots__ = ("held",)

    def __init__(self, network):
        self.held = [network]

    def answer(self, images):
        return self.held[0](images)


def helping(images):
    return _network(images)


@torch.inference_mode()
def decorated(images):
    return _network(images)


def in_a_comprehension(images):
    return torch.cat([_network(part) for part in images.split(1)])


def through_a_helper(images):
    return helping(images)


def by_default(images, network=_network):
    return network(images)


USING = {
    "decorated": decorated, "comprehension": in_a_comprehension, "helper": through_a_helper, "default": by_default,
    "partial": partial(by_default, network=_network), "slots": Slotted(_network).answer,
}  # fmt: skip


@pytest.mark.parametrize("name", USING)
def test_networks_are_found_wherever_code_gets_them_from(name):
    before = open_callable(USING[name], "mine")
    with torch.no_grad():
        _network.layer.bias[0] += 1
    assert open_callable(USING[name], "mine").sha256 != before.sha256
    _network.drop.train()  # A part of a network is enough.
    try:
        with pytest.raises(ModelError, match="in training mode"):
            before.answer(IMAGES)
    finally:
        _network.eval()
    assert before.answer(IMAGES).shape == (2, 4)


def test_what_learning_does_not_change_may_be_in_training_mode():
    """Layers without a state of their own are seldom told: a softmax, or transforms that normalise."""
    prepare = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.5] * 3)])
    model = lambda images: _scaling(_softmax(_network(prepare(images))))  # noqa: E731
    assert prepare.training
    assert _softmax.training
    assert open_callable(model, "mine").answer(IMAGES).shape == (2, 4)


def test_what_only_has_the_name_of_a_network_is_not_taken_for_it():
    holder = SimpleNamespace(_training=Brightness().eval())
    answer = lambda images: holder._training(images)  # noqa: E731
    assert _training.training
    assert open_callable(answer, "mine").answer(IMAGES).shape == (2, 4)


def test_cells_with_nothing_in_them_yet_are_passed_over():
    def answer(images):
        return later(images) if len(images) > 9 else _network(images)

    assert open_callable(answer, "mine").sha256
    later = None


def test_code_and_structure_tell_networks_of_the_same_weights_apart():
    one, other = (lambda images: images.float().mean((2, 3)), lambda images: -images.float().mean((2, 3)))  # fmt: skip
    assert open_callable(one, "mine").sha256 != open_callable(other, "mine").sha256
    kinds = [(stride, act) for stride in (1, 2) for act in (nn.ReLU(), nn.Tanh())]
    networks = [nn.Sequential(nn.Conv2d(3, 4, 1, stride=stride), act) for stride, act in kinds]
    for network in networks:
        network.load_state_dict(networks[0].state_dict())
    assert len({hash_of_network(network) for network in networks}) == 4


def test_weights_of_other_kinds_are_hashed_too():
    with warnings.catch_warnings(action="ignore"):
        quantised = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(3, 4)).eval(), dtype=torch.qint8)
        lazy = nn.LazyLinear(3)
    sparse = nn.Linear(3, 4)
    sparse.weight = nn.Parameter(sparse.weight.detach().to_sparse())
    assert len({hash_of_weights(each) for each in (quantised, sparse, nn.Linear(3, 4))}) == 3
    with pytest.raises(ModelError, match="not there yet"):
        hash_of_weights(lazy)
