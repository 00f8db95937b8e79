"""The documents of a system: how to install, connect, watch, test, mend and uninstall exactly what was rendered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Any

import yaml

from redisgen.amounts import quantity
from redisgen.connection import MASTER_NAME, SENTINEL_PORT, connection_settings, sentinel_host
from redisgen.markdown import environment
from redisgen.render import render

if TYPE_CHECKING:
    from redisgen.cluster import Cluster, Fleet

DOCUMENTS = ("README.md", "DEPLOYMENT.md", "SUMMARY.md")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def files(fleet: Fleet) -> dict[str, str]:
    """Return all that `render -o DIR` writes, file name to text: the manifests and the documents."""
    manifests = render(fleet)
    return manifests | documents(fleet, manifests)


def documents(fleet: Fleet, manifests: dict[str, str]) -> dict[str, str]:
    """Return README.md, DEPLOYMENT.md and SUMMARY.md of each cluster, file name to text, beside its manifests.

    `manifests` are what `render(fleet)` returned: what they say goes into the documents, overrides included.
    """
    jinja = environment()
    templates = [(name, jinja.get_template(f"{name}.j2")) for name in DOCUMENTS]
    files: dict[str, list[str]] = {}  # by folder; those of the operator under its own name
    for name in manifests:
        folder, _, file = name.rpartition("/")
        files.setdefault("operator" if "-operator-" in file else folder, []).append(name)
    texts = {}
    for cluster in fleet.clusters:
        folder = f"{cluster.namespace}/{cluster.name}/" if fleet.listed else ""
        system = System(fleet, cluster, files["operator"], files[folder.rstrip("/")], manifests)
        for name, template in templates:
            texts[folder + name] = template.render(
                s=system, cluster=cluster, operator=fleet.operator, settings=connection_settings(cluster)
            )
    return texts


@dataclass(frozen=True)
class Cost:
    """CPU in cores and memory in bytes of some pods together."""

    pods: int
    cpu: Decimal
    memory: Decimal

    def __add__(self, other: Cost) -> Cost:
        """Return both together."""
        return Cost(self.pods + other.pods, self.cpu + other.cpu, self.memory + other.memory)

    @property
    def cores(self) -> str:
        """Return the CPU as a person writes it."""
        return f"{float(self.cpu):.3g}"

    @property
    def mebibytes(self) -> str:
        """Return the memory as a person writes it."""
        return f"{ceil(self.memory / 2**20)} MiB"


@dataclass(frozen=True)
class System:
    """One cluster as its manifests have it, and what the operator makes of it."""

    fleet: Fleet
    cluster: Cluster
    operator_files: list[str]
    files: list[str]
    manifests: dict[str, str]

    master_name = MASTER_NAME
    sentinel_port = SENTINEL_PORT

    @cached_property
    def parsed(self) -> list[tuple[str, dict[str, Any]]]:
        """File and content of each object of this cluster."""
        return [(file, one) for file in self.files for one in _parsed(self.manifests[file])]

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The spec of the RedisFailover."""
        (found,) = [one["spec"] for _, one in self.parsed if one["kind"] == "RedisFailover"]
        return found  # type: ignore[no-any-return]

    @cached_property
    def objects(self) -> list[tuple[str, str, str]]:
        """File, kind and name of each object of this cluster."""
        return [(file, one["kind"], one["metadata"]["name"]) for file, one in self.parsed]

    @property
    def namespace_is_ours(self) -> bool:
        """Whether the manifests make the namespace of this cluster."""
        return self.cluster.create_namespace or self.cluster.namespace == self.fleet.operator.namespace

    @property
    def retries(self) -> int:
        """Tries of a client, at most a second apart, that outlast a failover and one more try of it."""
        return round(self.down_after + 2 * self.watch["failover-timeout"] / 1000) + 5

    @property
    def shutdown_config_map(self) -> str:
        """ConfigMap with a shutdown script of ours; empty for the operator's own."""
        return self.redis.get("shutdownConfigMap") or ""

    @property
    def redis(self) -> dict[str, Any]:
        """The part of the spec on Redis."""
        return self.spec.get("redis") or {}

    @property
    def sentinel(self) -> dict[str, Any]:
        """The part of the spec on Sentinel."""
        return self.spec.get("sentinel") or {}

    @property
    def replicas(self) -> int:
        """Redis pods; the operator takes 3 when nothing is said (facts, 1.3)."""
        return self.redis.get("replicas") or 3

    @property
    def sentinels(self) -> int:
        """Sentinel pods."""
        return self.sentinel.get("replicas") or 3

    @property
    def quorum(self) -> int:
        """Sentinels that must agree (facts, 2.2)."""
        return self.sentinels // 2 + 1

    @property
    def port(self) -> int:
        """Port of Redis."""
        return self.redis.get("port") or 6379

    @property
    def secret(self) -> str:
        """Name of the Secret with the password, or empty."""
        return (self.spec.get("auth") or {}).get("secretPath") or ""

    @property
    def exporter(self) -> bool:
        """Whether each Redis pod has an exporter, and the cluster its headless Service (T28)."""
        return bool((self.redis.get("exporter") or {}).get("enabled"))

    @property
    def available(self) -> int:
        """Pods that both disruption budgets keep, computed from the Redis pods for both (facts, 1.1; T14)."""
        return 1 if self.replicas <= 2 else 2

    @property
    def handover(self) -> bool:
        """Whether a planned stop of the master is handed over first."""
        return self.replicas > 1 and self.redis.get("shutdownConfigMap") == f"{self.cluster.name}-shutdown"

    @cached_property
    def delay(self) -> int:
        """Seconds that Redis waits before it starts."""
        found = re.search(r"sleep (\d+); exec", " ".join(self.redis.get("command") or []))
        return int(found[1]) if found else 0

    @cached_property
    def arguments(self) -> list[tuple[str, str]]:
        """Directives given to redis-server at its start, in order."""
        found: list[tuple[str, list[str]]] = []
        for argument in self.redis.get("command") or []:
            if argument.startswith("--"):
                found.append((argument[2:], []))
            elif found:
                found[-1][1].append(argument)
        return [(name, " ".join(values)) for name, values in found]

    def argument(self, name: str) -> list[str]:
        """Values of one directive given at start."""
        return [value for key, value in self.arguments if key == name]

    @property
    def live(self) -> list[tuple[str, str]]:
        """Directives that the operator sets on the running Redis."""
        return [
            (name, value) for name, _, value in (line.partition(" ") for line in self.redis.get("customConfig") or [])
        ]

    @property
    def aof(self) -> str:
        """How often the append-only file is forced to disk, or empty."""
        return (self.argument("appendfsync") or ["everysec"])[-1] if self.argument("appendonly")[-1:] == ["yes"] else ""

    @property
    def rdb(self) -> list[str]:
        """Save points."""
        return [point for point in self.argument("save") if point]

    @property
    def claim(self) -> dict[str, Any]:
        """The volume claim template; empty for volumes that live as long as their pod (T25)."""
        return (self.redis.get("storage") or {}).get("persistentVolumeClaim") or {}

    @property
    def claims(self) -> list[str]:
        """Names of the claims that the StatefulSet makes (facts, 1.1)."""
        name = (self.claim.get("metadata") or {}).get("name", "")
        return [f"{name}-rfr-{self.cluster.name}-{one}" for one in range(self.replicas)] if self.claim else []

    @property
    def claim_size(self) -> str:
        """Size of each claim."""
        return str(self.claim["spec"]["resources"]["requests"]["storage"])

    @property
    def claims_stay(self) -> bool:
        """Whether the claims outlive the RedisFailover (T22)."""
        return bool(self.claim and self.redis["storage"].get("keepAfterDeletion"))

    @cached_property
    def watch(self) -> dict[str, int]:
        """Sentinel's settings, those of Sentinel itself where none is given (T5)."""
        given = {name: int(value) for name, _, value in (line.partition(" ") for line in self.sentinel["customConfig"])}
        return {"down-after-milliseconds": 30000, "failover-timeout": 180000, "parallel-syncs": 1, **given}

    @property
    def down_after(self) -> float:
        """Seconds of silence after which a Sentinel holds the master to be down."""
        return self.watch["down-after-milliseconds"] / 1000

    def seconds(self, value: float) -> str:
        """Return a time as a person writes it."""
        return f"{value:.4g} s"

    @property
    def crash(self) -> tuple[float, float]:
        """Seconds without writes when the master dies: down-after, and 0.3 to 3 s more (measured: 0.3 to 2.4)."""
        return self.down_after + 0.3, self.down_after + 3

    def labels(self, component: str, role: str = "") -> str:
        """Return the selector of the pods (facts, 1.2)."""
        pairs = [f"app.kubernetes.io/name={self.cluster.name}", f"app.kubernetes.io/component={component}"]
        return ",".join(pairs + ([f"redisfailovers-role={role}"] if role else []))

    def redis_cli(self, command: str) -> str:
        """Return redis-cli for a shell inside a Redis pod, with the password where there is one."""
        login = "REDISCLI_AUTH=$REDIS_PASSWORD " if self.secret else ""
        return f"{login}redis-cli -p {self.port} {command}"

    @property
    def sentinel_host(self) -> str:
        """DNS name of the Sentinels."""
        return sentinel_host(self.cluster)

    @property
    def costs(self) -> list[tuple[str, Cost, Cost]]:
        """Requests and limits of each part and of all; init containers, which run before, do not add up."""
        exporter = self.redis.get("exporter") or {}

        def costs(kind: str) -> tuple[Cost, Cost]:
            redis = _cost(self.replicas, self.redis.get("resources"), kind)
            if self.exporter:
                redis += _cost(0, exporter.get("resources"), kind, each=self.replicas)
            return redis, _cost(self.sentinels, self.sentinel.get("resources"), kind)

        (redis, sentinel), (most_redis, most_sentinel) = costs("requests"), costs("limits")
        return [
            ("Redis", redis, most_redis),
            ("Sentinel", sentinel, most_sentinel),
            ("together", redis + sentinel, most_redis + most_sentinel),
        ]


def _parsed(text: str) -> list[dict[str, Any]]:
    return list(yaml.load_all(text, Loader=_LOADER))


def _cost(pods: int, resources: dict[str, Any] | None, kind: str, each: int = 0) -> Cost:
    amounts = (resources or {}).get(kind) or {}
    times = each or pods
    cpu, memory = (times * (quantity(amounts.get(kind)) or Decimal()) for kind in ("cpu", "memory"))
    return Cost(pods, cpu, memory)
