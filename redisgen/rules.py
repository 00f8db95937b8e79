"""What JSON Schema cannot say: rules over the typed values, one short function each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from redisgen import overrides
from redisgen.findings import Finding
from redisgen.values import Mapping, place_of

if TYPE_CHECKING:
    from redisgen.cluster import Cluster


def check(cluster: Cluster, values: Mapping) -> Iterator[Finding]:
    """Hold one cluster against every rule; `values` are its own, for the places."""
    yield from check_config(cluster, values)
    yield from overrides.check(values)


def check_config(cluster: Cluster, values: Mapping) -> Iterator[Finding]:
    """Check the directives of redis.config: one that Redis refuses stops the operator's healing (T3)."""
    for name, value in cluster.redis.config.items():
        if message := _directive_problem(name, str(value), cluster.redis.version):
            yield Finding(place_of(values, ("redis", "config", name)), "config", message, fact="T3")


def _directive_problem(name: str, value: str, version: tuple[int, int] | None) -> str | None:
    # Only who sets a directive pays for the table.
    from redisgen.directives import directive, problem

    found = directive(name)
    if found and found.reserved and (not found.reserved.values or value in found.reserved.values):
        instead = f"; use {found.reserved.key}" if found.reserved.key else ""
        return f"'{name}' {found.reserved.reason}{instead}"
    return problem(name, value, version)
