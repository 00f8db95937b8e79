"""Clusters of one fleet that take each other's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

if TYPE_CHECKING:
    from redisgen.cluster import Cluster, Fleet

_Name = tuple[str, str, str]  # kind, namespace, name


def _operators_own(cluster: Cluster) -> Iterator[_Name]:
    """Yield what the operator makes for a cluster, and redisgen's script (facts, 1.1)."""
    name, namespace = cluster.name, cluster.namespace
    for config_map in (f"rfr-{name}", f"rfs-{name}", f"rfr-s-{name}", f"rfr-readiness-{name}"):
        yield "ConfigMap", namespace, config_map
    if cluster.redis.handover:
        yield "ConfigMap", namespace, f"{name}-shutdown"
    yield "Service", namespace, f"rfr-{name}"
    yield "Service", namespace, f"rfs-{name}"


def _connections(cluster: Cluster) -> Iterator[tuple[str, _Name]]:
    connection = cluster.connection
    if connection.master_service:
        yield "connection.masterService", ("Service", cluster.namespace, connection.master_service)
    if connection.config_map:
        yield "connection.configMap", ("ConfigMap", cluster.namespace, connection.config_map)


def _distinct(systems: list[System]) -> list[System]:
    """Leave out clusters that RG061 finds: all their names collide."""
    first = {(one.cluster.namespace, one.cluster.name): one for one in reversed(systems)}
    return list(first.values())[::-1]


@rule(
    "RG061",
    "error",
    fact="1.1",
    title="Two clusters of one name",
    guards="A name says which RedisFailover is meant in a namespace: the second cluster would overwrite the first.",
    example="auth: {secretName: a}\nclusters: [{name: a}, {name: a}]",
    near_miss="auth: {secretName: a}\nclusters: [{name: a}, {name: a, namespace: b}]",
    waivable=False,
    over="fleet",
)
def check_names(_: Fleet, systems: list[System]) -> Iterator[Problem]:
    """Find clusters of the same name and namespace."""
    seen = set()
    for system in systems:
        cluster = system.cluster
        if (cluster.namespace, cluster.name) in seen:
            yield Problem(
                "name",
                f"a second cluster '{cluster.name}' in namespace '{cluster.namespace}' overwrites the first; give it "
                "another name",
                of=system,
            )
        seen.add((cluster.namespace, cluster.name))


@rule(
    "RG062",
    "error",
    fact="T18",
    title="Clusters whose ConfigMaps collide",
    guards="""The operator names the ConfigMaps of 'foo' rfr-s-foo and rfr-readiness-foo; those are also rfr-NAME of
    clusters 's-foo' and 'readiness-foo'. In one namespace they overwrite each other every 30 s.""",
    example="""connection: {masterService: "", configMap: ""}
clusters: [{name: foo, auth: {secretName: a}}, {name: s-foo, auth: {secretName: b}}]""",
    near_miss="""connection: {masterService: "", configMap: ""}
clusters: [{name: foo, auth: {secretName: a}}, {name: foo-s, auth: {secretName: b}}]""",
    waivable=False,
    over="fleet",
)
def check_collisions(_: Fleet, systems: list[System]) -> Iterator[Problem]:
    """Find clusters for which the operator makes objects of the same name."""
    owners: dict[_Name, System] = {}
    for system in _distinct(systems):
        for name in _operators_own(system.cluster):
            if (other := owners.setdefault(name, system)) is not system:
                yield Problem(
                    "name",
                    f"'{system.cluster.name}' and '{other.cluster.name}' both own {name[0]} '{name[2]}' in namespace "
                    f"'{name[1]}' and overwrite each other every 30 s; give one another name or namespace",
                    of=system,
                )


@rule(
    "RG063",
    "error",
    fact="1.1",
    title="A connection's name that is taken",
    guards="""connection.masterService and connection.configMap name objects in the cluster's namespace. When another
    cluster there, or the operator, has an object of that name, one overwrites the other, and applications reach the
    wrong Redis.""",
    example="clusters: [{name: a}, {name: b, auth: {secretName: b}, connection: {configMap: b}}]",
    near_miss="""clusters:
  - {name: a, auth: {secretName: a}}
  - {name: b, auth: {secretName: b}, connection: {masterService: b, configMap: b}}""",
    waivable=False,
    over="fleet",
)
def check_connections(_: Fleet, systems: list[System]) -> Iterator[Problem]:
    """Find connection names that something else has."""
    distinct = _distinct(systems)
    owners: dict[_Name, System] = {name: one for one in distinct for name in _operators_own(one.cluster)}
    for system in distinct:
        for key, name in _connections(system.cluster):
            taken = name in owners
            other = owners.setdefault(name, system)
            if taken:
                yield Problem(
                    key,
                    f"{name[0]} '{name[2]}' in namespace '{name[1]}' belongs to '{other.cluster.name}' already, and "
                    "one overwrites the other; name it "
                    f"{system.cluster.name}-{'master' if name[0] == 'Service' else 'connection'}",
                    {key: f"{system.cluster.name}-{'master' if name[0] == 'Service' else 'connection'}"},
                    of=system,
                )
