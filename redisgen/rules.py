"""What JSON Schema cannot say: rules over the typed values, one short function each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from redisgen import overrides
from redisgen.findings import Finding
from redisgen.values import Mapping, place_of

if TYPE_CHECKING:
    from redisgen.cluster import Cluster

# Directives with a key of their own, which says more than the directive.
_KEYS = {
    "port": "redis.port",
    "maxmemory": "redis.maxmemory",
    "maxmemory-policy": "redis.maxmemoryPolicy",
    "save": "redis.persistence.rdb",
    "appendonly": "redis.persistence.aof",
    "appendfsync": "redis.persistence.aof",
}


def check(cluster: Cluster, values: Mapping) -> Iterator[Finding]:
    """Hold one cluster against every rule; `values` are its own, for the places."""
    yield from check_config(cluster, values)
    yield from overrides.check(values)


def check_config(cluster: Cluster, values: Mapping) -> Iterator[Finding]:
    """Check the directives of redis.config: one that Redis refuses stops the operator's healing (T3)."""
    if not cluster.redis.config:
        return
    from redisgen.directives import problem

    for name, value in cluster.redis.config.items():
        if name in _KEYS:
            message = f"'{name}' has a key of its own: {_KEYS[name]}"
        else:
            message = problem(name, str(value), cluster.redis.version) or ""
        if message:
            yield Finding(place_of(values, ("redis", "config", name)), "config", message, fact="T3")
