"""Build the CRD of RedisFailover and the JSON Schema of a RedisFailover, as redis-operator v1.2.4 serves them.

    python tools/build_crd.py            write templates/01-operator-crd.yaml and schemas/redisfailover.schema.json
    python tools/build_crd.py --check    write nothing; exit 1 if a committed file is not what would be built

Both are made from schemas/redisfailover-fields.tsv (the operator's own fields) and the definitions of Kubernetes 1.24
(everything below a `core/v1` type). The definitions come out of the package kubernetes-validate 1.24.1, which pip
downloads once into .tools/; `--definitions FILE` takes another copy of its _definitions.json instead.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
FIELDS = ROOT / "schemas" / "redisfailover-fields.tsv"
CRD = ROOT / "templates" / "01-operator-crd.yaml"
SCHEMA = ROOT / "schemas" / "redisfailover.schema.json"
DOWNLOADS = ROOT / ".tools"

RELEASE = "kubernetes-validate-1.24.1"
DEFINITIONS = f"{RELEASE}/src/kubernetes_validate/kubernetes-json-schema/v1.24.0-local/_definitions.json"

# SHA-256 of the schema that operator v1.2.4 serves: compact, key-sorted JSON of openAPIV3Schema without descriptions.
V1_2_4 = "20a1d7327119cdd0702f147f134a384e3ed18155acb0edfd9199ef76884325a7"
# What `kubectl apply` can carry in its last-applied annotation.
CLIENT_SIDE_LIMIT = 262_144

HEAD = """\
# The CustomResourceDefinition of RedisFailover, field for field the one that redis-operator v1.2.4 serves.
# The descriptions are redisgen's own and say what v1.2.4 really does: kubectl explain redisfailover.spec.redis.
# Small enough for a plain `kubectl apply`. Deleting it deletes every RedisFailover in the cluster.
# Built by tools/build_crd.py from schemas/redisfailover-fields.tsv and the definitions of Kubernetes 1.24; not edited.
"""

DESCRIPTION = (
    "A highly available Redis: Redis pods in a StatefulSet and Sentinels in a Deployment, kept by redis-operator "
    "v1.2.4. There is no status, and a misspelt field is dropped without a word."
)
SPEC = (
    "The wanted system. Every 30 seconds the operator overwrites all it created and heals, but only while every Redis "
    "and Sentinel pod is running: a single pending, evicted or terminating one stops all healing."
)

QUANTITY = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))"
    r"(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
INT_OR_STRING = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}

# What a Kubernetes type keeps. With its description, `kubectl apply` could not carry the CRD.
KEPT = {"enum", "format", "required", "type", "x-kubernetes-list-map-keys", "x-kubernetes-list-type"}

Schema = dict[str, Any]


def kubernetes_definitions(file: Path | None) -> dict[str, Schema]:
    """Read the definitions of Kubernetes 1.24, by name, from `file` or else from PyPI."""
    if file:
        text = file.read_bytes()
    else:
        archive = DOWNLOADS / f"{RELEASE}.tar.gz"
        if not archive.exists():
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
            subprocess.run([*pip, f"--dest={DOWNLOADS}", "kubernetes-validate==1.24.1"], check=True)
        with tarfile.open(archive) as tar:
            member = tar.extractfile(DEFINITIONS)
            assert member
            text = member.read()
    definitions: dict[str, Schema] = json.loads(text)["definitions"]
    return definitions


def expanded(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """Write out a Kubernetes type the way operator v1.2.4 did: every reference resolved, few keywords kept."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        match name.rpartition(".")[2]:
            case "Quantity":
                return INT_OR_STRING | {"pattern": QUANTITY}
            case "IntOrString":
                return INT_OR_STRING
            case "ObjectMeta":
                return {"type": "object"}
        return expanded(definitions[name], definitions)

    out = {key: value for key, value in node.items() if key in KEPT}
    for key in ("items", "additionalProperties"):
        if key in node:
            out[key] = expanded(node[key], definitions)
    if "properties" in node:
        out["properties"] = {name: expanded(child, definitions) for name, child in node["properties"].items()}
    if "containerPort" in out.get("x-kubernetes-list-map-keys", ()):
        # A key of the list must have a value.
        out["items"]["properties"]["protocol"]["default"] = "TCP"
    return out


def operator_type(text: str, definitions: dict[str, Schema]) -> Schema:
    """Read a type as schemas/redisfailover-fields.tsv writes it."""
    match text.split():
        case ["array", "of", item]:
            return {"type": "array", "items": {"type": item}}
        case ["map", "of", value]:
            return {"type": "object", "additionalProperties": {"type": value}}
        case ["core/v1", name]:
            return expanded({"$ref": f"io.k8s.api.core.v1.{name}"}, definitions)
        case [name, format_]:
            return {"type": name, "format": format_}
        case [name]:
            return {"type": name}
    raise ValueError(text)


