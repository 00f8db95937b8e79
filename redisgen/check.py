"""Hold a folder against what the values render, and say how it differs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from redisgen.findings import RedisgenError
from redisgen.folder import JOURNAL, LOCK, Difference, InvalidLock, Kind, Owned, compare, lock_of, owned_in
from redisgen.unified import unified

# Line endings that no setting of Git on anyone's machine changes.
GIT_ATTRIBUTES = "* text eol=lf"

_SENTENCES: dict[Kind, str] = {
    "missing": "is missing",
    "outdated": "is not what the values render now",
    "edited": "was edited since redisgen wrote it",
    "stale": "is not rendered any more",
    "foreign": "was not written by redisgen",
    "line-endings": "has CRLF line endings, as a Git checkout makes them",
    "lock": "does not name what redisgen wrote here",
    "interrupted": "is left of a run that was interrupted",
}
# What kubectl and GitOps tools take for a manifest. A kustomization over the folder is fine.
_MANIFEST = re.compile(r"(?!kustomization\.)[^.].*\.(yaml|yml|json)")


class Report(NamedTuple):
    """How a folder differs from what the values render, and what mends it."""

    folder: Path
    differences: list[Difference]
    advice: list[str]


def check(texts: Mapping[str, str], folder: Path, command: str, values: Collection[Path] = ()) -> Report:
    """Compare the folder with the texts, writing nothing; `command` renders it, and takes --force.

    Manifests that redisgen did not write are differences, too, but for the files of `values`. Other files are nobody's
    business. Raises RedisgenError where there is no folder, or something at a name that is no plain file.
    """
    if not folder.is_dir():
        raise RedisgenError(f"there is no folder {folder}; make it with: {command}")
    try:
        owned, invalid = owned_in(folder), False
    except InvalidLock:
        owned, invalid = owned_in(folder, lenient=True), True
    differences = compare(texts, folder, owned)
    differences += _foreign(folder, {*texts, *owned}, {path.resolve() for path in values})
    differences += _state(texts, folder, owned, invalid, bool(differences))
    return Report(folder, differences, list(_advice(differences, folder, command, invalid)))


def formatted(report: Report, style: str) -> str:
    """Return the report as `text`, `json`, `github` (workflow commands) or `markdown`."""
    return {"text": _text, "json": _json, "github": _github, "markdown": _markdown}[style](report)


def _foreign(folder: Path, known: set[str], values: set[Path]) -> Iterator[Difference]:
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(one for one in folders if not one.startswith(".") and (here / one).resolve() not in values)
        for file in sorted(files):
            name = (here / file).relative_to(folder).as_posix()
            if name not in known and _MANIFEST.fullmatch(file) and (here / file).resolve() not in values:
                yield Difference(name, "foreign")


def _state(texts: Mapping[str, str], folder: Path, owned: Owned, invalid: bool, differs: bool) -> Iterator[Difference]:
    if (folder / JOURNAL).exists():
        yield Difference(JOURNAL, "interrupted")
        return
    try:
        lock = (folder / LOCK).read_text("utf-8", "replace")  # with CRLF taken for LF
    except FileNotFoundError:
        yield Difference(LOCK, "missing")
        return
    # That the lock follows the files when the values change goes without saying.
    if invalid or (lock != lock_of(texts) and not (differs and _would_be(owned) == lock)):
        yield Difference(LOCK, "lock")


def _would_be(owned: Owned) -> str:
    """Return the lock as redisgen would have written it."""
    head = lock_of({})
    return head + "".join(f"{digest}  {name}\n" for name, found in sorted(owned.items()) for digest in sorted(found))


def _advice(differences: list[Difference], folder: Path, command: str, invalid: bool) -> Iterator[str]:
    kinds = {one.kind for one in differences}
    unknown = [str(folder / one.name) for one in differences if one.kind == "foreign"]
    if unknown:
        yield f"move away, since redisgen touches no file of others: {', '.join(unknown)}"
    if kinds - {"foreign"} or any(one.kind == "foreign" and one.wanted for one in differences):
        lost = " (which gives up what was edited)" * ("edited" in kinds)
        yield f"to mend it: {command}{' --force' * (invalid or 'edited' in kinds)}{lost}"
    if "line-endings" in kinds:
        yield f"to keep Git from it, put this line into {folder / '.gitattributes'}: {GIT_ATTRIBUTES}"


def _message(one: Difference) -> str:
    return _SENTENCES[one.kind]


def _diff(one: Difference, folder: Path) -> str:
    if one.kind in ("line-endings", "lock", "interrupted") or (one.found is None and one.wanted is None):
        return ""
    return unified(one, folder)


def _text(report: Report) -> str:
    folder = report.folder
    return "".join(f"{folder / one.name} {_message(one)}\n{_diff(one, folder)}" for one in report.differences)


def _json(report: Report) -> str:
    differences = [
        {
            "file": (report.folder / one.name).as_posix(),
            "kind": one.kind,
            "message": _message(one),
            "diff": _diff(one, report.folder) or None,
        }
        for one in report.differences
    ]
    data = {"folder": report.folder.as_posix(), "differences": differences, "advice": report.advice}
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def _github(report: Report) -> str:
    lines = []
    for one in report.differences:
        diff = _diff(one, report.folder)
        hunk = re.search(r"^@@ -(\d+)", diff, re.MULTILINE)
        path = _escaped((report.folder / one.name).as_posix()).replace(":", "%3A").replace(",", "%2C")
        place = f"file={path}" + (f",line={max(int(hunk[1]), 1)}" if hunk and one.found is not None else "")
        text = "\n".join([f"{report.folder / one.name} {_message(one)}", *report.advice, diff]).rstrip("\n")
        lines.append(f"::error {place},title=redisgen check::{_escaped(text)}\n")
    return "".join(lines)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _markdown(report: Report) -> str:
    if not report.differences:
        return f"`{report.folder}` is what the values render.\n"
    count = len(report.differences)
    files = f"{count} files differ" if count > 1 else "1 file differs"
    lines = [f"**`{report.folder}` is not what the values render: {files}.**\n"]
    lines += [f"- {advice}" for advice in report.advice]
    for one in report.differences:
        diff = _diff(one, report.folder)
        lines.append(f"\n`{report.folder / one.name}` {_message(one)}")
        if diff:
            # Longer than any fence in the file.
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", diff)), default=0))
            lines.append(f"\n{fence}diff\n{diff}{fence}")
    return "\n".join(lines) + "\n"
