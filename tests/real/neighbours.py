"""Two clusters of which one gets a pod address that was the other's (T10)."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from signal import SIGKILL

import redis

from tests.real.pods import Pods, until

OPEN = "{redis: {restartDelay: false, persistence: {storage: ephemeral, aof: no, rdb: []}}}"
CLOSED = f"{{auth: {{secretName: s}}, {OPEN[1:]}"
WINDOW = 40  # seconds in which Sentinels that reach a pod have made it follow their master


def neighbours(folder: Path, values: str, passwords: tuple[str, str], joined: bool) -> str:
    """Let a pod of one cluster start where one of the other was; tell whether the other takes it, data and all."""
    one, other = passwords
    with (
        Pods(values, folder / "one", password=one) as first,
        Pods(values, folder / "other", password=other) as second,
    ):
        first.redis[0].client.set("of", "first")
        second.redis[0].client.set("of", "second")
        first.redis[2].stop(SIGKILL)
        second.redis[2].stop(SIGKILL)
        moved = second.pod(2, first.redis[2].address)
        second.redis[2] = moved
        moved.start()
        until(10, moved.answers, "the pod is back, at another address")
        master = second.redis[0]
        moved.client.replicaof(master.address, str(master.port))
        taken, end = False, time.monotonic() + WINDOW
        while time.monotonic() < end and not taken:
            with suppress(redis.exceptions.RedisError):  # it loads what it was sent
                taken = moved.client.get("of") == "first"
            time.sleep(0.1)
        assert taken == joined
        return "its data is overwritten by the other's" if taken else f"it keeps its data for {WINDOW} s"


SCENARIOS: dict[str, Callable[[Path], str]] = {
    "an address reused, without passwords": partial(neighbours, values=OPEN, passwords=("", ""), joined=True),
    "an address reused, one password for both": partial(neighbours, values=CLOSED, passwords=("a", "a"), joined=True),
    "an address reused, a password each": partial(neighbours, values=CLOSED, passwords=("a", "b"), joined=False),
}
