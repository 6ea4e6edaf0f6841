"""What is said and shown of held-out pairs."""

import math

import pytest
import torch

from rugged.engine import Restorer, make_fabric
from rugged.models import RestorerSpec, make_restorer
from rugged.restore.looking import look
from rugged.restore.pairs import HeldOut

SPEC = RestorerSpec(width=4, blocks=(1,), blocks_up=())


def test_of_an_untrained_restorer_the_figures_are_those_of_doing_nothing():
    """Thirty levels apart everywhere: 20 log10(255 / 30) dB; and 60 dB at most for what is the same."""
    whole = torch.full((3, 3, 64, 64), 100, dtype=torch.uint8)
    clean = whole[..., 8:24, 8:24]  # A square that is shown of larger pictures.
    restorer = Restorer(make_restorer(SPEC).eval(), SPEC, "", make_fabric("cpu", "fp32"))
    figures, shown = look(restorer, [HeldOut("nothing", clean, None), HeldOut("Fog 3", clean, clean + 30)], None)
    apart = pytest.approx(20 * math.log10(255 / 30))
    assert figures == {"clean_psnr": 60, "psnr": apart, "psnr_before": apart}
    assert [column.title for column in shown] == ["nothing", "Fog 3"]
    pictures = [picture for column in shown for picture in column.pictures]
    assert {picture.shape for picture in pictures} == {(16, 16, 3)}
    assert all(picture.base is None for picture in pictures)  # Nothing else is kept in memory by them.
