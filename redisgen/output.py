"""Write texts into a folder, whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import BinaryIO, NamedTuple

from redisgen.findings import RedisgenError
from redisgen.folder import JOURNAL, LOCK, WORK, Difference, Owned, compare, lock_of, owned_in
from redisgen.unified import unified

Progress = Callable[[list[tuple[Path, Difference]]], Iterable[tuple[Path, Difference]]]

_PATIENCE = 20.0  # seconds that a run waits for another one


class Written(NamedTuple):
    """What a run did: the files it wrote and removed, and whether it made an interrupted run good."""

    changed: list[str]
    removed: list[str]
    repaired: bool


def write(texts: Mapping[str, str], folder: Path, force: bool = False, shown: Progress = iter) -> Written:
    """Make the files that redisgen owns in `folder` those of `texts`; the folder is made if missing.

    Every text is on disk before the first one takes its place, and a journal says so: a run that is killed earlier
    leaves the old folder, and one that is killed later a folder of which the next run knows what redisgen wrote. Files
    that are as wanted are left alone. Raises RedisgenError, with nothing changed, when a name is taken by a file that
    redisgen did not write, or that was edited since, unless `force`, or when the texts cannot be written.
    """
    try:
        with _alone(folder) as work:
            return _write(texts, folder, work, force, shown)
    except OSError as error:
        half = (folder / JOURNAL).is_file()
        hint = "; some files are new, some old: mend that and render again, which makes the folder whole" * half
        raise RedisgenError(f"cannot write {error.filename or folder}: {error.strerror}{hint}") from error


def _write(texts: Mapping[str, str], folder: Path, work: Path, force: bool, shown: Progress) -> Written:
    interrupted = (folder / JOURNAL).exists()
    owned = owned_in(folder, lenient=force)
    differences = compare(texts, folder, owned)
    _refuse(differences, folder, force)
    changed = [one for one in differences if one.wanted is not None]
    removed = [one.name for one in differences if one.wanted is None]
    written = Written([one.name for one in changed], removed, interrupted)
    lock = lock_of(texts).encode()
    if not (differences or interrupted) and (folder / LOCK).exists() and (folder / LOCK).read_bytes() == lock:
        return written

    staged = [(work / str(number), one) for number, one in enumerate(changed)]
    parents = list(dict.fromkeys((folder / name).parent for name in (*written.changed, *removed)))
    _check_writable(parents, folder)
    for path, one in shown(staged):
        path.write_bytes((one.wanted or "").encode())
    (work / "lock").write_bytes(lock)
    (work / "journal.new").write_bytes(_journal(lock, owned))
    (work / "journal.new").replace(folder / JOURNAL)
    try:
        _make_folders(parents)
    except OSError:
        if not interrupted:
            (folder / JOURNAL).unlink()
        raise
    for path, one in staged:
        path.replace(folder / one.name)
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    for name in owned.keys() - texts.keys():
        _remove_empty((folder / name).parent, folder)
    (work / "lock").replace(folder / LOCK)
    (folder / JOURNAL).unlink()
    return written


def _journal(lock: bytes, owned: Owned) -> bytes:
    # Whatever moment the run is killed at, a file is what some run wrote: this one, or one before it.
    before = [f"{digest}  {name}\n" for name, digests in sorted(owned.items()) for digest in sorted(digests)]
    return lock + "".join(before).encode()


def _refuse(differences: list[Difference], folder: Path, force: bool) -> None:
    refused = []
    for one in differences:
        if one.kind == "foreign":
            refused.append(f"{folder / one.name} was not written by redisgen; move it away, or choose another folder")
        elif one.kind == "edited" and not force:
            refused.append(
                f"{folder / one.name} was edited since redisgen wrote it; put the change into the values, "
                f"or give it up with --force\n{unified(one, folder)}".rstrip("\n")
            )
    if refused:
        raise RedisgenError("\n".join(["nothing is written:", *refused]))


def _check_writable(parents: Iterable[Path], folder: Path) -> None:
    device = folder.stat().st_dev
    for parent in parents:
        there = next(path for path in (parent, *parent.parents) if path.exists())
        if not os.access(there, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise RedisgenError(f"cannot write {there}: Permission denied")
        if there.stat().st_dev != device:
            raise RedisgenError(f"{there} is on another file system than {folder}; no file can be moved there whole")


def _make_folders(parents: Iterable[Path]) -> None:
    """Make the folders with those above them, or none of them."""
    made: list[Path] = []
    try:
        for parent in parents:
            missing = [path for path in (parent, *parent.parents) if not path.exists()]
            for path in reversed(missing):
                path.mkdir()
                made.append(path)
    except OSError:
        for path in reversed(made):
            path.rmdir()
        raise


def _remove_empty(path: Path, folder: Path) -> None:
    while path != folder:
        try:
            path.rmdir()
        except FileNotFoundError:  # by a run that was interrupted
            pass
        except OSError:
            return
        path = path.parent


@contextmanager
def _alone(folder: Path) -> Iterator[Path]:
    """Keep every other run out of the folder, and leave nothing of this one but the journal of an unfinished change."""
    if folder.exists() and not folder.is_dir():
        raise RedisgenError(f"{folder} is a file; it should be a folder")
    work = folder / WORK
    if work.is_symlink():
        raise RedisgenError(f"{work} is a symlink; it should be a folder")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        busy = _locked(work)
        try:
            _clear(work)
            yield work
        finally:
            _clear(work)
            _unlock(busy, work)
    except BaseException:
        for path in made:
            with suppress(OSError):
                path.rmdir()
        raise


def _clear(work: Path) -> None:
    for path in work.iterdir():
        # What redisgen put there, and nothing else.
        if path.name.isdecimal() or path.name in ("lock", "journal.new"):
            path.unlink()


def _locked(work: Path) -> BinaryIO:
    """Take the lock that the system drops when a process ends, however it ends."""
    deadline = monotonic() + _PATIENCE
    while True:
        # The run before may be just clearing up: what it removes between two steps of ours is made anew.
        with suppress(FileNotFoundError, FileExistsError):
            work.mkdir(parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
            busy = os.fdopen(os.open(work / "busy", flags, 0o644), "r+b")
            if _try_lock(busy.fileno()) and _is_at(work / "busy", busy):
                return busy
            busy.close()
        if work.is_file():
            raise RedisgenError(f"{work} is a file; it should be a folder")
        if monotonic() > deadline:
            raise RedisgenError(f"another redisgen is writing into {work.parent}; try again when it is done")
        sleep(0.01)


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Say whether an open file still has its name, or was removed and a third run made another."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _unlock(busy: BinaryIO, work: Path) -> None:
    with suppress(OSError):
        (work / "busy").unlink()
    busy.close()
    with suppress(OSError):
        if sys.platform == "win32":  # which removes no open file
            (work / "busy").unlink()
        work.rmdir()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
