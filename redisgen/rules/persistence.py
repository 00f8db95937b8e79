"""What survives."""

from __future__ import annotations

from collections.abc import Iterator

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_EPHEMERAL = "redis: {persistence: {aof: no, rdb: [], storage: ephemeral}}"


@rule(
    "RG021",
    "warning",
    fact="T22",
    title="Data goes with the RedisFailover",
    guards="""Without keepAfterDeletion, deleting the RedisFailover, its namespace's objects or the CRD deletes every
    claim, and with them the data. It is fixed when the claims are made: switching it later changes nothing.""",
    example="redis: {persistence: {storage: {keepAfterDeletion: false}}}",
    near_miss="redis: {persistence: {storage: {keepAfterDeletion: true}}}",
)
def check_kept(system: System) -> Iterator[Problem]:
    """Say what deletes the data."""
    storage = system.cluster.redis.persistence.storage
    if not isinstance(storage, str) and not storage.keep_after_deletion:
        yield Problem(
            "redis.persistence.storage.keepAfterDeletion",
            "deleting the RedisFailover, or the CRD, deletes the data with it, and this cannot be changed once the "
            "claims exist; set keepAfterDeletion to true",
            {"redis.persistence.storage.keepAfterDeletion": True},
        )


@rule(
    "RG022",
    "info",
    fact="T25",
    title="Nothing survives all pods",
    guards="""With ephemeral storage a pod's data goes with the pod, and when all are gone, so is all data: a node pool
    replaced, a RedisFailover recreated. Right for a cache.""",
    example=_EPHEMERAL,
    near_miss="redis: {persistence: {aof: no}}",
)
def check_ephemeral(system: System) -> Iterator[Problem]:
    """Say what ephemeral storage means."""
    persistence = system.cluster.redis.persistence
    if persistence.storage == "ephemeral" and persistence.aof == "no" and not persistence.rdb:
        yield Problem(
            "redis.persistence.storage",
            "nothing is kept: when all Redis pods are gone, so is all data; right for a cache, else give it a volume",
        )


@rule(
    "RG023",
    "warning",
    fact="T25",
    title="Persistence onto a volume that does not persist",
    guards="""The append-only file and save points on ephemeral storage cost disk and time and survive a crash of the
    container, but not the pod: an update, a drain or an eviction removes them.""",
    example="redis: {persistence: {storage: ephemeral}}",
    near_miss="redis: {persistence: {storage: {size: 1Gi}}}",
)
def check_lost(system: System) -> Iterator[Problem]:
    """Find files that are written for nothing."""
    persistence = system.cluster.redis.persistence
    if persistence.storage == "ephemeral" and (persistence.aof != "no" or persistence.rdb):
        yield Problem(
            "redis.persistence.storage",
            "the append-only file and save points go to a volume that dies with its pod; give it a volume claim, or "
            "set aof to 'no' and rdb to []",
        )


@rule(
    "RG024",
    "warning",
    fact="T25",
    title="A volume that nothing is written to",
    guards="""With neither append-only file nor save points, Redis comes back empty from every restart, whatever its
    volume. An operator that promotes a restarted pod then empties the replicas too (T26).""",
    example="redis: {persistence: {aof: no, rdb: []}}",
    near_miss='redis: {persistence: {aof: no, rdb: ["900 1"]}}',
)
def check_unused(system: System) -> Iterator[Problem]:
    """Find a claim without persistence."""
    persistence = system.cluster.redis.persistence
    if persistence.storage != "ephemeral" and persistence.aof == "no" and not persistence.rdb:
        yield Problem(
            "redis.persistence",
            "neither append-only file nor save points: Redis restarts empty, and the volume is paid for nothing; set "
            "aof to everysec, or storage to ephemeral",
            {"redis.persistence.aof": "everysec"},
        )


@rule(
    "RG025",
    "error",
    fact="T21",
    title="A volume claim without a name",
    guards="""The operator takes the name of the volume from the claim's metadata. Without it the StatefulSet is
    refused and no Redis is created.""",
    example="overrides: {redis: {storage: {persistentVolumeClaim: {metadata: {name: null}}}}}",
    near_miss="overrides: {redis: {storage: {persistentVolumeClaim: {metadata: {name: data}}}}}",
    waivable=False,
)
def check_claim_name(system: System) -> Iterator[Problem]:
    """Ask for the name of the claim."""
    field = "redis.storage.persistentVolumeClaim"
    patch = system.patched(field) if system.patch else None
    if not isinstance(patch, dict):
        return
    claim_is_rendered = not isinstance(system.written.redis.persistence.storage, str)
    name = system.patched(f"{field}.metadata.name")
    if name is None or name == "" or (not isinstance(name, str) and not claim_is_rendered):
        yield Problem(
            f"overrides.{field}.metadata.name",
            "the volume claim has no name, and Kubernetes refuses a StatefulSet with it; name it redis-data",
            {f"overrides.{field}.metadata.name": "redis-data"},
        )


@rule(
    "RG026",
    "error",
    fact="T25",
    title="Two kinds of storage at once",
    guards="""When emptyDir and persistentVolumeClaim are both set, the operator takes the claim and ignores the other
    without a word.""",
    example="overrides: {redis: {storage: {emptyDir: {sizeLimit: 1Gi}}}}",
    near_miss="""redis: {persistence: {aof: no, rdb: [], storage: ephemeral}}
overrides: {redis: {storage: {emptyDir: {sizeLimit: 1Gi}}}}
waive: {RG022: a cache}""",
)
def check_two(system: System) -> Iterator[Problem]:
    """Find an emptyDir beside a claim."""
    empty = system.given("redis.storage.emptyDir")
    if empty is not None and system.cluster.redis.persistence.storage != "ephemeral":
        yield Problem(
            "overrides.redis.storage.emptyDir",
            "the volume claim wins and emptyDir is ignored; set redis.persistence.storage to ephemeral, or remove "
            "emptyDir",
        )
