"""Texts that people read, kept in tests/golden: UPDATE_GOLDEN=1 rewrites them, and a reviewer reads the difference."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "golden"


def golden(name, text):
    """Whether `text` is what is kept under that name; both, for pytest to compare."""
    file = FOLDER / name
    if os.environ.get("UPDATE_GOLDEN") == "1":
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return text, file.read_text(encoding="utf-8")
