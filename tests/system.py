"""From the text of values to what redisgen makes of it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from redisgen.amounts import size
from redisgen.documents import System, files
from redisgen.findings import InvalidValues
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.values import parse

CRD = "01-operator-crd.yaml"


def rendered(text: str = "") -> dict[str, str]:
    fleet, _ = load_fleet([parse(text, "redisgen.yaml")])
    return render(fleet)


def written(text: str = "") -> dict[str, str]:
    """Return what `render -o DIR` writes: manifests and documents."""
    return files(load_fleet([parse(text, "redisgen.yaml")])[0])


def findings(text: str | bytes) -> list[str]:
    try:
        return [str(finding) for finding in load_fleet([parse(text, "redisgen.yaml")])[1]]
    except InvalidValues as error:
        return [str(finding) for finding in error.findings]


def documents(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Read all but the CRD as Kubernetes does, near enough: by YAML 1.1."""
    return [document for name, text in texts.items() if name != CRD for document in yaml.safe_load_all(text)]


def only(texts: dict[str, str], kind: str, name: str | None = None) -> dict[str, Any]:
    (found,) = [
        document
        for document in documents(texts)
        if document["kind"] == kind and name in (None, document["metadata"]["name"])
    ]
    return found


def unlike(system: System, read: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return each argument and directive of the manifests that CONFIG GET `*` has otherwise: name to (wanted, read)."""
    wanted: dict[str, str] = {}
    for name, written in system.arguments + system.live:
        value = "" if written == '""' else written.replace("$$(", "$(")
        if re.fullmatch(r"\d+[kmg]b?", value):
            value = str(size(value))
        wanted[name] = f"{wanted[name]} {value}".strip() if name == "save" and name in wanted else value
    return {name: (value, read[name]) for name, value in wanted.items() if not _is_same(name, value, read[name])}


def _is_same(name: str, wanted: str, read: str) -> bool:
    if name == "notify-keyspace-events":
        return set(wanted) == set(read)
    if name == "client-output-buffer-limit":
        return wanted in read  # the classes that are not named keep their default
    return wanted == read
