"""Memory and CPU."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING

from redisgen.amounts import quantity, size
from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

if TYPE_CHECKING:
    from redisgen.cluster import Resources

_SHARE = Decimal("0.75")


@rule(
    "RG027",
    "error",
    fact="T39",
    title="maxmemory as large as the container",
    guards="""maxmemory counts data only. A container limit no larger is reached first, and the kernel kills Redis in
    the midst of writes, again after each load.""",
    example="redis: {maxmemory: 1gb}",
    near_miss="redis: {maxmemory: 1023mb}\nwaive: {RG028: nothing is written}",
)
def check_fits(system: System) -> Iterator[Problem]:
    """Hold maxmemory against the memory limit."""
    redis = system.cluster.redis
    limit = quantity(redis.resources.limits.memory)
    if limit and size(redis.maxmemory) >= limit:
        yield Problem(
            "redis.maxmemory",
            f"maxmemory {redis.maxmemory} in a container limited to {redis.resources.limits.memory}: Redis is killed "
            f"before it evicts; set it to {_three_quarters(limit)}, or raise redis.resources.limits.memory",
            {"redis.maxmemory": _three_quarters(limit)},
        )


@rule(
    "RG028",
    "warning",
    fact="T39",
    title="No room beside maxmemory",
    guards="""A save or a full synchronisation forks Redis, and every page written meanwhile exists twice; buffers of
    replicas and clients are not counted in maxmemory either. A quarter of the limit is the least to leave.""",
    example="redis: {maxmemory: 769mb}",
    near_miss="redis: {maxmemory: 768mb}",
)
def check_room(system: System) -> Iterator[Problem]:
    """Ask for a quarter of the memory limit beside maxmemory."""
    redis = system.cluster.redis
    limit = quantity(redis.resources.limits.memory)
    if limit and limit * _SHARE < size(redis.maxmemory) < limit:
        yield Problem(
            "redis.maxmemory",
            f"maxmemory {redis.maxmemory} is {size(redis.maxmemory) / limit:.1%} of the limit "
            f"{redis.resources.limits.memory}: a save's copies and buffers need a quarter of it, or the kernel kills "
            f"Redis; set {_three_quarters(limit)}",
            {"redis.maxmemory": _three_quarters(limit)},
        )


def _three_quarters(limit: Decimal) -> str:
    return f"{max(1, int(limit * _SHARE) // 2**20)}mb"


@rule(
    "RG029",
    "warning",
    fact="T39",
    title="Memory without bound",
    guards="maxmemory 0 is no bound at all: Redis grows until the kernel kills it, and loads as much again.",
    example="redis: {maxmemory: 0}",
    near_miss="redis: {maxmemory: 1mb}",
)
def check_bound(system: System) -> Iterator[Problem]:
    """Ask for a maxmemory."""
    redis = system.cluster.redis
    if size(redis.maxmemory) == 0:
        limit = quantity(redis.resources.limits.memory)
        yield Problem(
            "redis.maxmemory",
            "maxmemory 0 is no bound: Redis grows until it is killed, and again after it has loaded its data; set "
            "three quarters of the memory limit",
            {"redis.maxmemory": _three_quarters(limit)} if limit else None,
        )


@rule(
    "RG030",
    "error",
    fact="7",
    title="Requests above limits",
    guards="Kubernetes refuses a pod whose container requests more than its limit; the operator retries without end.",
    example="redis: {resources: {requests: {cpu: 1001m}}}",
    near_miss="redis: {resources: {requests: {cpu: 1000m}}}",
    waivable=False,
)
def check_requests(system: System) -> Iterator[Problem]:
    """Hold requests against limits in every container of a cluster."""
    cluster = system.cluster
    yield from above("redis", cluster.redis.resources)
    yield from above("sentinel", cluster.sentinel.resources)
    if cluster.exporter.enabled:
        yield from above("exporter", cluster.exporter.resources)


def above(part: str, resources: Resources) -> Iterator[Problem]:
    """Find what a container requests above its limits."""
    for kind in ("cpu", "memory"):
        request, limit = getattr(resources.requests, kind), getattr(resources.limits, kind)
        if not request or not limit:
            continue
        if (quantity(request) or 0) > (quantity(limit) or 0):
            key = f"{part}.resources.requests.{kind}"
            yield Problem(
                key,
                f"{part} requests {kind} {request}, more than its limit {limit}: Kubernetes refuses the pod",
                {key: limit},
            )
