"""HTML that says what a look holds, and nothing that a file's name could smuggle in."""

import base64
import dataclasses
import io
import re

import numpy as np
import pytest
from PIL import Image

from rugged.data import ClassInfo
from rugged.playground.drawing import attention, data_uri, draw_head, draw_look, draw_problem, draw_samples, verdict
from rugged.playground.looking import Opinion, Sight, look
from rugged.playground.pictures import samples
from rugged.predict import Guess

NASTY = '"><script>alert(1)</script>'
ESCAPED = "&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"


def opinion(*answers, drift=None, maps=True):
    """With one answer for each picture."""
    heat = np.zeros((2, 2, 3), np.uint8) if maps else None
    sights = tuple(Sight((Guess(name, name, probability),), heat) for name, probability in answers)
    return Opinion(None, sights, drift, ())


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ([("cat", 0.931)], "Says cat, 93%."),
        ([("cat", 0.931), ("cat", 0.412)], "Still cat: 93%, then 41%."),
        ([("cat", 0.9996), ("dog", 0.004)], "Changes its mind: cat >99%, then dog <1%."),
        ([("cat", 1.0), ("dog", 0.5)], "Changes its mind: cat 100%, then dog 50%."),
    ],
)
def test_verdicts(answers, sentence):
    assert verdict(opinion(*answers)) == sentence


def test_what_is_said_of_the_attention():
    both = ("cat", 0.9), ("dog", 0.8)
    assert attention(opinion(*both, drift=0.256)) == "Grad-CAM for cat: the attention drifts by 0.26."
    assert "nothing speaks for it" in attention(opinion(*both, drift=float("nan")))
    assert attention(opinion(both[0])) == "Grad-CAM for cat."
    assert attention(opinion(*both, maps=False)) == ""


def test_pictures_stand_in_the_page_pixel_by_pixel():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    kind, _, data = data_uri(pixels).partition(",")
    assert kind == "data:image/png;base64"
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)


def test_a_look_shows_its_pictures_answers_and_the_right_class(dataset, make_run, open_models, ice):
    picture = samples(dataset, 1)[0]
    seen = look(open_models(make_run(), make_run("other", seed=1)), picture, "pixelate", 2, 5, ice)
    text = draw_look(seen)
    for shown in seen.shown:
        assert data_uri(shown.pixels) in text
    for sight in (sight for one in seen.opinions for sight in one.sights):
        assert data_uri(sight.attention) in text
    assert len(re.findall(r"<li", text)) == 20
    assert text.count('class="right"') == sum(
        guess.id == picture.label for one in seen.opinions for sight in one.sights for guess in sight.top
    )
    assert "Pixelate, severity 2" in text
    assert "preset cifar32 · seed 5" in text


def test_names_of_files_classes_and_models_are_escaped(dataset, make_run, open_models, ice):
    (player,) = open_models(make_run())
    classes = tuple(ClassInfo(info.id, NASTY) for info in player.classes)
    player = dataclasses.replace(player, name=NASTY, classes=classes, notes=(NASTY,))
    picture = dataclasses.replace(samples(dataset, 1)[0], caption=NASTY, changes=(NASTY,))
    drawn = (
        draw_look(look([player], picture, "fog", 1, 0, ice)),
        draw_samples([picture], None),
        draw_head([player]),
        draw_problem(NASTY),
    )
    for text in drawn:
        assert "<script" not in text
        assert ESCAPED in text


def test_one_sample_is_pressed_at_most(dataset):
    pictures = samples(dataset, 3)
    assert re.findall(r'aria-pressed="(\w+)"', draw_samples(pictures, 1)) == ["false", "true", "false"]
    assert re.findall(r'aria-pressed="(\w+)"', draw_samples(pictures, None)) == ["false"] * 3


def test_no_problem_draws_nothing():
    assert draw_problem("").strip() == ""
    assert 'role="alert"' in draw_problem("Something is wrong.")
