"""What real Redis, of each version at hand, says to the rendered arguments and directives."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import GOLDEN
from tests.real.pods import Pods, until
from tests.system import unlike

# The system's own, and those of tools/get_redis.sh.
SERVERS = ("redis-server", "redis-server-6.2", "redis-server-8.2")
GOLDEN_CASES = ("auth", "default", "development", "every-key", "five", "hostile-text")
CASES = {
    "default": "",
    "no persistence": "redis: {maxmemory: 768mb, persistence: {aof: no, rdb: [], storage: ephemeral}}",
    "two save points": "redis: {persistence: {rdb: ['3600 1', '60 1000'], aof: always}, maxmemoryPolicy: volatile-ttl}",
    "directives": """
redis:
  config:
    databases: 4
    tcp-backlog: 128
    timeout: 300
    maxclients: 500
    notify-keyspace-events: Ex
    client-output-buffer-limit: normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
    repl-backlog-size: 16mb
    lazyfree-lazy-eviction: yes
    slowlog-log-slower-than: 5000
    min-replicas-to-write: 1
""",
}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8")


def found(server: str) -> str:
    """Return where a server is, and its version."""
    path = shutil.which(server, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not path:
        if os.environ.get("CI"):
            pytest.fail(f"{server} is missing: make test installs it")
        pytest.skip(f"{server} is not installed")
    return path


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_every_version_takes_what_is_rendered(values: str, server: str, tmp_path: Path) -> None:
    path = found(server)
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    version = said.split("v=")[1].split()[0]
    taken(Pods(values, tmp_path, path, more=f"redis: {{image: 'redis:{version}', restartDelay: false}}"))


@pytest.mark.parametrize("case", GOLDEN_CASES)
def test_golden_cases_start(case: str, tmp_path: Path) -> None:
    values = (GOLDEN / "valid" / case / "values.yaml").read_text("utf-8")
    taken(Pods(values, tmp_path, found("redis-server"), more="redis: {restartDelay: false}"))


def taken(pods: Pods) -> None:
    """Start a Redis as the manifests say and set what the operator sets; it reads back as the values have it."""
    first = pods.redis[0]
    first.start()
    try:
        until(10, first.answers, f"Redis starts: {(first.folder / 'log').read_text('utf-8')}")
        for name, value in pods.system.live:
            first.client.config_set(name, "" if value == '""' else value)
        assert unlike(pods.system, first.client.config_get("*")) == {}
        assert len(pods.system.arguments) >= 4
    finally:
        first.stop()
