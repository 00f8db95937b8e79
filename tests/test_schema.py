"""The schema, the typed objects and the README say the same."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec import Struct
from msgspec.structs import fields

from redisgen import cluster as typed
from redisgen.cluster import Cluster
from redisgen.findings import InvalidValues
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.schema import defaults, explain, resolve, schema
from redisgen.values import Mapping, assignment, parse
from tests.conftest import ROOT
from tests.system import rendered


def nodes(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    node = resolve(node)
    yield path, node
    for branch in [node, *map(resolve, node.get("anyOf", []))]:
        for key, child in branch.get("properties", {}).items():
            if path != "clusters":
                yield from nodes(child, f"{path}.{key}".lstrip("."))
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")


def test_it_is_a_schema_of_2020_12_and_of_ours() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema())


def test_it_is_closed_and_describes_every_key() -> None:
    for path, node in nodes(schema()):
        if "properties" in node:
            assert node["additionalProperties"] is False, path
        for key, child in node.get("properties", {}).items():
            assert resolve(child)["description"].endswith((".", ")")), f"{path}.{key}"


def test_every_key_has_a_default_that_fits_and_fitting_examples() -> None:
    for path, node in nodes(schema()):
        references = {"$defs": schema()["$defs"]} | (
            {"properties": schema()["properties"]} if path == "clusters" else {}
        )
        validator = Draft202012Validator({**references, "allOf": [node]})
        for value in [*node.get("examples", []), *([node["default"]] if "default" in node else [])]:
            assert validator.is_valid(value), (path, value)


def struct_keys(struct: type[Struct], path: str = "") -> Iterator[str]:
    for field in fields(struct):
        name = f"{path}.{field.encode_name}".lstrip(".")
        yield name
        for part in (field.type, *get_args(field.type)):
            if isinstance(part, type) and issubclass(part, Struct) and part is not typed.Toleration:
                yield from struct_keys(part, name)


def test_typed_objects_have_the_keys_of_the_schema() -> None:
    known = {path for path, _ in nodes(schema()) if path and "[]" not in path}
    of_operator = {f"operator.{key}" for key in struct_keys(typed.Operator)}
    assert known == {*struct_keys(Cluster), *of_operator, "operator", "clusters"}


def test_defaults_are_those_of_the_schema() -> None:
    fleet, found = load_fleet([])
    assert found == []
    (cluster,) = fleet.clusters
    assert (cluster.name, cluster.namespace, cluster.redis.replicas) == ("redis-cluster", "saasodoo", 3)
    assert defaults()["redis"]["persistence"]["rdb"] == ["900 1", "300 10", "60 10000"]
    assert cluster.redis.persistence.rdb == ("900 1", "300 10", "60 10000")


def test_typed_objects_do_not_change() -> None:
    fleet, _ = load_fleet([])
    with pytest.raises(AttributeError):
        fleet.clusters[0].redis.port = 1  # type: ignore[misc]


FILES = {"operator.": {"02-operator-rbac.yaml", "03-operator-deployment.yaml"}}
OTHER = {  # another value for each key, and the files that it must change
    "name": ("x", {"04-cluster.yaml", "05-connection.yaml"}),
    "namespace": ("x", {"02-operator-rbac.yaml", "04-cluster.yaml", "05-connection.yaml"}),
    "createNamespace": (True, {"00-operator-namespace.yaml"}),
    "labels": (
        {"a": "b"},
        {
            f"{n}.yaml"
            for n in (
                "00-operator-namespace",
                "02-operator-rbac",
                "03-operator-deployment",
                "04-cluster",
                "05-connection",
            )
        },
    ),
    "imagePullSecrets": (["a"], {"03-operator-deployment.yaml", "04-cluster.yaml"}),
    "operator.namespace": ("x", {"00-operator-namespace.yaml", "02-operator-rbac.yaml", "03-operator-deployment.yaml"}),
    "operator.rbac": ("cluster", {"02-operator-rbac.yaml"}),
    "redis.replicas": (2, {"04-cluster.yaml"}),
    "redis.port": (6380, {"04-cluster.yaml", "05-connection.yaml"}),
    "redis.persistence.storage": ("ephemeral", {"02-operator-rbac.yaml", "04-cluster.yaml"}),
    "redis.config": ({"hz": 20}, {"04-cluster.yaml"}),
    "auth.secretName": ("x", {"02-operator-rbac.yaml", "04-cluster.yaml"}),
    "overrides": ({"redis": {"hostNetwork": True}}, {"04-cluster.yaml"}),
}


def other_value(path: str, node: dict[str, Any]) -> Any:
    default = node.get("default")
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    if "enum" in node:
        return next(value for value in node["enum"] if value != default)
    if path.endswith("tolerations"):
        return [{"operator": "Exists"}]
    if path.endswith("nodeSelector"):
        return {"a": "b"}
    if ".requests." in path:
        return {"cpu": "10m", "memory": "16Mi"}[path.rpartition(".")[2]]
    if path.endswith("rdb"):
        return ["5 5"]
    return {"maxmemory": "100mb", "image": "x/y:8.0", "cpu": "300m", "memory": "700Mi", "size": "6Gi"}.get(
        path.rpartition(".")[2], "x"
    )


LEAVES = [
    (path, node)
    for path, node in nodes(schema())
    if path and "[]" not in path and path not in ("clusters", "waive") and ("default" in node)
]


@pytest.mark.parametrize(("path", "node"), LEAVES, ids=[path for path, _ in LEAVES])
def test_every_key_changes_the_files_it_belongs_to(path: str, node: dict[str, Any]) -> None:
    section = path.partition(".")[0]
    files = {"operator": {"03-operator-deployment.yaml"}, "connection": {"05-connection.yaml"}}.get(
        section, {"04-cluster.yaml"}
    )
    value, files = OTHER.get(path, (other_value(path, node), files))
    values = assignment(f"{path}={json.dumps(value, ensure_ascii=False)}")
    base = rendered()
    texts = render(load_fleet([values])[0])
    assert {name for name in texts if texts[name] != base[name]} == files


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=["C"]), max_size=5)
        | st.sampled_from(["1Gi", "512mb", "no", "ephemeral", "a"]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "redis",
                        "replicas",
                        "persistence",
                        "storage",
                        "resources",
                        "limits",
                        "cpu",
                        "config",
                        "labels",
                        "x",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=6,
    ),
    st.sampled_from([path for path, _ in LEAVES]),
)
def test_whatever_is_written_is_taken_or_explained(value: Any, path: str) -> None:
    values = assignment(f"{path}={json.dumps(value, ensure_ascii=False)}")
    try:
        load_fleet([values])
    except InvalidValues as error:
        assert error.findings
        for finding in error.findings:
            assert finding.place.file.startswith("--set ")
            for jargon in (
                "additionalProperties",
                "anyOf",
                "$ref",
                "None",
                "True",
                "dict",
                "pattern",
                "does not match",
                "schema ",
            ):
                assert jargon not in finding.message.replace(json.dumps(value), "") or jargon in str(value)


def test_the_quick_and_the_exact_check_agree_on_line_breaks() -> None:
    values = parse('name: "a\\n"', "f")
    assert [finding.message for finding in explain(values)] == [
        "'name' must be a name of at most 48 characters: lower-case letters, digits and '-', starting with a letter "
        "(for example redis-cluster), not 'a\\n'"
    ]


def test_the_readme_has_the_reference_of_this_schema() -> None:
    subprocess.run([sys.executable, ROOT / "tools/build_reference.py", "--check"], check=True)


def test_a_mapping_of_the_users_is_untouched() -> None:
    values = parse("redis: {port: 1}", "f")
    load_fleet([values])
    assert isinstance(values, Mapping)
    assert values == {"redis": {"port": 1}}
