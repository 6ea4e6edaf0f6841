"""What ``import rugged`` offers."""

import subprocess
import sys

import pytest

import rugged


@pytest.mark.parametrize("name", rugged.__all__)
def test_every_public_name_is_there(name):
    assert getattr(rugged, name) is not None
    assert name in dir(rugged)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = rugged.nonsense


def test_names_that_need_no_torch_come_without_it():
    names = "rugged.read_summary, rugged.write_report, rugged.mean_corruption_error"
    code = f"import sys, rugged; {names}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
