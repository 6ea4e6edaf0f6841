"""What ``import rugged`` offers."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import rugged


@pytest.mark.parametrize("name", rugged.__all__)
def test_every_public_name_is_there(name):
    assert getattr(rugged, name) is not None
    assert name in dir(rugged)


def test_type_checkers_see_every_public_name_where_it_is_from():
    """They read the source, and take what is only imported on first use for anything at all."""
    tree = ast.parse(Path(rugged.__file__).read_text(encoding="utf-8"))
    (block,) = [each for each in tree.body if isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"]
    seen = {name.asname: getattr(import_module(each.module), name.name) for each in block.body for name in each.names}
    assert seen == {name: getattr(rugged, name) for name in rugged.__all__ if name != "__version__"}


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = rugged.nonsense


def test_names_that_need_no_torch_come_without_it():
    names = "rugged.read_summary, rugged.write_report, rugged.mean_corruption_error"
    code = f"import sys, rugged; {names}; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_modules_are_reached_without_an_import_of_their_own():
    code = "import rugged; print(rugged.analyze.read_run.__name__, rugged.train.train.__name__)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "read_run train\n"
