"""Text for CSV files that people open in a spreadsheet."""

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def as_text(cell: str) -> str:
    """Make a spreadsheet show ``cell`` instead of computing it.

    A name such as ``=cmd()`` comes from whoever made the folder, so an apostrophe goes before what would be a formula.
    """
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
