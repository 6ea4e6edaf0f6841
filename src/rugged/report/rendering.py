"""From a template and its values to a page that needs nothing else: our style sheet and script are written into it."""

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rugged.report.charts import percent


def render_page(template: str, **values: Any) -> str:
    """A whole HTML page as text.

    Args:
        template: Its file in ``templates``.
        values: What it shows; every page needs a ``title``.
    """
    style, script = _asset("report.css"), _asset("report.js")
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup(style),  # Both are our own files, without any value from a run.
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            **values,
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rugged.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    return environment


def _asset(name: str) -> str:
    return (resources.files("rugged.report") / "templates" / name).read_text(encoding="utf-8")
