"""Writes each guide as a notebook, for Jupyter and Colab: `make notebooks`. The guide is the one to edit."""

import json
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell

DOCS = Path(__file__).parents[1]

INSTALL = """# In Colab: where rugged comes from, such as "git+https://…" with the address of its repository.
RUGGED = ""
if RUGGED:
    %pip install --quiet {RUGGED}"""


def as_notebook(guide: Path) -> str:
    """The notebook of a guide, as JSON."""
    notebook = jupytext.read(guide)
    notebook.cells.insert(1, new_code_cell(INSTALL))
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{guide.stem}-{number}"  # nbformat draws them at random
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.validate(notebook)
    return json.dumps(notebook, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write them all."""
    for guide in sorted(DOCS.glob("guides/*.md")):
        (DOCS / "notebooks" / f"{guide.stem}.ipynb").write_text(as_notebook(guide), encoding="utf-8")


if __name__ == "__main__":
    main()
