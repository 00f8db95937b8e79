"""The values as immutable typed objects; `load_fleet` is the only way to get them."""

from __future__ import annotations

import re
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import force_setattr

Preference = Literal["preferred", "required", "none"]


class _Values(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Fields are the keys of schemas/values.schema.json, which describes them; a test holds the two together."""


class Toleration(_Values, frozen=True, omit_defaults=True):
    """A taint that is put up with, as in a pod."""

    key: str | UnsetType = UNSET
    operator: str | UnsetType = UNSET
    value: str | UnsetType = UNSET
    effect: str | UnsetType = UNSET
    toleration_seconds: int | UnsetType = UNSET


class Amounts(_Values, frozen=True):
    """CPU and memory, as Kubernetes quantities."""

    cpu: str | int | float
    memory: str | int | float

    def __post_init__(self) -> None:
        """Make text of numbers: the API of the operator takes no fraction as a number."""
        force_setattr(self, "cpu", str(self.cpu))
        force_setattr(self, "memory", str(self.memory))


class Resources(_Values, frozen=True):
    """What a container is promised, and what it may use at most."""

    requests: Amounts
    limits: Amounts


class Spread(_Values, frozen=True):
    """How far pods keep away from each other."""

    nodes: Preference
    zones: Preference


class Claim(_Values, frozen=True):
    """The volume claim of each Redis pod."""

    size: str | int | float
    storage_class: str
    keep_after_deletion: bool


class Persistence(_Values, frozen=True):
    """What survives a restart."""

    aof: Literal["everysec", "always", "no"]
    rdb: tuple[str, ...]
    storage: Claim | Literal["ephemeral"]


class Redis(_Values, frozen=True):
    """The Redis pods."""

    replicas: int
    image: str
    port: int
    resources: Resources
    maxmemory: str | int
    maxmemory_policy: str
    persistence: Persistence
    config: dict[str, str | int]
    termination_grace_period: int
    handover: bool
    restart_delay: bool
    node_selector: dict[str, str]
    tolerations: tuple[Toleration, ...]
    spread: Spread
    priority_class_name: str

    @property
    def version(self) -> tuple[int, int] | None:
        """Redis' major and minor version as the image's tag has it, or None when it does not say."""
        tag = self.image.partition("@")[0].rpartition("/")[2].partition(":")[2]
        numbers = re.match(r"v?(\d+)\.(\d+)", tag)
        return (int(numbers[1]), int(numbers[2])) if numbers else None


class Sentinel(_Values, frozen=True):
    """The Sentinel pods."""

    replicas: int
    image: str
    down_after_milliseconds: int
    failover_timeout: int
    parallel_syncs: int
    resources: Resources
    node_selector: dict[str, str]
    tolerations: tuple[Toleration, ...]
    spread: Spread
    priority_class_name: str

    @property
    def quorum(self) -> int:
        """Sentinels that must agree; the operator always sets half of them plus one (facts, 2.2)."""
        return self.replicas // 2 + 1


class Auth(_Values, frozen=True):
    """The Secret with the password."""

    secret_name: str


class Exporter(_Values, frozen=True):
    """The metrics exporter in each Redis pod."""

    enabled: bool
    image: str
    resources: Resources


class Connection(_Values, frozen=True):
    """What applications connect with."""

    master_service: str
    config_map: str
    db: int
    cluster_domain: str


class Operator(_Values, frozen=True):
    """The operator."""

    namespace: str
    image: str
    replicas: int
    log_level: str
    resources: Resources
    rbac: Literal["namespaces", "cluster"]
    node_selector: dict[str, str]
    tolerations: tuple[Toleration, ...]


class Cluster(_Values, frozen=True):
    """One RedisFailover and what belongs to it."""

    name: str
    namespace: str
    create_namespace: bool
    labels: dict[str, str]
    image_pull_secrets: tuple[str, ...]
    redis: Redis
    sentinel: Sentinel
    auth: Auth
    exporter: Exporter
    connection: Connection
    overrides: dict[str, Any]
    waive: dict[str, str]


class Fleet(Struct, frozen=True):
    """The operator, and the clusters it serves, in the order of the values."""

    operator: Operator
    clusters: tuple[Cluster, ...]
    labels: dict[str, str]
    image_pull_secrets: tuple[str, ...]
    listed: bool  # under `clusters:`, each in a folder of its own
