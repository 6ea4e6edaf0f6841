"""The Python examples of the pages that promise to run, as they are written."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "docs/extending.md", "docs/corruptions.md"]


@pytest.mark.parametrize("page", PAGES)
def test_examples_run_one_after_the_other(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    names = {}
    for example in examples:
        exec(compile(example, page, "exec"), names)
