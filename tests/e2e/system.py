"""A rendered system on the cluster: installed and removed by the commands of its own README, and looked into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from redisgen.documents import System as Described
from redisgen.documents import documents
from redisgen.load import load_fleet
from redisgen.output import write
from redisgen.render import render
from redisgen.values import parse
from tests.e2e.kubectl import is_ready, kubectl, objects, shell
from tests.readme import blocks

NAMED = "app.kubernetes.io/name"
ROLE = "redisfailovers-role"


class System:
    """One cluster of Redis, as values describe it, under the operator of its own."""

    def __init__(self, values: str, folder: Path) -> None:
        """Render the values into the folder, documents included."""
        self.folder = folder
        self.render(values)

    def render(self, values: str) -> None:
        """Render other values into the same folder."""
        fleet, _ = load_fleet([parse(values, "redisgen.yaml")])
        manifests = render(fleet)
        texts = documents(fleet, manifests)
        write(manifests | texts, self.folder)
        (self.cluster,) = fleet.clusters
        operator = [name for name in manifests if "-operator-" in name]
        rest = [name for name in manifests if name not in operator]
        self.files, self.readme = list(manifests), texts["README.md"]
        self.described = Described(fleet, self.cluster, operator, rest, manifests)
        self.operator = fleet.operator

    @property
    def namespace(self) -> str:
        """Namespace of Redis."""
        return self.cluster.namespace

    @property
    def name(self) -> str:
        """Name of the RedisFailover."""
        return self.cluster.name

    def install(self) -> None:
        """Run what the README says under Install; the namespace enforces Pod Security "restricted" from its start."""
        for block in blocks(self.readme, "Install"):
            shell(block.code, self.folder)
            if objects_named("namespace", self.namespace):
                enforce = "pod-security.kubernetes.io/enforce=restricted"
                kubectl("label", "namespace", self.namespace, enforce, "--overwrite")

    def uninstall(self) -> None:
        """Run what the README says under Uninstall."""
        for block in blocks(self.readme, "Uninstall"):
            shell(block.code, self.folder)

    def pods(self, component: str) -> list[dict[str, Any]]:
        """Return the pods of Redis or of Sentinel."""
        return objects("pods", self.namespace, f"{NAMED}={self.name},app.kubernetes.io/component={component}")

    def master(self) -> dict[str, Any]:
        """Return the pod that the operator has labelled master; there is exactly one."""
        found = [pod for pod in self.pods("redis") if pod["metadata"]["labels"].get(ROLE) == "master"]
        assert len(found) == 1, f"{len(found)} pods are labelled master"
        return found[0]

    def is_ready(self) -> bool:
        """Tell whether there are as many Redis and Sentinel pods as wanted, each ready."""
        redis, sentinel = self.pods("redis"), self.pods("sentinel")
        wanted = (self.described.replicas, self.described.sentinels)
        return (len(redis), len(sentinel)) == wanted and all(map(is_ready, redis + sentinel))


def objects_named(kind: str, name: str) -> bool:
    """Tell whether there is an object that has no namespace."""
    return bool(kubectl("get", kind, name, "--ignore-not-found", "-o", "name").strip())
