"""``rugged models`` as a person meets it."""

import json
import re
import subprocess
import sys

import pytest
import timm
import torchvision

from rugged.cli import main
from rugged.models.listing import RECOMMENDED, Cost

TORCHVISION = torchvision.models.list_models(module=torchvision.models)


@pytest.fixture
def models(monkeypatch, capfd):
    def run(*arguments):
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setattr(sys, "argv", ["rugged", "models", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return ended.value.code or 0, out, err

    return run


def rows(text):
    """Cells by name: columns are at least two spaces apart."""
    split = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    return {cells[0]: cells[1:] for cells in split if "/" in cells[0] and len(cells) > 2}


def test_the_overview_is_one_screen_with_what_is_recommended(models):
    code, out, _ = models()
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 35
    assert set(rows(out)) == {name for names in RECOMMENDED.values() for name in names}
    assert rows(out)["torchvision/resnet18"] == ["IMAGENET1K_V1", "224", "11.69 M", "1.81 G"]
    assert f"{len(TORCHVISION)} of torchvision, {len(timm.list_models()):,} of timm." in out
    assert "FLOPs are twice the multiply-adds" in out


def test_every_search_of_the_overview_finds_something(models, monkeypatch):
    monkeypatch.setattr("rugged.models.listing.measure", lambda *_: Cost(1, 1))
    commands = [line.split("  ")[0] for line in models()[1].replace("  rugged models", "rugged models").splitlines()]
    searches = [command.split()[2:] for command in commands if command.startswith("rugged models ")]
    assert len(searches) == 4
    for search in searches:
        code, out, _ = models(*(word.strip("'") for word in search))
        assert code == 0
        assert rows(out)


def test_a_search_shows_weights_size_and_cost(models):
    code, out, _ = models("resnet18", "--classes", "200")
    assert code == 0
    found = rows(out)
    assert found["rugged/resnet18_64"] == ["–", "64", "11.27 M", "2.22 G"]
    assert found["torchvision/resnet18"] == ["IMAGENET1K_V1", "224", "11.28 M", "1.81 G"]
    assert found["timm/resnet18"][0] == f"a1_in1k + {len(timm.list_models('resnet18.*', pretrained=True)) - 1}"
    assert "For 200 classes and the size under Input." in out


def test_another_size(models):
    _, out, _ = models("vit_tiny_patch16_2", "--size", "64")
    assert "pictures of 64 × 64" in out
    assert rows(out)["timm/vit_tiny_patch16_224"][-1] == "–"
    assert "–: not a network for pictures of this size." in out


def test_many_are_names_without_cost(models):
    _, out, _ = models("torchvision/", "--size", "32")
    assert len(rows(out)) == len(TORCHVISION)
    assert all(len(cells) == 2 for cells in rows(out).values())
    assert out.startswith(f"{len(TORCHVISION)} architectures\n")
    assert "More than 30" in out


def test_names_are_never_cut(models):
    longest = max(timm.list_pretrained(), key=len)
    assert f"timm/{longest}" in rows(models(longest)[1])


def test_json_has_exact_figures(models):
    _, out, _ = models("torchvision/resnet1", "--json")
    answer = json.loads(out)
    weights = torchvision.models.get_model_weights("resnet18").DEFAULT
    (resnet18,) = [each for each in answer["architectures"] if each["name"] == "torchvision/resnet18"]
    assert resnet18["parameters"] == weights.meta["num_params"]
    assert resnet18 == {
        "name": "torchvision/resnet18",
        "weights": ["IMAGENET1K_V1"],
        "input_size": 224,
        "parameters": 11_689_512,
        "multiply_adds": 1_814_073_344,
    }
    assert (answer["classes"], answer["size"]) == (1000, None)


def test_json_of_everything_names_everything(models):
    every = json.loads(models("--json")[1])["architectures"]
    assert {f"torchvision/{name}" for name in TORCHVISION} <= {each["name"] for each in every}
    assert {each["parameters"] for each in every} == {None}


def test_all_with_weights(models):
    code, out, _ = models("--pretrained")
    assert code == 0
    assert "rugged/" not in out
    assert "timm/resnet18 " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("resnt18",), "Did you mean"),
        (("rugged/*", "--pretrained"), "none has pretrained weights"),
    ],
)
def test_nothing_found_is_one_message_and_status_one(models, arguments, message):
    code, out, err = models(*arguments)
    assert (code, out) == (1, "")
    assert message in err


def test_help_loads_no_network():
    program = "import sys; sys.argv = ['rugged', 'models', '--help']; from rugged.cli import main\n"
    program += "try: main()\nexcept SystemExit: print('timm' in sys.modules or 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"