def openapi_schema(definitions: dict[str, Schema]) -> Schema:
    """Build the schema of a RedisFailover from the table of fields."""
    spec: Schema = {"description": SPEC, "type": "object"}
    nodes = {"spec": spec}
    for line in FIELDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        path, type_, description = line.split("\t")
        parent, _, name = path.rpartition(".")
        field: Schema = {"description": description}
        if name.endswith("[]"):
            nodes[path] = operator_type(type_, definitions)
            field |= {"type": "array", "items": nodes[path]}
        else:
            field |= operator_type(type_, definitions)
            nodes[path] = field
        nodes[parent].setdefault("properties", {})[name.removesuffix("[]")] = field
    return {
        "description": DESCRIPTION,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
        },
    }


def custom_resource_definition(schema: Schema) -> Schema:
    """Wrap the schema as operator v1.2.4 did: no status, one version."""
    columns = [  # kubectl shows the name by itself
        ("REDIS", "integer", ".spec.redis.replicas"),
        ("SENTINELS", "integer", ".spec.sentinel.replicas"),
        ("AGE", "date", ".metadata.creationTimestamp"),
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "redisfailovers.databases.spotahome.com"},
        "spec": {
            "group": "databases.spotahome.com",
            "names": {
                "kind": "RedisFailover",
                "listKind": "RedisFailoverList",
                "plural": "redisfailovers",
                "shortNames": ["rf"],
                "singular": "redisfailover",
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {},
                    "additionalPrinterColumns": [
                        {"name": name, "type": type_, "jsonPath": path} for name, type_, path in columns
                    ],
                    "schema": {"openAPIV3Schema": schema},
                }
            ],
        },
    }


def closed(node: Schema) -> Schema:
    """Turn a CRD's schema into a JSON Schema that rejects what the CRD would prune, and numbers that do not fit."""
    out = {key: value for key, value in node.items() if not key.startswith("x-kubernetes-")}
    for key in ("items", "additionalProperties"):
        if key in node:
            out[key] = closed(node[key])
    if "properties" in node:
        out["properties"] = {name: closed(child) for name, child in node["properties"].items()}
        out["additionalProperties"] = False
    if node.get("format") == "int32":
        out |= {"minimum": -(2**31), "maximum": 2**31 - 1}
    return out


def json_schema(schema: Schema) -> Schema:
    """Make the JSON Schema of a whole RedisFailover document."""
    document = closed(schema)
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    document["properties"] |= {
        "apiVersion": {"const": "databases.spotahome.com/v1"},
        "kind": {"const": "RedisFailover"},
        "metadata": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string"},
                "namespace": {"type": "string"},
                "labels": texts,
                "annotations": texts,
            },
            "additionalProperties": False,
        },
    }
    document["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "RedisFailover"} | document


def canonical(node: Schema) -> Schema:
    """Leave out what does not change what a schema accepts: descriptions, and the order of `required`."""
    out = {key: value for key, value in node.items() if key != "description"}
    for key in ("items", "additionalProperties"):
        if key in out:
            out[key] = canonical(out[key])
    if "properties" in out:
        out["properties"] = {name: canonical(child) for name, child in out["properties"].items()}
    if "required" in out:
        out["required"] = sorted(out["required"])
    return out


def digest(schema: Schema) -> str:
    """Give the digest to compare with V1_2_4."""
    return hashlib.sha256(compact(canonical(schema), sort_keys=True).encode()).hexdigest()


def compact(data: Schema, *, sort_keys: bool = False) -> str:
    """Write JSON on one line."""
    return json.dumps(data, separators=(",", ":"), sort_keys=sort_keys)


class Dumper(yaml.SafeDumper):
    """Write block YAML without anchors, lists indented below their key, long texts folded."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write everything out."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists too."""
        super().increase_indent(flow, indentless=False)

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Fold what needs several lines."""
        folded = ">" if len(text) > 60 and " " in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=folded)


Dumper.add_representer(str, Dumper.represent_text)


def build(schema: Schema) -> dict[Path, str]:
    """Write out both files for the schema of the CRD, and stop if it is not the one operator v1.2.4 serves."""
    crd = custom_resource_definition(schema)
    if digest(schema) != V1_2_4:
        sys.exit(f"the schema is not the one of operator v1.2.4: digest {digest(schema)}")
    if (size := len(compact(crd))) >= CLIENT_SIDE_LIMIT:
        sys.exit(f"the CRD has {size} bytes; kubectl apply carries less than {CLIENT_SIDE_LIMIT}")
    text = yaml.dump(crd, Dumper=Dumper, sort_keys=False, width=100, allow_unicode=True)
    return {CRD: HEAD + text, SCHEMA: compact(json_schema(schema)) + "\n"}


def main() -> int:
    """Write the files, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file differs")
    parser.add_argument(
        "--definitions", type=Path, metavar="FILE", help="_definitions.json of kubernetes-validate 1.24"
    )
    options = parser.parse_args()

    stale = 0
    for file, text in build(openapi_schema(kubernetes_definitions(options.definitions))).items():
        if file.exists() and file.read_text(encoding="utf-8") == text:
            continue
        print(f"{file.relative_to(ROOT)} {'is not what the table says' if options.check else 'written'}")
        stale = 1
        if not options.check:
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
    return stale if options.check else 0


if __name__ == "__main__":
    sys.exit(main())
