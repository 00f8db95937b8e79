"""Data from an old Redis, by the code of DEPLOYMENT.md."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis

from tests.readme import blocks
from tests.real.failover import AUTH
from tests.real.pods import PASSWORD, Pod, Pods, until


def migration(folder: Path) -> str:
    """Copy keys of every type out of an old Redis with a password of its own into the database of the application."""
    with Pods(AUTH, folder / "new") as pods:
        address = f"{pods.net}.200"
        (folder / "old").mkdir()
        command = ["redis-server", "--bind", address, "--requirepass", "old password", "--save", ""]
        old = Pod(address, 6379, folder / "old", command, "old password")
        old.start()
        try:
            until(10, old.answers, "the old Redis answers")
            client = redis.Redis(address, 6379, password="old password")
            _fill(client)
            code = "".join(
                [
                    *(one.code for one in blocks(pods.readme, "Python: redis-py", "python")),
                    *(one.code for one in blocks(pods.deployment, "4. Data from an old Redis", "python")),
                ]
            )
            environment = pods.environment() | {"OLD": address, "OLD_PASSWORD": "old password"}
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
            )
            copied, there = done.stdout.split()
            assert copied == there == str(client.dbsize())
            new = redis.Redis(pods.redis[0].address, pods.system.port, db=2, password=PASSWORD)
            for key in client.scan_iter():
                assert new.type(key) == client.type(key)
                assert abs(new.pttl(key) - client.pttl(key)) < 60_000
                assert (new.pttl(key) < 0) == (client.pttl(key) < 0)
                assert _content(new, key) == _content(client, key)
            assert new.xinfo_groups("stream") == client.xinfo_groups("stream")
        finally:
            old.stop(signal.SIGKILL)
        return f"{copied} of {there} keys, of every type and with their time to live"


def _fill(client: redis.Redis) -> None:
    client.mset({f"text:{number}": "x" * number for number in range(2000)})
    client.set(b"\x00\xff two words\n", b"\x00\xff")
    client.set("brief", "x", px=3_600_000)
    client.lpush("list", *range(300))
    client.sadd("set", *range(300), "word")
    client.zadd("sorted", {f"m{number}": number / 3 for number in range(300)})
    client.hset("hash", mapping={f"f{number}": number for number in range(300)})
    client.xadd("stream", {"field": "value"})
    client.xgroup_create("stream", "readers", "0")
    client.pfadd("log", *range(100))
    client.setbit("bits", 1000, 1)


def _content(client: redis.Redis, key: bytes) -> Any:
    readers: dict[Any, Callable[[bytes], Any]] = {
        b"string": client.get,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        b"hash": client.hgetall,
        b"stream": client.xrange,
    }
    return readers[client.type(key)](key)


SCENARIOS: dict[str, Callable[[Path], str]] = {"data from an old Redis": migration}
