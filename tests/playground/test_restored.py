"""A restorer in the playground: its picture stands third, and the models have their say about it."""

import numpy as np
import pytest
import torch
from torch import nn

from rugged.benchmark.variants import open_restorers
from rugged.engine import make_fabric
from rugged.models import RestorerSpec, make_restorer, save_restorer
from rugged.playground.drawing import draw_look, verdict
from rugged.playground.looking import Opinion, Sight, look
from rugged.playground.pictures import samples
from rugged.predict import Guess


@pytest.fixture
def gan(tmp_path):
    """One that adds 30 levels to every value, and says that it learned to undo fog."""
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=(), corruptions=("fog",))
    network = make_restorer(spec)
    nn.init.constant_(network.head[-1].bias, 60 / 255)
    for parameter in network.damage.parameters():
        nn.init.zeros_(parameter)
    save_restorer(tmp_path / "gan.safetensors", network, spec)
    return open_restorers([tmp_path / "gan.safetensors"], make_fabric("cpu", "fp32"))[0]


def test_the_restored_picture_stands_third_with_the_answers_to_it(dataset, make_run, open_models, ice, gan):
    players, picture = open_models(make_run()), samples(dataset, 2)[1]
    seen, plain = (look(players, picture, "fog", 3, 0, ice, one) for one in (gan, None))
    assert [shown.title for shown in seen.shown] == ["Clean", "Fog, severity 3", "Restored by gan"]
    foggy, restored = (shown.pixels.astype(int) for shown in seen.shown[1:])
    np.testing.assert_allclose(restored, np.minimum(foggy + 30, 255), atol=1)
    (opinion,), (before,) = seen.opinions, plain.opinions
    assert opinion.drift == pytest.approx(before.drift, abs=1e-5)  # Of the corrupted picture, as ever.
    batch = torch.from_numpy(seen.shown[2].pixels.copy()).permute(2, 0, 1)[None]
    own = players[0].subject.answer(batch).softmax(1)[0]
    assert opinion.sights[2].top[0].probability == pytest.approx(float(own.max()), rel=1e-3)
    assert "gan learned to undo Fog." in seen.notes
    assert look(players, picture, "snow", 3, 0, ice, gan).notes == look(players, picture, "snow", 3, 0, ice).notes
    html = draw_look(seen)
    assert html.count("<figure>") == 3
    assert 'class="pair three"' in html


def test_a_clean_picture_is_restored_too(dataset, make_run, open_models, ice, gan):
    seen = look(open_models(make_run()), samples(dataset, 1)[0], "fog", 0, 0, ice, gan)
    assert [shown.title for shown in seen.shown] == ["Clean", "Restored by gan"]
    assert seen.opinions[0].drift is None


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([("cat", 0.931), ("cat", 0.5)], "Says cat, 93%. Restored: cat, 50%."),
        ([("cat", 0.9), ("dog", 0.6), ("cat", 0.7)], "Changes its mind: cat 90%, then dog 60%. Restored: cat, 70%."),
    ],
)
def test_verdicts(answers, sentence):
    sights = tuple(Sight((Guess(name, name, probability),), None) for name, probability in answers)
    assert verdict(Opinion(None, sights, None, (), restored=True)) == sentence
