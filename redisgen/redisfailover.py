"""What a cluster's settings become in its RedisFailover, so that operator v1.2.4 does what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redisgen.cluster import Cluster, Redis, Sentinel


EMPTY = '""'  # the one way to write an empty value in customConfig (facts, 2.3)


def redis_command(cluster: Cluster) -> list[str]:
    """Return the command of the Redis container: redis-server with all that it must know when it starts.

    The operator puts customConfig into no file: Redis boots without it, and an AOF switched on there is overwritten
    (T4). Save points follow an empty one, or they add to those of the operator's redis.conf (T4c).
    """
    redis = cluster.redis
    persistence = redis.persistence
    settings = [
        ("maxmemory", str(redis.maxmemory)),
        ("maxmemory-policy", redis.maxmemory_policy),
        ("save", ""),
        *(("save", point) for point in persistence.rdb),
        *_append_only(persistence.aof),
        *((name, str(value)) for name, value in redis.config.items() if not _is_live(redis, name)),
    ]
    arguments = [argument for name, value in settings for argument in (f"--{name}", *(value.split() or [""]))]
    # Kubernetes would put a variable of the pod for $(NAME).
    literal = [argument.replace("$(", "$$(") for argument in arguments]
    return [*_delayed(cluster), "redis-server", "/redis/redis.conf", *literal]


def redis_custom_config(cluster: Cluster) -> list[str]:
    """Return what the operator sets by CONFIG SET on each pod every 30 s: one line a directive (facts, 2.3)."""
    redis = cluster.redis
    live = [(name, str(value)) for name, value in redis.config.items() if _is_live(redis, name)]
    return [f"{name} {value or EMPTY}" for name, value in live]


def sentinel_custom_config(sentinel: Sentinel) -> list[str]:
    """Return Sentinel's settings, always all three: any list replaces the operator's defaults (T5)."""
    return [
        f"down-after-milliseconds {sentinel.down_after_milliseconds}",
        f"failover-timeout {sentinel.failover_timeout}",
        f"parallel-syncs {sentinel.parallel_syncs}",
    ]


def restart_delay(cluster: Cluster) -> int:
    """Return the seconds that Redis waits before it starts, or 0.

    Down-after and 3 s more, so that Sentinel sees a master that restarts in place as down and fails over; without it
    the master is back at once as a replica of itself and writes stop for 31 s instead of 7 (facts, section 10).
    """
    if not cluster.redis.restart_delay or cluster.redis.replicas == 1:
        return 0
    return -(-cluster.sentinel.down_after_milliseconds // 1000) + 3


def _append_only(aof: str) -> list[tuple[str, str]]:
    return [("appendonly", "no")] if aof == "no" else [("appendonly", "yes"), ("appendfsync", aof)]


def _delayed(cluster: Cluster) -> list[str]:
    seconds = restart_delay(cluster)
    return ["sh", "-c", f'sleep {seconds}; exec "$@"', "redis"] if seconds else []


def _is_live(redis: Redis, name: str) -> bool:
    from redisgen.directives import is_live

    return is_live(name, redis.version)
