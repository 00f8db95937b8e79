"""Write texts into a folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from redisgen.findings import RedisgenError


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write each text to its name below `folder`, which is made if missing; a file is the old or the new one, whole.

    All texts are on disk before the first takes its place. Raises RedisgenError when that cannot be.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for name, text in texts.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise RedisgenError(f"{target} is a folder; it should be a file")
            handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            staged.append((Path(temporary), target))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
        for done, target in staged:
            done.replace(target)
    except OSError as error:
        raise RedisgenError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    finally:
        for left, _ in staged:
            left.unlink(missing_ok=True)
