"""What outlives a restart of every pod, and what is lost by the settings that redisgen does not render."""

from __future__ import annotations

import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.real.applications import redis_py
from tests.real.pods import Pods, until

AT_ONCE = "redis: {restartDelay: false}"
SNAPSHOT = "redis: {restartDelay: false, persistence: {aof: no}}"
KEYS = 500


def kept(folder: Path, how: signal.Signals) -> str:
    """Stop all Redis pods at once; with the rendered settings every acknowledged write is there afterwards."""
    with Pods(AT_ONCE, folder) as pods, redis_py(pods) as client:
        until(20, lambda: len(client.acknowledged()) > 60, "the client writes")
        for pod in pods.redis:
            pod.stop(how)
        _restart(pods)
        assert client.lost() == 0
        return f"0 of {len(client.acknowledged())} acknowledged writes lost"


def lost_by_custom_config(folder: Path) -> str:
    """Switch the append-only file on by customConfig: Redis starts without it and overwrites it (T4)."""
    command, custom = ["redis-server", "/redis/redis.conf"], ["appendonly yes", 'save ""']
    with Pods(AT_ONCE, folder, command=command, customConfig=custom) as pods:
        _fill(pods)
        for pod in pods.redis:
            pod.stop()
        _restart(pods)
        assert pods.redis[0].client.config_get("appendonly") == {"appendonly": "yes"}
        assert pods.redis[0].client.dbsize() == 0
        return f"{KEYS} of {KEYS} keys lost"


def lost_by_appendonly_over_a_snapshot(folder: Path) -> str:
    """Switch the append-only file on where there is only a snapshot: Redis starts empty (T4b)."""
    with Pods(SNAPSHOT, folder) as pods:
        _fill(pods)
        for pod in pods.redis:
            pod.stop()
    with Pods(AT_ONCE, folder) as pods:
        assert pods.redis[0].client.dbsize() == 0
        return f"{KEYS} of {KEYS} keys lost"


def kept_by_appendonly_switched_on_first(folder: Path) -> str:
    """Switch it on in the running Redis first, wait for the file, and only then render it (T4b)."""
    with Pods(SNAPSHOT, folder) as pods:
        _fill(pods)
        for pod in pods.redis:
            pod.client.config_set("appendonly", "yes")
            until(30, partial(_has_file, pod.client), "the append-only file is written")
        for pod in pods.redis:
            pod.stop()
    with Pods(AT_ONCE, folder) as pods:
        assert pods.redis[0].client.dbsize() == KEYS
        return f"0 of {KEYS} keys lost"


def _fill(pods: Pods) -> None:
    pods.redis[0].client.mset({f"k:{number}": number for number in range(KEYS)})
    for pod in pods.redis:
        until(10, lambda pod=pod: pod.client.dbsize() == KEYS, "replicated")  # type: ignore[misc]


def _restart(pods: Pods) -> None:
    for pod in pods.redis:
        pod.start()
    pods.promote(pods.redis[0])
    pods.watch(pods.redis[0])


def _has_file(client: object) -> bool:
    persistence = client.info("persistence")  # type: ignore[attr-defined]
    return (persistence["aof_rewrite_in_progress"], persistence["aof_rewrite_scheduled"]) == (0, 0)


SCENARIOS: dict[str, Callable[[Path], str]] = {
    "all Redis pods killed at once": partial(kept, how=signal.SIGKILL),
    "all Redis pods stopped at once": partial(kept, how=signal.SIGTERM),
    "append-only file by customConfig": lost_by_custom_config,
    "append-only file over a snapshot": lost_by_appendonly_over_a_snapshot,
    "append-only file switched on first": kept_by_appendonly_switched_on_first,
}
