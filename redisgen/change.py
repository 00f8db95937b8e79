"""One difference between two sets of manifests, and what stands in the manifests around it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING", "__bool__": lambda _: False})()


class Identity(NamedTuple):
    """What tells one manifest from another."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        text = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
        return text if text.isprintable() else json.dumps(text)


class Change(NamedTuple):
    """One field that differs, or with an empty path a whole document; MISSING stands for what is not there.

    A step `[name]` of the path is the item of that name: a container, a directive of customConfig, an option.
    `before` and `after` are the whole documents, `passwords` the (namespace, name) of Secrets that clusters use.
    """

    identity: Identity
    path: tuple[str, ...]
    old: Any
    new: Any
    before: Any = MISSING
    after: Any = MISSING
    passwords: frozenset[tuple[str, str]] = frozenset()


def at(document: Any, *path: str) -> Any:
    """Return what stands at a path of a document, or MISSING; no surprise of a manifest makes it fail."""
    for step in path:
        document = document.get(step, MISSING) if isinstance(document, dict) else MISSING
    return MISSING if document is None else document


def replicas(document: Any, component: str = "redis") -> int:
    """Return how many pods the operator runs: 3 where the manifest says nothing, or no more than 0 (1.1, T20)."""
    number = at(document, "spec", component, "replicas")
    return number if isinstance(number, int) and number > 0 else 3


def has_claim(document: Any) -> bool:
    """Return whether the Redis pods have claims on volumes."""
    return bool(at(document, "spec", "redis", "storage", "persistentVolumeClaim"))


def options(command: Any) -> tuple[list[str], dict[str, str]]:
    """Split a command into what stands before its options, and each `--name` with the text behind it."""
    words = [str(word) for word in command] if isinstance(command, list) else []
    first = next((index for index, word in enumerate(words) if word.startswith("--")), len(words))
    given: dict[str, list[list[str]]] = {}
    for word in words[first:]:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            current = [value] if equals else []
            given.setdefault(name, []).append(current)
        else:
            current.append(word or '""')
    return words[:first], {name: "; ".join(" ".join(one) for one in each) for name, each in given.items()}


def directives(lines: Any) -> dict[str, str]:
    """Return customConfig as directive name to value; of a repeated one, all values."""
    given: dict[str, list[str]] = {}
    for line in lines if isinstance(lines, list) else []:
        name, _, value = str(line).partition(" ")
        given.setdefault(name, []).append(value)
    return {name: "; ".join(dict.fromkeys(values)) for name, values in given.items()}
