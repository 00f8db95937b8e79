"""What real Redis says to the rendered command; skipped where redis-server is missing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.system import only, rendered

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")

# The operator's redis.conf (facts, 1.3), as far as it matters to a Redis of its own.
BASE = "port {port}\nbind 127.0.0.1\ntcp-keepalive 60\nsave 900 1\nsave 300 10\nuser pinger -@all +ping on >pingpass\n"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def config_of(values: str, folder: Path) -> dict[str, str]:
    """Start Redis as the manifests say, ask it for its settings, and stop it."""
    command = only(rendered(values), "RedisFailover")["spec"]["redis"]["command"]
    command = command[command.index("redis-server") :]
    port = free_port()
    (folder / "redis.conf").write_text(BASE.format(port=port))
    command[1] = str(folder / "redis.conf")
    redis = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for _ in range(50):
            done = subprocess.run(
                ["redis-cli", "-p", str(port), "CONFIG", "GET", "*"],
                capture_output=True,
                text=True,
                timeout=5,
                check=False,
            )
            if done.returncode == 0 and "maxmemory" in done.stdout:
                lines = done.stdout.split("\n")
                return dict(zip(lines[::2], lines[1::2], strict=False))
            time.sleep(0.1)
        redis.kill()
        raise AssertionError(redis.communicate()[0])
    finally:
        redis.kill()
        redis.wait()


def test_redis_starts_with_what_the_values_say(tmp_path: Path) -> None:
    config = config_of("", tmp_path)
    assert config["save"] == "900 1 300 10 60 10000"
    assert (config["appendonly"], config["appendfsync"]) == ("yes", "everysec")
    assert (config["maxmemory"], config["maxmemory-policy"]) == (str(512 * 2**20), "allkeys-lru")


def test_redis_starts_without_persistence(tmp_path: Path) -> None:
    config = config_of("redis: {maxmemory: 768mb, persistence: {aof: no, rdb: [], storage: ephemeral}}", tmp_path)
    assert (config["save"], config["appendonly"], config["maxmemory"]) == ("", "no", str(768 * 2**20))
