"""From the text of values to what redisgen makes of it."""

from __future__ import annotations

from typing import Any

import yaml

from redisgen.documents import files
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
