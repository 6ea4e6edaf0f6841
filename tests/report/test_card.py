"""The model card, read as a hub reads it and as a person does."""

import json
import re
from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from rugged.core.errors import ResultsError
from rugged.report.card import write_card
from rugged.results import Classes, RunFolder, read_classes, read_summary


@pytest.fixture
def card(tmp_path):
    """Writes the card of a run folder, and gives it as the hub's client reads it."""

    def card(folder, out=None, **options):
        run = RunFolder(folder)
        facts = options.pop("facts", None) or read_summary(run.summary).model
        classes = options.pop("classes", None) or read_classes(run.classes)
        return ModelCard.load(write_card(run, facts, classes, out or tmp_path / "card.md", replace=True, **options))

    return card


def test_a_hub_reads_figures_and_tags(pair, card):
    summary = read_summary(RunFolder(pair[0]).summary)
    data = card(pair[0]).data
    assert (data.license, data.library_name, data.pipeline_tag) == ("unknown", "rugged", "image-classification")
    assert "timm/resnet10t" in data.tags
    results = {result.metric_name: result for result in data.eval_results}
    assert results["Clean top-1"].metric_value == pytest.approx(100 * (1 - summary.clean.error), abs=0.006)
    assert results["Clean top-1"].dataset_name == "builtin"
    [mce] = [result for name, result in results.items() if name.startswith("mCE over 6 of 15, relative to")]
    assert mce.metric_value == pytest.approx(100 * summary.mce.value, abs=0.006)


def test_what_a_partial_figure_is_over_stands_in_its_name(make_run, tmp_path, card):
    """A hub shows name and value alone."""
    found = card(make_run(tmp_path / "run", severities=(1, 3), limit=200))
    assert [result.metric_name for result in found.data.eval_results] == [
        "Clean top-1, n = 200",
        "Mean corruption accuracy, 6 of the benchmark’s 15 corruptions, severities 1, 3, n = 200",
    ]
    assert "over 6 of the benchmark’s 15 corruptions, severities 1, 3; n = 200" in found.text


def test_the_table_holds_every_error(pair, card):
    summary = read_summary(RunFolder(pair[0]).summary)
    rows = re.findall(r"^\| ([^|]+) \| ([\d. |]+) \|$", card(pair[0]).text, re.MULTILINE)
    found = {name: [float(value) for value in values.split("|")] for name, values in rows}
    for label, name in (("Gaussian noise", "gaussian_noise"), ("JPEG compression", "jpeg_compression")):
        errors = summary.corruptions[name].error
        expected = [*errors, sum(errors) / 5, summary.corruptions[name].ce]
        assert found[label] == pytest.approx([100 * value for value in expected], abs=0.006)


def test_what_was_seen_in_training_is_said_as_such(make_run, tmp_path, card):
    text = card(make_run(tmp_path / "run", seen=("gaussian_noise", "speckle_noise"))).text
    assert "pictures: flip, crop, gaussian\\_noise, speckle\\_noise." in text
    assert "it has seen 2 in training: Gaussian noise, Speckle noise.**" in text
    innocent = card(make_run(tmp_path / "innocent")).text
    assert "it has seen none" in innocent
    assert "not known" not in innocent
    elsewhere = card(make_run(tmp_path / "elsewhere", seen=("published weights of timm/resnet10t",))).text
    assert "What it saw where others trained it is not known." in elsewhere


def test_the_manifest_tells_of_the_training_and_not_of_the_machine(make_run, tmp_path, card):
    folder = make_run(tmp_path / "run")
    manifest = {
        "dataset": {"name": "my_data", "content_hash": "cd" * 32, "notes": ["3 pictures set aside."]},
        "sessions": [{"command": "rugged train secret --out somebodys/runs"}],
        "epoch": 12,
        "seconds": 3900.0,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    text = card(folder).text
    assert f"- Data: my\\_data, content hash {'cd' * 32}." in text
    assert all(line in text for line in ("- 3 pictures set aside.", "- Epochs: 12.", "1 h 05 min"))
    assert "somebody" not in text
    assert "rugged benchmark runs/demo" not in text


@pytest.mark.parametrize(
    "manifest",
    [
        '{"seconds": null, "epoch": null}', '{"seconds": "x"}', '{"seconds": 1e999}', '{"dataset": 3}',
        '{"dataset": {"name": "my_data", "notes": 3}}', '{"dataset": {"name": "my_data", "notes": "abc"}}', "[]",
    ],
)  # fmt: skip
def test_what_is_amiss_in_a_manifest_is_left_out(make_run, tmp_path, card, manifest):
    folder = make_run(tmp_path / "run")
    without = card(folder).text
    (folder / "manifest.json").write_text(manifest)
    data = "- Data: my\\_data, content hash unknown.\n\n" if "my_data" in manifest else ""
    assert card(folder).text == without.replace("## Limits", f"{data}## Limits")


def test_no_note_of_the_data_stands_twice_and_preparations_are_one_line(make_run, tmp_path, card):
    notes = ["Held out.", *(f"Pictures converted from {mode} to RGB: 15." for mode in ("palette", "CMYK", "greyscale"))]
    folder = make_run(tmp_path / "run")
    (folder / "manifest.json").write_text(
        json.dumps({"dataset": {"name": "d", "notes": [*notes, "Only in training."]}})
    )
    path = RunFolder(folder).summary
    path.write_text(json.dumps(json.loads(path.read_text()) | {"notes": [*notes, "Frost is procedural."]}))
    text = card(folder).text
    assert "- Only in training." in text.partition("## Limits")[0]
    assert "converted" not in text
    assert all(
        text.count(note) == 1 for note in ("Held out.", "Frost is procedural.", "3 preparations of the pictures")
    )
    assert text.index("Frost is procedural.") < text.index("3 preparations")


def test_a_model_that_was_not_measured_has_a_card_too(pair, tmp_path, card):
    facts = read_summary(RunFolder(pair[0]).summary).model
    (tmp_path / "fresh").mkdir()
    found = card(tmp_path / "fresh", facts=facts, classes=Classes(("a", "b"), ("hen", "crane")))
    assert found.data.eval_results is None
    assert "Not measured yet." in found.text
    assert "2 classes" in found.text


def test_figures_of_another_model_are_refused(pair, card):
    facts = replace(read_summary(RunFolder(pair[0]).summary).model, sha256="00" * 32)
    with pytest.raises(ResultsError, match="about another model"):
        card(pair[0], facts=facts)


def test_names_stay_names(make_run, tmp_path, card):
    hostile = '"]: [x](http://x)\n- <script> | # `'
    found = card(make_run(tmp_path / "run", name=hostile, classes=("<b>", "a|b\n# c", *"defghijk")))
    assert found.data.model_name == hostile
    assert "<script>" not in found.text
    assert "<b>" not in found.text
    assert not re.search(r"^# c", found.text, re.MULTILINE)


def test_the_same_results_give_the_same_bytes(pair, tmp_path, card):
    for name in ("a.md", "b.md"):
        card(pair[0], tmp_path / name, repository="me/mine")
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()
    assert "rugged predict hf://me/mine photo.jpg" in (tmp_path / "a.md").read_text(encoding="utf-8")
