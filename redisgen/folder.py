"""A folder that redisgen owns files in: the lock that names them, and how it differs from what is rendered."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from redisgen.findings import RedisgenError

LOCK = ".redisgen.lock"
WORK = ".redisgen.tmp"  # of a run at work, or of one that was killed
JOURNAL = f"{WORK}/journal"

_HEAD = f"# The files that redisgen wrote here and may change or remove; sha256sum -c {LOCK} checks them.\n"
# Nothing hidden and no '..': a lock that someone else wrote must not lead redisgen to .git or out of the folder.
_ENTRY = re.compile(r"(?P<digest>[0-9a-f]{64})  (?P<name>(?!\.)[A-Za-z0-9._-]+(/(?!\.)[A-Za-z0-9._-]+)*)")
# Both sides of a conflict name what redisgen wrote: the next render mends the lock.
_CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")

Kind = Literal["missing", "outdated", "edited", "stale", "foreign", "line-endings", "lock", "interrupted"]
Owned = dict[str, set[str]]  # the digests of what redisgen may have written under each name


class InvalidLock(RedisgenError):  # noqa: N818  # it says what is the matter
    """The lock holds what redisgen never writes."""


class Difference(NamedTuple):
    """One file that is not as rendered; `found` is None where it is missing, `wanted` where none is rendered."""

    name: str
    kind: Kind
    found: bytes | None = None
    wanted: str | None = None


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content as the lock has it."""
    return sha256(content).hexdigest()


def lock_of(texts: Mapping[str, str]) -> str:
    """Return the lock of a folder that holds these texts: lines as sha256sum writes and checks them, sorted by name."""
    return _HEAD + "".join(f"{digest(text.encode())}  {name}\n" for name, text in sorted(texts.items()))


def owned_in(folder: Path, lenient: bool = False) -> Owned:
    """Read what redisgen owns in a folder: what its lock names, and the journal of a run that was killed.

    Raises InvalidLock for a line that redisgen never writes, unless `lenient`, which passes over it.
    """
    owned: Owned = {}
    for name in (LOCK, JOURNAL):
        path = folder / name
        for number, line in enumerate((_content(path) or b"").decode("utf-8", "replace").splitlines(), 1):
            entry = _ENTRY.fullmatch(line)
            if entry:
                owned.setdefault(entry["name"], set()).add(entry["digest"])
            elif line and not line.startswith("#") and not _CONFLICT.match(line) and not lenient:
                raise InvalidLock(f"{path}:{number}: not a line of redisgen's; restore the file, or use --force")
    return owned


def compare(texts: Mapping[str, str], folder: Path, owned: Owned) -> list[Difference]:
    """Say how the files of a folder differ from the texts, in the texts' order, then what is stale.

    Only plain files are read and no symlink is followed; anything else at a name raises RedisgenError.
    """
    differences = []
    folders: dict[Path, bool] = {folder: folder.is_dir()}
    for name in [*texts, *sorted(owned.keys() - texts.keys())]:
        path = folder / name
        found = _content(path) if _is_folder(path.parent, folders) else None
        wanted = texts.get(name)
        kind = _kind(found, wanted, owned.get(name))
        if kind:
            differences.append(Difference(name, kind, found, wanted))
    return differences


def _kind(found: bytes | None, wanted: str | None, digests: set[str] | None) -> Kind | None:
    if found is None:
        return None if wanted is None else "missing"
    plain = found.replace(b"\r\n", b"\n")
    if wanted is not None and plain == wanted.encode():
        return None if plain == found else "line-endings"
    if digests is None:
        return "foreign"
    if digests.isdisjoint((digest(found), digest(plain))):
        return "edited"
    return "stale" if wanted is None else "outdated"


def _content(path: Path) -> bytes | None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISREG(mode):
        return path.read_bytes()
    raise RedisgenError(f"{path} is {_what(mode)}; it should be a file")


def _is_folder(path: Path, known: dict[Path, bool]) -> bool:
    if path not in known:
        known[path] = _is_folder(path.parent, known) and _is_plain_folder(path)
    return known[path]


def _is_plain_folder(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        return True
    raise RedisgenError(f"{path} is {_what(mode)}; it should be a folder")


def _what(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symlink"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file" if stat.S_ISREG(mode) else "a device, pipe or socket"
