"""What the README says of a failover."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.real.applications import Application, celery, django, go_redis, ioredis, redis_py
from tests.real.pods import Pod, Pods, until

AUTH = "{name: my-orders, namespace: shop, redis: {port: 6390}, auth: {secretName: my-orders}, connection: {db: 2}}"
PROMISED = 15  # seconds without writes, at most
PROMISED_TASKS = 30  # kombu waits 2, 4, 6, 8 s between its tries


def crash(folder: Path, values: str, application: Callable[[Pods], Application], limit: int = PROMISED) -> str:
    """Kill the master, which stays away; the client writes on, and the old master comes back as a replica."""
    with Pods(values, folder) as pods, application(pods) as client:
        old = pods.redis[0]
        old.stop(signal.SIGKILL)
        until(30, _failed_over(pods, old), "Sentinel names another master")
        until(40, client.resumed, "the client writes again")
        old.start()
        until(30, old.answers, "the old master is back")
        follows = until(60, lambda: pods.followed(old) == pods.master().address, "the old master is a replica")
        assert client.outage() <= limit
        return f"{client.outage():.1f} s without writes; the old master a replica {follows:.0f} s after it was back"


def crash_in_place(folder: Path) -> str:
    """Kill the master, whose container restarts at once."""
    return f"{_crash_in_place(folder, ''):.1f} s without writes"


def crash_in_place_without_delay(folder: Path) -> str:
    """Show what the restart delay is for: Sentinel takes its time to see that a living master is none."""
    outage = _crash_in_place(folder, "{redis: {restartDelay: false}}")
    assert outage > PROMISED
    return f"{outage:.1f} s without writes"


def planned(folder: Path, values: str, password: str | None = None) -> str:
    """Delete the master's pod: its shutdown script hands over, with whatever password the pod was started."""
    with Pods(values, folder) as pods, redis_py(pods) as client:
        old = pods.redis[0]
        time.sleep(5)
        pods.stop_as_planned(old, password)
        return _handed_over(pods, old, client)


def planned_without_copies(folder: Path) -> str:
    """Delete the master's pod while it pings its replicas every second: no replica has to copy everything."""
    with Pods("redis: {config: {repl-ping-replica-period: 1}}", folder) as pods, redis_py(pods) as client:
        old = pods.redis[0]
        time.sleep(5)
        pods.stop_as_planned(old)
        new = pods.master()
        until(30, pods.follows(new), "the other replica follows")
        assert new.client.info("stats")["sync_full"] == 0
        return _handed_over(pods, old, client)


def planned_with_bad_sentinels(folder: Path) -> str:
    """Delete the master's pod while one Sentinel hangs with its node, and a new one does not know the master yet."""
    with Pods("", folder) as pods, redis_py(pods) as client:
        old, new, (hanging, good, _) = pods.redis[0], pods.new_sentinel(), pods.sentinels[:3]
        time.sleep(5)
        hanging.signal(signal.SIGSTOP)
        pods.stop_as_planned(old, sentinels=(hanging, new, good, new, hanging, new, good, hanging, good))
        hanging.signal(signal.SIGCONT)
        return _handed_over(pods, old, client)


def planned_two_at_once(folder: Path) -> str:
    """Stop the master and the replica that Sentinel likes best, as a drain of their node does."""
    with Pods("", folder) as pods, redis_py(pods) as client, ThreadPoolExecutor() as pool:
        master, liked, rest = pods.redis
        liked.client.config_set("replica-priority", "1")
        time.sleep(11)  # Sentinel reads it every 10 s
        for _ in pool.map(pods.stop_as_planned, (master, liked)):
            pass
        assert pods.master() is rest
        return _handed_over(pods, master, client, 9)


def quorum(folder: Path) -> str:
    """Leave one Sentinel of three, with which nobody is promoted; with two somebody is."""
    with Pods("", folder) as pods:
        old, (first, second, _) = pods.redis[0], pods.sentinels
        for pod in (first, second, old):
            pod.stop(signal.SIGKILL)
        time.sleep(20)  # four times down-after
        assert all(pod.client.info("replication")["role"] == "slave" for pod in pods.redis[1:])
        assert pods.master() is old
        second.start()
        until(10, second.answers, "the second Sentinel is back")
        seconds = until(60, _failed_over(pods, old), "two Sentinels promote")
        return f"none promoted within 20 s by one of three; one promoted {seconds:.0f} s after the second was back"


def _handed_over(pods: Pods, old: Pod, client: Application, limit: int = PROMISED) -> str:
    assert pods.master() is not old
    until(30, client.resumed, "the client writes again")
    assert client.outage() <= limit
    assert client.lost() == 0
    return f"{client.outage():.1f} s without writes, 0 of {len(client.acknowledged())} acknowledged writes lost"


def _crash_in_place(folder: Path, values: str) -> float:
    with Pods(values, folder) as pods, redis_py(pods) as client:
        old = pods.redis[0]
        old.stop(signal.SIGKILL)
        old.start()
        until(90, _failed_over(pods, old), "Sentinel names another master")
        until(30, client.resumed, "the client writes again")
        return client.outage()


def _failed_over(pods: Pods, old: Pod) -> Callable[[], bool]:
    return lambda: pods.master() is not old


SCENARIOS: dict[str, Callable[[Path], str]] = {
    "crash": partial(crash, values="", application=redis_py),
    "crash, with password, port and database": partial(crash, values=AUTH, application=redis_py),
    "crash, Celery": partial(crash, values=AUTH, application=celery, limit=PROMISED_TASKS),
    "crash, Celery without password": partial(crash, values="", application=celery, limit=PROMISED_TASKS),
    "crash, Django": partial(crash, values=AUTH, application=django),
    "crash, ioredis": partial(crash, values=AUTH, application=ioredis),
    "crash, go-redis": partial(crash, values=AUTH, application=go_redis),
    "crash in place": crash_in_place,
    "crash in place, without restartDelay": crash_in_place_without_delay,
    "planned stop": partial(planned, values=""),
    "planned stop, with password, port and database": partial(planned, values=AUTH),
    "planned stop, with a password younger than the pod": partial(planned, values=AUTH, password=""),
    "planned stop, with a password older than Redis'": partial(planned, values=AUTH, password="former"),
    "planned stop, with a ping a second": planned_without_copies,
    "planned stop, with Sentinels that do not answer or know": planned_with_bad_sentinels,
    "planned stop of two at once": planned_two_at_once,
    "quorum": quorum,
}
