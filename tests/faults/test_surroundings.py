"""The same command under odd clocks, locales, homes and caches gives the same, or one message says what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def pictures(tmp_path):
    """Two classes with names in several scripts, one of them a decomposed form, as macOS writes it."""
    generator = np.random.default_rng(0)
    for name in ("кошка", "犬 e\u0301"):
        folder = tmp_path / "pictures" / name
        folder.mkdir(parents=True)
        for number in range(5):
            Image.fromarray(generator.integers(0, 256, (16, 16, 3), np.uint8)).save(folder / f"{number} ü.png")
    return tmp_path / "pictures"


def info(pictures: Path, **surroundings: str | None) -> tuple[int, list[str], str]:
    """Status, the lines that name content, and what was said on the side."""
    environment = os.environ | {"RUGGED_CACHE": str(pictures.parent / "cache"), "OMP_NUM_THREADS": "1"}
    environment = {key: value for key, value in (environment | surroundings).items() if value is not None}
    ended = subprocess.run(
        [sys.executable, "-m", "rugged", "data", "info", str(pictures)],
        env=environment, cwd=pictures.parent, capture_output=True, timeout=120,
    )  # fmt: skip
    told = ended.stdout.decode("utf-8", "replace")
    return ended.returncode, [line for line in told.splitlines() if "content" in line], ended.stderr.decode()


@pytest.mark.parametrize(
    "surroundings",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
        {"TZ": "Pacific/Kiritimati"},
        {"HOME": None},
        {"COLUMNS": "1"},
        {"TERM": "dumb"},
    ],
    ids=lambda surroundings: " ".join(surroundings),
)
def test_surroundings_do_not_matter(surroundings, pictures):
    status, content, said = info(pictures, **surroundings)
    assert status == 0, said
    assert "Traceback" not in said
    assert content == info(pictures)[1] != []


def test_names_that_the_locale_has_no_letters_for_are_said_to_be_passed_over(pictures):
    """Where Python is kept from reading names as UTF-8, which it does in the C locale unless told otherwise."""
    status, _, said = info(pictures, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert status == 1
    assert "Passed over" in said
    assert "unusable name" in said


@pytest.mark.parametrize("moment", [0, 2**31, 4e9], ids=["1970", "2038", "2096"])
def test_dates_of_files_do_not_matter(moment, pictures):
    expected = info(pictures)[1]
    for path in pictures.rglob("*.png"):
        os.utime(path, (moment, moment))
    status, content, said = info(pictures)
    assert (status, content) == (0, expected), said


@pytest.mark.parametrize("place", ["a file", "/proc/nothing", "/dev/null/cache", "x" * 300])
def test_a_cache_that_cannot_be_written_is_one_message(place, pictures):
    (pictures.parent / "a file").touch()
    status, _, said = info(pictures, RUGGED_CACHE=place)
    assert status == 1, said
    assert sum(line.startswith("Error: ") for line in said.splitlines()) == 1, said
    assert "Traceback" not in said
