"""Any model that can be benchmarked can play, each with its own classes."""

import dataclasses

import onnx
import pytest
import torch
from onnx import TensorProto, helper

from rugged.core.errors import ModelError
from rugged.data import ClassInfo
from rugged.models import ModelSpec, build, imagenet_names
from rugged.models.spec import to_metadata
from rugged.playground.players import side_for_drops


def test_a_run_and_its_model_file_are_the_same_player(dataset, make_run, open_models):
    run = make_run()
    folder, file = open_models(run, f"{run}/model.safetensors")
    assert folder.subject.facts.sha256 == file.subject.facts.sha256
    assert [info.name for info in folder.classes] == ["Ant", "Bee", "Crab", "Dove", "Eel", "Fox", "Gnu"]
    assert folder.notes == ()


def test_models_of_one_name_are_told_apart_by_their_paths(make_run, open_models):
    runs = make_run("a/same"), make_run("b/same")
    assert tuple(player.name for player in open_models(*runs)) == runs
    assert [player.name for player in open_models(runs[0])] == ["same"]


def test_a_model_of_other_classes_plays_and_says_so(make_run, open_models):
    (player,) = open_models(make_run(classes=("cat", "dog")))
    assert [info.id for info in player.classes] == ["cat", "dog"]
    (note,) = player.notes
    assert "The samples are of zoo, whose classes run does not know" in note


def test_dropped_pictures_get_the_size_of_the_data_or_of_the_model(dataset, make_run, open_models):
    small = dataclasses.replace(dataset, train=dataclasses.replace(dataset.train, images=dataset.train.images[:, 4:20]))
    run = make_run()
    own = [dataclasses.replace(info, name=info.id.title()) for info in dataset.classes]
    assert side_for_drops(open_models(run), dataclasses.replace(small, classes=tuple(own))) == 16
    assert side_for_drops(open_models(make_run("pets", classes=("cat", "dog"))), small) == 32


def test_published_networks_answer_for_all_thousand_or_those_of_the_data(dataset, open_models, monkeypatch):
    def untrained(name, classes, **_):
        torch.manual_seed(0)
        return build(name, classes)

    monkeypatch.setattr("rugged.engine.networks.build", untrained)
    (player,) = open_models("timm/resnet10t.c3_in1k")
    assert len(player.classes) == 1000
    assert player.classes[1] == ClassInfo("n01443537", "goldfish")
    wnids = dataclasses.replace(dataset, classes=(ClassInfo("n01443537", "my fish"), ClassInfo("n02123045", "my cat")))
    (fewer,) = open_models("timm/resnet10t.c3_in1k", data=wnids)
    assert fewer.classes == wnids.classes
    images = torch.randint(256, (1, 3, 32, 32), dtype=torch.uint8)
    assert torch.equal(fewer.subject.answer(images), player.subject.answer(images)[:, [1, 281]])


def test_imagenets_names_are_in_the_order_of_its_outputs():
    names = imagenet_names()
    assert list(names) == sorted(names)
    assert [names[wnid] for wnid in ("n01440764", "n01443537", "n07747607")] == ["tench", "goldfish", "orange"]


def test_a_function_plays_without_maps(open_models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine_to_play.py").write_text(
        "def answer(images):\n    return images.float().mean((2, 3)).repeat(1, 3)[:, :7]\n"
    )
    (player,) = open_models("mine_to_play:answer")
    assert player.layer is None
    assert any("no network inside for Grad-CAM" in note for note in player.notes)
    assert len(player.classes) == 7


def test_an_onnx_file_that_names_its_classes_answers_for_them(dataset, open_models, tmp_path):
    """One that names none answers for those of the data, or is refused."""
    shapes = {"pixels": ("N", 3, 32, 32), "logits": ("N", 3)}
    entry, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items())
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "means", [entry], [result])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9)
    onnx.save(model, tmp_path / "silent.onnx")
    helper.set_model_props(model, to_metadata(ModelSpec("colours", ("r", "g", "b"), ("Red", "Green", "Blue"), 32)))
    onnx.save(model, tmp_path / "named.onnx")
    (player,) = open_models(str(tmp_path / "named.onnx"))
    assert [info.name for info in player.classes] == ["Red", "Green", "Blue"]
    assert player.subject.answer(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape == (2, 3)
    assert any("whose classes named does not know" in note for note in player.notes)
    with pytest.raises(ModelError, match=r"expected \(2, 7\)"):
        open_models(str(tmp_path / "silent.onnx"))
    three = dataclasses.replace(dataset, classes=dataset.classes[:3])
    (player,) = open_models(str(tmp_path / "silent.onnx"), data=three)
    assert player.classes == three.classes


@pytest.mark.parametrize(
    ("model", "message"),
    [("resnet19", "no run folder, model file or callable resnet19"), ("no.safetensors", "no model")],
)
def test_what_is_no_model_is_refused(open_models, model, message):
    with pytest.raises(ModelError, match=message):
        open_models(model)
