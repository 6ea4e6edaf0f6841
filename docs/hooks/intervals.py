"""Keeps an interval on one line in tables: `(35.6–37.5)` broken at its dash reads as two figures."""

import re

CELL = re.compile(r"<td.*?</td>", re.DOTALL)
INTERVAL = re.compile(r"\([−+]?\d[\d.,]*%?(?:–| to )[−+]?\d[\d.,]*%?\)")


def on_page_content(html: str, **_: object) -> str:
    """Wrap each interval in a cell."""
    return CELL.sub(lambda cell: INTERVAL.sub(r'<span class="interval">\g<0></span>', cell[0]), html)
