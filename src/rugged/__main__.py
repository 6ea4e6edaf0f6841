"""``python -m rugged`` is the same as ``rugged``."""

from rugged.cli import main

if __name__ == "__main__":
    main()
