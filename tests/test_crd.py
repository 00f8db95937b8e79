"""The CRD and the JSON Schema of RedisFailover are those of operator v1.2.4, with every own field described."""

from __future__ import annotations

import hashlib
import json
import runpy
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml

from redisgen.resources import SCHEMAS, TEMPLATES

# SHA-256 of what operator v1.2.4 serves: openAPIV3Schema without descriptions, as compact JSON with sorted keys.
V1_2_4 = "20a1d7327119cdd0702f147f134a384e3ed18155acb0edfd9199ef76884325a7"

CRD = yaml.load(
    (TEMPLATES / "01-operator-crd.yaml").read_text(encoding="utf-8"),
    Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader),
)
VERSION = CRD["spec"]["versions"][0]
OPENAPI = VERSION["schema"]["openAPIV3Schema"]
SCHEMA_TEXT = (SCHEMAS / "redisfailover.schema.json").read_text(encoding="utf-8")
SCHEMA = json.loads(SCHEMA_TEXT)
FIELDS = [
    line.split("\t")
    for line in (SCHEMAS / "redisfailover-fields.tsv").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]


def without_descriptions(schema: Any) -> Any:
    """Leave out each `description` that describes, and none that is the name of a property."""
    if not isinstance(schema, dict):
        return schema
    bare = {key: without_descriptions(value) for key, value in schema.items() if key != "description"}
    if "properties" in schema:
        bare["properties"] = {name: without_descriptions(child) for name, child in schema["properties"].items()}
    if "required" in schema:
        bare["required"] = sorted(schema["required"])
    return bare


def field(schema: dict[str, Any], path: str) -> Any:
    """Find the node of a path of the table."""
    for name in path.split("."):
        schema = schema["properties"][name.removesuffix("[]")]
        if name.endswith("[]") and not path.endswith(name):
            schema = schema["items"]
    return schema


def failover(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "databases.spotahome.com/v1",
        "kind": "RedisFailover",
        "metadata": {"name": "redis-cluster", "namespace": "saasodoo", "labels": {"a": "b"}},
        "spec": spec,
    }


def test_schema_is_the_one_operator_v1_2_4_serves() -> None:
    text = json.dumps(without_descriptions(OPENAPI), sort_keys=True, separators=(",", ":"))
    assert hashlib.sha256(text.encode()).hexdigest() == V1_2_4


def test_client_side_apply_can_carry_it() -> None:
    assert len(json.dumps(CRD, separators=(",", ":")).encode()) < 262_144


def test_files_are_as_the_tool_writes_them() -> None:
    # From the committed schema, so that no definitions of Kubernetes are needed; the digest vouches for those.
    build = runpy.run_path(str(Path(__file__).parent.parent / "tools" / "build_crd.py"))["build"]
    for file, text in build(OPENAPI).items():
        assert file.read_text(encoding="utf-8") == text, f"{file.name}: run tools/build_crd.py"


def test_names_and_columns() -> None:
    assert CRD["metadata"]["name"] == "redisfailovers.databases.spotahome.com"
    assert CRD["spec"]["names"]["shortNames"] == ["rf"]
    assert [column["name"] for column in VERSION["additionalPrinterColumns"]] == ["REDIS", "SENTINELS", "AGE"]
    assert VERSION["subresources"] == {}


def test_the_table_has_every_field_once() -> None:
    paths = [path for path, _, _ in FIELDS]
    assert len(paths) == len(set(paths)) == 93


@pytest.mark.parametrize(("path", "description"), [(path, text) for path, _, text in FIELDS])
def test_field_is_described(path: str, description: str) -> None:
    assert description.endswith(".")
    assert field(OPENAPI, path)["description"] == description
    assert field(SCHEMA, path)["description"] == description


def test_only_own_fields_are_described() -> None:
    def descriptions(schema: Any) -> int:
        if not isinstance(schema, dict):
            return 0
        children = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
        return isinstance(schema.get("description"), str) + sum(map(descriptions, children))

    assert descriptions(OPENAPI) == len(FIELDS) + 2  # the object itself, and spec


def test_custom_config_says_what_it_does() -> None:
    text = field(OPENAPI, "spec.redis.customConfig")["description"]
    for warning in ("CONFIG SET", "30 seconds", "one per line", "Never written to redis.conf", "stops healing"):
        assert warning in text


def test_json_schema_is_one_line_and_closed() -> None:
    assert SCHEMA_TEXT.count("\n") == 1
    assert "x-kubernetes" not in SCHEMA_TEXT
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def check(schema: Any, path: str) -> None:
        if isinstance(schema, dict):
            assert "properties" not in schema or schema["additionalProperties"] is False, path
            for name, child in schema.get("properties", {}).items():
                check(child, f"{path}.{name}")
            check(schema.get("items"), f"{path}[]")
            check(schema.get("additionalProperties"), f"{path}.*")

    check(SCHEMA, "")


GOOD = [
    failover(),
    failover(
        redis={
            "replicas": 3,
            "image": "redis:7.2.7-alpine",
            "command": ["redis-server", "/redis/redis.conf", "--save", ""],
            "customConfig": ["maxmemory-policy allkeys-lru"],
            "resources": {"requests": {"cpu": "100m", "memory": 268435456}, "limits": {"cpu": 1}},
            "storage": {
                "keepAfterDeletion": True,
                "persistentVolumeClaim": {
                    "metadata": {"name": "data"},
                    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}},
                },
            },
            "terminationGracePeriod": 120,
            "nodeSelector": {"disk": "ssd"},
            "extraContainers": [{"name": "a", "ports": [{"containerPort": 80}]}],
        },
        sentinel={"replicas": 3, "customConfig": ["down-after-milliseconds 5000"]},
        auth={"secretPath": "redis"},
        bootstrapNode={"host": "10.0.0.1", "port": "6379"},
        labelWhitelist=["^$"],
    ),
]
BAD = {
    "unknown field of redis": failover(redis={"replica": 3}),
    "unknown field of Kubernetes": failover(redis={"extraContainers": [{"name": "a", "comand": ["b"]}]}),
    "Kubernetes' name for the grace period": failover(redis={"terminationGracePeriodSeconds": 30}),
    "sentinel has no port": failover(sentinel={"port": 26379}),
    "port of bootstrapNode is text": failover(bootstrapNode={"host": "10.0.0.1", "port": 6379}),
    "number as a directive": failover(redis={"customConfig": [1]}),
    "replicas as text": failover(redis={"replicas": "3"}),
    "replicas that do not fit": failover(redis={"replicas": 2**31}),
    "null": failover(redis=None),
    "quantity": failover(redis={"resources": {"limits": {"memory": "1 Gi"}}}),
    "another kind": failover() | {"kind": "RedisCluster"},
    "another version": failover() | {"apiVersion": "databases.spotahome.com/v1alpha2"},
    "status": failover() | {"status": {}},
    "no spec": {key: value for key, value in failover().items() if key != "spec"},
}


def is_valid(document: dict[str, Any]) -> bool:
    """Ask both validators; they must agree."""
    answers = {
        jsonschema.Draft202012Validator(SCHEMA).is_valid(document),
        jsonschema_rs.validator_for(SCHEMA).is_valid(document),
    }
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize("document", GOOD)
def test_json_schema_accepts(document: dict[str, Any]) -> None:
    assert is_valid(document)


@pytest.mark.parametrize("document", BAD.values(), ids=BAD)
def test_json_schema_refuses(document: dict[str, Any]) -> None:
    assert not is_valid(document)
