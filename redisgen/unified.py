"""Show how a file differs from what is rendered."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redisgen.folder import Difference

# A file of someone else's may hold what a terminal would obey.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def unified(difference: Difference, folder: Path) -> str:
    """Return the unified diff from the file on disk to what is rendered; empty where line endings alone differ."""
    from difflib import unified_diff

    found = (difference.found or b"").decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    path = (folder / difference.name).as_posix()
    before = path if difference.found is not None else "/dev/null"
    after = f"{path} (rendered)" if difference.wanted is not None else "/dev/null"
    lines = unified_diff(_lines(found), _lines(difference.wanted or ""), before, after, lineterm="")
    shown = "".join(f"{line}\n" for line in lines)
    return _CONTROLS.sub(lambda match: f"\\x{ord(match[0]):02x}", shown)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] += "\n\\ No newline at end of file"
    else:
        lines.pop()
    return lines
