"""The table of effects: every row speaks of something that exists, and every key of the values is judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from redisgen.change import Change, Identity
from redisgen.effects import TABLE, UNKNOWN, Outcome, Row, effect
from redisgen.explain import NO_MANIFEST, SAMPLES, changes_of, keys_of
from redisgen.resources import SCHEMAS
from redisgen.schema import schema
from tests.conftest import GOLDEN
from tests.system import documents, rendered

FIELDS = json.loads((SCHEMAS / "redisfailover.schema.json").read_bytes())
EVERYTHING = [
    document
    for case in ("default", "two-clusters")
    for document in documents(rendered((GOLDEN / "valid" / case / "values.yaml").read_text()))
]
# What redisgen never renders, or not yet, and others write.
FOREIGN = {"Secret", "NetworkPolicy", "ServiceMonitor", "PodMonitor", "PrometheusRule", "StatefulSet"}
FOREIGN |= {"CustomResourceDefinition"}  # left out of `documents`
LEAVES = [(key, node) for key, node in keys_of(schema()) if "default" in node or key in SAMPLES or key in NO_MANIFEST]


def in_schema(node: dict[str, Any], steps: tuple[str, ...]) -> bool:
    while "$ref" in node:
        node = FIELDS["$defs"][node["$ref"].rpartition("/")[2]] if "$defs" in FIELDS else {}
    if not steps or steps[0].startswith("[") or not node.get("properties"):
        return True
    return steps[0] in node["properties"] and in_schema(node["properties"][steps[0]], steps[1:])


def in_document(node: Any, steps: tuple[str, ...]) -> bool:
    if not steps:
        return True
    if steps[0] == "*":
        return bool(node)
    return isinstance(node, dict) and steps[0] in node and in_document(node[steps[0]], steps[1:])


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.kinds[:20]}-{row.path}-{row.effect.outcome.value}")
def test_row_speaks_of_something(row: Row) -> None:
    for kind in row.kinds.split("|"):
        if kind == "RedisFailover" and row.steps[:1] == ("spec",):
            assert in_schema(FIELDS, row.steps)
        elif kind not in FOREIGN and row.steps[:2] not in (("metadata", "annotations"), ("spec", "clusterIP")):
            known = [document for document in EVERYTHING if document["kind"] == kind]
            assert known, f"redisgen renders no {kind}"
            if row.path not in ('data."startup.sh"', "metadata.labels"):
                assert any(in_document(document, row.steps) for document in known)
    assert row.effect.sentence[0].islower() or row.effect.sentence.startswith(("Kubernetes", "Redis", "Sentinel"))
    assert not row.effect.sentence.endswith(".")


def fields(node: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, child in node.get("properties", {}).items():
        yield (*path, key)
        yield from fields(child, (*path, key))


SPEC = FIELDS["properties"]["spec"]


@pytest.mark.parametrize(
    "path", [path for path in fields(SPEC) if len(path) == 2 and path[1] != "storage"], ids=lambda path: ".".join(path)
)
def test_every_field_of_the_redisfailover_is_judged(path: tuple[str, ...]) -> None:
    two = {"spec": {"redis": {"replicas": 3}, "bootstrapNode": {"host": "10.0.0.1"}}}
    identity = Identity("databases.spotahome.com/v1", "RedisFailover", "shop", "orders")
    assert effect(Change(identity, ("spec", *path), "old", "new", two, two)) != UNKNOWN


@pytest.mark.parametrize(("key", "node"), LEAVES, ids=lambda value: value if isinstance(value, str) else "")
def test_every_key_is_judged(key: str, node: dict[str, Any]) -> None:
    if key in NO_MANIFEST:
        return
    for judged in changes_of(key, node):
        assert judged, "the sample changes nothing"
        for _, change, found in judged:
            assert found.outcome is not Outcome.UNKNOWN, change
