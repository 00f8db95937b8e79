"""How two sets of manifests differ, document by document and field by field, and what each change does."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from redisgen.amounts import quantity
from redisgen.change import MISSING, Change, Identity, at, directives, options
from redisgen.effects import MEANINGS, NEW_CLUSTER, RENAMED, Effect, Outcome, effect
from redisgen.manifests import Chunk, Manifests, documents

_OF_SERVER = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_COMMANDS = ("command", "args")
_CRD = "CustomResourceDefinition"
_SECRET_NAME = re.compile(r"(?i)pass(word|wd|phrase)?$|passw|secret(?!_?name)|token|requirepass|masterauth|auth-pass|"
                          r"api_?key|private_?key|credential|last-applied-configuration")  # fmt: skip
_SECRET_TEXT = re.compile(
    r"(?i)((?:requirepass|masterauth|auth-pass|password|passwd|token)[\"']?(?:\s*[=:]\s*|\s+))[^\s\"']+"
    r"|(://)[^/\s@]*@"
)
_HIDDEN = "(hidden)"
_LONGEST = 160
_MOST_MARKDOWN = 60_000  # a comment on GitHub takes 65,536 characters


class Judged(NamedTuple):
    """A change, with what it does."""

    change: Change
    effect: Effect


def compare(old: Manifests, new: Manifests) -> tuple[list[Judged], list[str]]:
    """Return every change from old to new with its effect, sorted by document, and what else is to be said."""
    same = {chunk.text for chunk in old.chunks} & {chunk.text for chunk in new.chunks}
    notes = [*old.notes, *new.notes]
    before, after = (_index(_apart(side, same), notes) for side in (old, new))
    passwords = _passwords(old, new) if any(one.kind == "Secret" for one in before | after) else frozenset()
    judged: list[Judged] = []
    renames = dict(_renames(before, after))
    renamed = set(renames.values())
    for identity in [*before, *(one for one in after if one not in before)]:
        if identity in renames:
            judged += _renamed(identity, renames[identity], before, after)
        elif identity not in renamed:
            left, right = before.get(identity, MISSING), after.get(identity, MISSING)
            judged += [
                Judged(change, effect(change))
                for path, was, now in _differences(identity, left, right)
                for change in [Change(identity, path, was, now, left, right, passwords)]
            ]
    return judged, notes


def worst(judged: Iterable[Judged]) -> Outcome:
    """Return the worst outcome of all changes."""
    return max((one.effect.outcome for one in judged), key=lambda outcome: outcome.rank, default=Outcome.NONE)


def as_text(judged: list[Judged]) -> str:
    """Return the changes for a terminal: each document, its fields grouped by what their change does, worst first."""
    lines = []
    for identity, changes in _by_document(judged).items():
        lines.append(str(identity))
        for found, group in _by_effect(changes).items():
            lines += [f"  {_sign(one.change)}" for one in group]
            lines.append(f"    {found.outcome.value}: {_sentence(found)}")
        lines.append("")
    return "\n".join([*lines, _summary(judged), ""])


def as_json(judged: list[Judged]) -> str:
    """Return the changes as JSON; `old` or `new` is left out where there is nothing."""
    changes = []
    for change, found in judged:
        identity, path = change.identity, change.path
        sides = {
            side: value for side, value in zip(("old", "new"), _sides(change), strict=True) if value is not MISSING
        }
        changes.append(
            {
                "apiVersion": identity.api_version,
                "kind": identity.kind,
                "namespace": identity.namespace or None,
                "name": identity.name,
                "path": path_text(path) or None,
                **(sides if path else {}),
                "change": "added" if change.old is MISSING else "removed" if change.new is MISSING else "changed",
                "effect": found.outcome.value,
                "fact": found.fact,
                "message": found.sentence,
            }
        )
    return (
        json.dumps({"worst": worst(judged).value, "changes": changes}, ensure_ascii=False, indent=2, default=str) + "\n"
    )


def as_markdown(judged: list[Judged]) -> str:
    """Return the changes as a comment for a pull request; no value can leave its cell."""
    parts = [f"### redisgen diff: {_summary(judged)}\n"]
    size = 0
    left = len(judged)
    for identity, changes in _by_document(judged).items():
        rows = [f"\n**{_code(str(identity))}**\n\n| field | old | new | effect |\n| --- | --- | --- | --- |\n"]
        for found, group in _by_effect(changes).items():
            for one in group:
                old, new = (
                    "" if value is MISSING or not one.change.path else _code(shown(value))
                    for value in _sides(one.change)
                )
                field = _code(path_text(one.change.path)) if one.change.path else _whole(one.change)
                rows.append(f"| {field} | {old} | {new} | **{found.outcome.value}**: {_cell(_sentence(found))} |\n")
        part = "".join(rows)
        if size + len(part) > _MOST_MARKDOWN:
            parts.append(f"\n… and {left} more changes, too many for a comment: see `redisgen diff`.\n")
            break
        parts.append(part)
        size += len(part)
        left -= len(changes)
    return "".join(parts)


FORMATS = {"text": as_text, "json": as_json, "markdown": as_markdown}


def path_text(path: tuple[str, ...]) -> str:
    """Write a path as people do: spec.redis.command[--save]; a key with a dot in it in quotes."""
    steps = (step if step.startswith("[") else f".{json.dumps(step)}" if "." in step else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def shown(value: Any) -> str:
    """Write a value in one line that no terminal takes for more than text."""
    if isinstance(value, str):
        plain = value.isprintable() and value.strip() == value and value
        text = value if plain else json.dumps(value)
    else:
        text = json.dumps(value, ensure_ascii=False, default=str)
        text = text if text.isprintable() else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _apart(side: Manifests, same: set[str]) -> list[Chunk]:
    """Leave out what stands on both sides in the same words: it is not even parsed."""
    return [chunk for chunk in side.chunks if chunk.text not in same]


def _index(chunks: list[Chunk], notes: list[str]) -> dict[Identity, dict[str, Any]]:
    found: dict[Identity, dict[str, Any]] = {}
    for chunk in chunks:
        for identity, document in documents(chunk):
            if identity in found:
                notes.append(f"{chunk.file}:{chunk.line}: {identity} is here a second time; the last one counts")
            found[identity] = document
    return found


def _passwords(*sides: Manifests) -> frozenset[tuple[str, str]]:
    """Return the namespace and name of every Secret that a RedisFailover of either side has its password from."""
    found = set()
    for chunk in (chunk for side in sides for chunk in side.chunks if "secretPath" in chunk.text):
        for identity, document in documents(chunk):
            name = at(document, "spec", "auth", "secretPath")
            if identity.kind == "RedisFailover" and isinstance(name, str):
                found.add((identity.namespace, name))
    return frozenset(found)


def _renames(
    before: dict[Identity, dict[str, Any]], after: dict[Identity, dict[str, Any]]
) -> Iterator[tuple[Identity, Identity]]:
    """Pair RedisFailovers that are gone with the new ones they seem to have become."""
    gone = [one for one in before if one.kind == "RedisFailover" and one not in after]
    new = [one for one in after if one.kind == "RedisFailover" and one not in before]
    for old in gone:
        same_name = [one for one in new if one.name == old.name]
        alike = same_name or [one for one in new if at(before[old], "spec") == at(after[one], "spec")]
        for one in (alike or (new if len(gone) == len(new) == 1 else []))[:1]:
            new.remove(one)
            yield old, one


def _renamed(
    old: Identity, new: Identity, before: dict[Identity, dict[str, Any]], after: dict[Identity, dict[str, Any]]
) -> Iterator[Judged]:
    left, right = before[old], after[new]
    if old.namespace != new.namespace:
        yield Judged(Change(old, ("metadata", "namespace"), old.namespace, new.namespace, left, right), RENAMED)
    if old.name != new.name:
        yield Judged(Change(old, ("metadata", "name"), old.name, new.name, left, right), RENAMED)
    for path, was, now in _differences(old, left, right):
        if path not in (("metadata", "namespace"), ("metadata", "name")):
            yield Judged(Change(old, path, was, now, left, right), NEW_CLUSTER)


Difference = tuple[tuple[str, ...], Any, Any]


def _differences(identity: Identity, old: Any, new: Any) -> Iterator[Difference]:
    if old is MISSING or new is MISSING:
        if (old is MISSING) != (new is MISSING):
            yield (), old, new
    elif identity.kind == _CRD and at(old, "spec") != at(new, "spec"):
        yield ("spec",), _versions(old), _versions(new)
        for part in ("labels", "annotations"):
            yield from _between(("metadata", part), at(old, "metadata", part), at(new, "metadata", part))
    else:
        for key in dict.fromkeys([*old, *new]):
            if key not in ("status", "apiVersion", "kind"):
                yield from _between((str(key),), *(_ours(key, at(side, key)) for side in (old, new)))


def _ours(key: str, value: Any) -> Any:
    """Leave out of metadata what the API server and kubectl write, so that the output of `kubectl get` compares."""
    if key != "metadata" or not isinstance(value, dict):
        return value
    kept = {name: item for name, item in value.items() if name not in _OF_SERVER}
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        kept["annotations"] = {name: item for name, item in annotations.items() if name != _LAST_APPLIED} or None
    return kept


def _versions(crd: Any) -> str:
    listed = at(crd, "spec", "versions")
    names = [str(at(one, "name")) for one in listed] if isinstance(listed, list) else []
    return f"schema of {', '.join(names) or 'no version'}, {len(json.dumps(crd, default=str)):,} characters of JSON"


def _between(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    """Yield what differs at or below a path; null is the same as nothing."""
    old, new = (MISSING if value is None else value for value in (old, new))
    if _equal(path, old, new):
        return
    sides = [value for value in (old, new) if value is not MISSING]
    if any(sides) and all(isinstance(value, dict) for value in sides):
        for key in dict.fromkeys(str(key) for value in sides for key in value):
            yield from _between((*path, key), *(_by_text(value, key) for value in (old, new)))
    elif all(isinstance(value, list) for value in sides):
        yield from _between_lists(path, old, new)
    else:
        yield path, old, new


def _by_text(value: Any, key: str) -> Any:
    if value is MISSING or key in value:
        return at(value, key)
    return next((item for name, item in value.items() if str(name) == key), MISSING)  # a key that is no text


def _equal(path: tuple[str, ...], old: Any, new: Any) -> bool:
    if (type(old) is type(new) or {type(old), type(new)} <= {int, float}) and old == new:
        return True
    if "resources" in path and isinstance(old, (str, int, float)) and isinstance(new, (str, int, float)):
        amount = quantity(old)
        return amount is not None and amount == quantity(new)
    return False


def _between_lists(path: tuple[str, ...], old: Any, new: Any) -> Iterator[Difference]:
    if path[-1] == "customConfig" and path[0] == "spec":
        yield from _between_named(path, directives(old or []), directives(new or []))
        return
    if path[-1] in _COMMANDS:
        (start, given), (start_new, given_new) = options(old or []), options(new or [])
        found = list(_between_named(path, given, given_new))
        if start != start_new:
            program, program_new = (shlex.join(one) if one else MISSING for one in (start, start_new))
            found.insert(0, (path, program, program_new))
        yield from found or [(path, old, new)]
        return
    names, names_new = _names(old), _names(new)
    if names is None or names_new is None:
        yield path, old, new
        return
    found = list(_between_named(path, names, names_new))
    # Kubernetes takes another order for another pod.
    yield from found or [((*path, "[order]"), " ".join(names), " ".join(names_new))]


def _between_named(path: tuple[str, ...], old: dict[str, Any], new: dict[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*old, *new]):
        yield from _between((*path, f"[{name}]"), old.get(name, MISSING), new.get(name, MISSING))


def _names(items: Any) -> dict[str, Any] | None:
    """Return the items of a list by name, or None if they have no names of their own."""
    named = {}
    for item in items or []:
        name = at(item, "name")
        if not isinstance(name, str) or name in named:
            return None
        named[name] = item
    return named


def _sides(change: Change) -> tuple[Any, Any]:
    """Return the old and the new value as they may be printed."""
    old, new = (_open(change, value) for value in (change.old, change.new))
    return old, new


def _open(change: Change, value: Any) -> Any:
    if value is MISSING:
        return value
    path = change.path
    if change.identity.kind == "Secret" and path[:1] != ("metadata",):
        return _HIDDEN
    names = [step.strip("[]") for step in path]
    # The name of a Secret, and where to find it, is none.
    if path[-1:] in (("name",), ("key",), ("secretPath",), ("secretName",)) or "valueFrom" in path:
        return value
    return _HIDDEN if any(map(_SECRET_NAME.search, names)) else _redacted(value)


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        name = value.get("name")
        hides = isinstance(name, str) and "value" in value and _SECRET_NAME.search(name)
        return {
            str(key): _HIDDEN if (hides and key == "value") or _SECRET_NAME.search(str(key)) else _redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        redacted = []
        for before, item in zip([None, *value], value, strict=False):
            follows = isinstance(before, str) and before.startswith("-") and _SECRET_NAME.search(before)
            redacted.append(_HIDDEN if follows else _redacted(item))
        return redacted
    if isinstance(value, str):
        return _SECRET_TEXT.sub(lambda match: f"{match[1] or match[2]}{_HIDDEN}{'@' * bool(match[2])}", value)
    return value


def _whole(change: Change) -> str:
    return "added" if change.old is MISSING else "removed"


def _sign(change: Change) -> str:
    if not change.path:
        return _whole(change)
    old, new = _sides(change)
    name = path_text(change.path)
    if not name.isprintable():
        name = json.dumps(name)
    if old is MISSING:
        return f"{name}: added {shown(new)}"
    if new is MISSING:
        return f"{name}: removed {shown(old)}"
    if old == new:
        return f"{name}: changed"
    return f"{name}: {_pair(old, new)}"


def _pair(old: Any, new: Any) -> str:
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        lines, lines_new = old.splitlines(), new.splitlines()
        return f"changed, {len(set(lines) - set(lines_new))} lines removed, {len(set(lines_new) - set(lines))} added"
    return f"{shown(old)} → {shown(new)}"


def _sentence(found: Effect) -> str:
    return f"{found.sentence} ({found.fact})" if found.fact else found.sentence


def _by_document(judged: list[Judged]) -> dict[Identity, list[Judged]]:
    groups: dict[Identity, list[Judged]] = {}
    for one in judged:
        groups.setdefault(one.change.identity, []).append(one)
    return groups


def _by_effect(judged: list[Judged]) -> dict[Effect, list[Judged]]:
    groups: dict[Effect, list[Judged]] = {}
    for one in sorted(judged, key=lambda one: -one.effect.outcome.rank):
        groups.setdefault(one.effect, []).append(one)
    return groups


def _summary(judged: list[Judged]) -> str:
    if not judged:
        return "no difference"
    count = len(judged)
    outcome = worst(judged)
    return f"{count} change{'s' * (count > 1)}; worst: {outcome.value}, {MEANINGS[outcome]}"


def _code(text: str) -> str:
    text = text if text.isprintable() else json.dumps(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def _cell(text: str) -> str:
    return re.sub(r"([\\`*_<>|\[\]@])", r"\\\1", text)
