"""Three classes, four pictures: everything about them is worked out by hand."""

import pytest
from tests.analyze.cells import ANSWERS, LABELS, PROBABILITIES, cell_of

from rugged.results import Classes


@pytest.fixture
def cells():
    """Three classes, four pictures, two corruptions of the benchmark and an extra one, two severities."""
    return {
        key: cell_of(
            *key, LABELS, [(answer, *(c for c in range(3) if c != answer)) for answer in answers], PROBABILITIES
        )
        for key, answers in ANSWERS.items()
    }


@pytest.fixture
def classes():
    return Classes(("n1", "n2", "n3"), ("cat", "Lynx", "tea_pot"))
