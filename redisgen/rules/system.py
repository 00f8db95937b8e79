"""One cluster as rules see it: its values with `overrides` laid on them, as they end up in the RedisFailover."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import UNSET
from msgspec.structs import replace

from redisgen.findings import Place
from redisgen.values import Mapping, place_of

if TYPE_CHECKING:
    from redisgen.cluster import Amounts, Claim, Cluster, Resources, Sentinel

# Where the RedisFailover has another name for a key of the values.
_FIELDS = {
    "auth.secretName": "auth.secretPath",
    "redis.handover": "redis.shutdownConfigMap",
    "redis.persistence.storage": "redis.storage",
    "redis.persistence.storage.keepAfterDeletion": "redis.storage.keepAfterDeletion",
    "redis.spread.nodes": "redis.affinity.podAntiAffinity",
    "sentinel.spread.nodes": "sentinel.affinity.podAntiAffinity",
    **{
        f"sentinel.{key}": "sentinel.customConfig"
        for key in ("downAfterMilliseconds", "failoverTimeout", "parallelSyncs")
    },
}
# What Sentinel holds when a list of one's own leaves a setting out (T5).
_SENTINEL_DEFAULTS = {"down-after-milliseconds": 30000, "failover-timeout": 180000, "parallel-syncs": 1}
_DEFAULT_IMAGE = "redis:6.2.6-alpine"


class System:
    """One cluster under review.

    `cluster` is what is rendered, `overrides` included; `written` is without them; `patch` is `overrides` alone, empty
    when it does not fit the API; `values` are the user's, for the places.
    """

    def __init__(self, cluster: Cluster, values: Mapping, patch: dict[str, Any]) -> None:
        self.patch = patch
        self.values = values
        self.written = cluster
        self.cluster = _settled(cluster, self) if patch else cluster

    def patched(self, field: str) -> Any:
        """Return what `overrides` says of a field of the spec: a value, None when removed, UNSET when nothing."""
        value: Any = self.patch
        for step in field.split("."):
            if value is None:
                return None
            if not isinstance(value, dict) or step not in value:
                return UNSET
            value = value[step]
        return value

    def given(self, field: str) -> Any:
        """Return what `overrides` sets a field of the spec to, or None."""
        value = self.patched(field) if self.patch else None
        return None if value is UNSET else value

    def key(self, key: str) -> str:
        """Return the key that has the last word on a setting: the one of the values, or one in `overrides`."""
        field = _FIELDS.get(key) or (f"redis.{key}" if key.startswith("exporter.") else key)
        return f"overrides.{field}" if self.patch and self.patched(field) is not UNSET else key

    def place(self, key: str) -> Place:
        """Find where a key of the values stands, or the nearest one above it."""
        return place_of(self.values, [int(step) if step.isdigit() else step for step in key.split(".")])

    @cached_property
    def custom_config(self) -> list[tuple[str, str, str]]:
        """Directives that `overrides` gives to the operator's CONFIG SET: (key, name, value)."""
        lines = self.given("redis.customConfig") or []
        split = [(f"overrides.redis.customConfig.{index}", *line.partition(" ")) for index, line in enumerate(lines)]
        return [(key, name.lower(), value) for key, name, _, value in split]

    @cached_property
    def directives(self) -> list[tuple[str, str, str]]:
        """Every directive the user gives to Redis: (key, name, value)."""
        config = self.cluster.redis.config
        own = [(f"redis.config.{name}", name, str(value)) for name, value in config.items()] if config else []
        return own + self.custom_config if self.patch else own


def _settled(cluster: Cluster, system: System) -> Cluster:
    def settle(field: str, written: Any, default: Any) -> Any:
        value = system.patched(field)
        return written if value is UNSET else default if value is None else value

    def count(field: str, written: int, default: int) -> int:
        number: int = settle(field, written, default)
        return number if number > 0 else default  # T20

    def resources(field: str, written: Resources) -> Resources:
        def amounts(kind: str, of: Amounts) -> Amounts:
            return replace(
                of,
                cpu=settle(f"{field}.{kind}.cpu", of.cpu, ""),
                memory=settle(f"{field}.{kind}.memory", of.memory, ""),
            )

        return replace(
            written, requests=amounts("requests", written.requests), limits=amounts("limits", written.limits)
        )

    redis, exporter = cluster.redis, cluster.exporter
    script = settle("redis.shutdownConfigMap", f"{cluster.name}-shutdown" if redis.handover else None, None)
    return replace(
        cluster,
        redis=replace(
            redis,
            replicas=count("redis.replicas", redis.replicas, 3),
            image=settle("redis.image", redis.image, _DEFAULT_IMAGE),
            port=count("redis.port", redis.port, 6379),
            resources=resources("redis.resources", redis.resources),
            persistence=replace(redis.persistence, storage=_storage(redis.persistence.storage, system)),
            termination_grace_period=settle("redis.terminationGracePeriod", redis.termination_grace_period, 30),
            handover=redis.handover and script == f"{cluster.name}-shutdown",
            restart_delay=redis.restart_delay and system.patched("redis.command") is UNSET,
        ),
        sentinel=replace(
            cluster.sentinel,
            replicas=count("sentinel.replicas", cluster.sentinel.replicas, 3),
            image=settle("sentinel.image", cluster.sentinel.image or redis.image, _DEFAULT_IMAGE),
            resources=resources("sentinel.resources", cluster.sentinel.resources),
            **_sentinel_settings(cluster.sentinel, system),
        ),
        auth=replace(cluster.auth, secret_name=settle("auth.secretPath", cluster.auth.secret_name, "")),
        exporter=replace(
            exporter,
            enabled=settle("redis.exporter.enabled", exporter.enabled, False),
            image=settle("redis.exporter.image", exporter.image, ""),
            resources=resources("redis.exporter.resources", exporter.resources),
        ),
    )


def _sentinel_settings(sentinel: Sentinel, system: System) -> dict[str, int]:
    lines = system.patched("sentinel.customConfig")
    if lines is UNSET:
        return {}
    if not lines:  # the operator's own
        return {"down_after_milliseconds": 5000, "failover_timeout": 10000, "parallel_syncs": sentinel.parallel_syncs}
    said = dict(_SENTINEL_DEFAULTS)
    for line in lines:
        name, _, value = line.partition(" ")
        if name in said and value.isdecimal():
            said[name] = int(value)
    return {
        "down_after_milliseconds": said["down-after-milliseconds"],
        "failover_timeout": said["failover-timeout"],
        "parallel_syncs": said["parallel-syncs"],
    }


def _storage(written: Claim | str, system: System) -> Any:
    from redisgen.cluster import Claim

    claim = system.patched("redis.storage.persistentVolumeClaim")
    keep = system.patched("redis.storage.keepAfterDeletion")
    if claim is None or (claim is UNSET and isinstance(written, str)):
        return "ephemeral"
    base = Claim("", "", keep_after_deletion=False) if isinstance(written, str) else written
    return base if keep is UNSET else replace(base, keep_after_deletion=bool(keep))
