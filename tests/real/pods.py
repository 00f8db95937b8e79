"""The pods of a rendered cluster as processes on loopback, and the part of the operator that makes a cluster of them.

Each pod has an address of its own in 127.0.0.0/8, so that the ports are those of the manifests; Linux has them all.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from redisgen.connection import MASTER_NAME, SENTINEL_PORT
from redisgen.documents import System, documents
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.values import parse

PASSWORD = "correct-horse.Battery_9"
_numbers = itertools.count(os.getpid() % 200 + 1)
_ONCE: dict[str, Any] = {
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": 2,
    "socket_connect_timeout": 2,
    "decode_responses": True,
}

# The operator's redis.conf (facts, 1.3); a pod's own address stands for its loopback.
_REDIS = """\
replicaof {address} {port}
port {port}
tcp-keepalive 60
save 900 1
save 300 10
user pinger -@all +ping on >pingpass
bind {address}
protected-mode no
replica-announce-ip {address}
dir {folder}
"""
_AUTH = "masterauth {password}\nrequirepass {password}\n"
# The operator's sentinel.conf (facts, 1.3).
_SENTINEL = """\
port {port}
bind {address}
sentinel announce-ip {address}
sentinel monitor mymaster {address} {redis} 2
sentinel down-after-milliseconds mymaster 1000
sentinel failover-timeout mymaster 3000
sentinel parallel-syncs mymaster 2
dir {folder}
"""

# A Service leads to one pod after the other, at the end to the last; what names none, to the pod itself.
_REDIS_CLI = """\
for word; do
  shift
  if [ "$word" = "$SERVICE" ]; then
    word=$(head -n 1 "$BEHIND")
    [ "$(wc -l < "$BEHIND")" -eq 1 ] || sed -i 1d "$BEHIND"
    named=1
  fi
  set -- "$@" "$word"
done
[ -n "${named-}" ] || set -- -h "$SELF" "$@"
exec "$REAL" "$@"
"""


class Pod:
    """One process with an address and a folder of its own; the folder outlives it, as a volume does."""

    def __init__(self, address: str, port: int, folder: Path, command: list[str], password: str) -> None:
        """Take what the pod is made of; it does not run yet."""
        self.address, self.port, self.folder, self.command = address, port, folder, command
        self.client: Any = redis.Redis(address, port, password=password or None, **_ONCE)
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Run the command of the container; it may take its time to listen."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send a signal to all that runs in the container, and wait for its end."""
        if self.process:
            self.signal(how)
            self.process.wait(20)
            self.process = None

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to all that runs in the container."""
        assert self.process
        os.killpg(self.process.pid, which)

    def answers(self) -> bool:
        """Tell whether it answers."""
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False


class Pods:
    """A cluster as its manifests say, with the operator's part played by its methods."""

    def __init__(
        self,
        values: str,
        folder: Path,
        server: str = "redis-server",
        more: str = "",
        password: str = PASSWORD,
        **edited: list[str],
    ) -> None:
        """Render the values, and more that win over them, and make a pod of each that the RedisFailover asks for.

        `edited` replaces fields of its `spec.redis`, for what redisgen would not render.
        """
        fleet, _ = load_fleet([parse(one, "redisgen.yaml") for one in (values, more)])
        (self.cluster,) = fleet.clusters
        manifests = render(fleet)
        rest = [name for name in manifests if "-operator-" not in name]
        texts = documents(fleet, manifests)
        self.readme, self.deployment = texts["README.md"], texts["DEPLOYMENT.md"]
        self.system = System(fleet, self.cluster, [], rest, manifests)
        self.system.redis.update(edited)
        self.shutdown = self._shutdown_script(manifests)
        self.password = password if self.system.secret else ""
        self.folder, self.server = folder, server
        self.net = f"127.{next(_numbers) % 254 + 1}.{os.getpid() % 254 + 1}"
        self.redis = [self.pod(number, f"{self.net}.{number + 10}") for number in range(self.system.replicas)]
        self.sentinels = [self._sentinel(number) for number in range(self.system.sentinels)]

    def __enter__(self) -> Pods:
        """Start every pod and do what the operator's first passes do."""
        for pod in self.redis + self.sentinels:
            pod.start()
        try:
            self.promote(self.redis[0])
            self.watch(self.redis[0])
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Stop everything."""
        for pod in self.redis + self.sentinels:
            pod.stop(signal.SIGKILL)

    def promote(self, master: Pod) -> None:
        """Make a pod master and the others its replicas, and set customConfig (facts, 2.2: steps 3 to 5)."""
        for pod in self.redis:
            until(30, pod.answers, f"{pod.address} answers")
        master.client.replicaof("NO", "ONE")
        for pod in self.redis:
            if pod is not master:
                pod.client.replicaof(master.address, str(master.port))
            for name, value in [("replica-priority", "100"), *self.system.live]:
                pod.client.config_set(name, "" if value == '""' else value)
        until(30, self.follows(master), "all replicas follow")

    def follows(self, master: Pod) -> Callable[[], bool]:
        """Return whether every other pod that answers follows this one."""

        def check() -> bool:
            others = [pod for pod in self.redis if pod is not master and pod.answers()]
            infos = [pod.client.info("replication") for pod in others]
            return all(
                (one.get("master_host"), one.get("master_link_status")) == (master.address, "up") for one in infos
            )

        return check

    def watch(self, master: Pod) -> None:
        """Point every Sentinel at the master (facts, 2.2: steps 7 and 9), and wait until all know each other."""
        for sentinel in self.sentinels:
            until(10, sentinel.answers, "Sentinel answers")
            ask = sentinel.client.execute_command
            ask("SENTINEL REMOVE", MASTER_NAME)
            ask("SENTINEL MONITOR", MASTER_NAME, master.address, master.port, self.system.quorum)
            if self.password:
                ask("SENTINEL SET", MASTER_NAME, "auth-pass", self.password)
            for line in self.system.sentinel["customConfig"]:
                ask("SENTINEL SET", MASTER_NAME, *line.split(" "))
        known = (len(self.redis) - 1, len(self.sentinels) - 1, "master")
        until(30, lambda: all(self._knows(one) == known for one in self.sentinels), "Sentinels know all")

    def master(self) -> Pod:
        """Return the pod that most of the living Sentinels name."""
        names = [self.named(one) for one in self.sentinels if one.process]
        most = max(names, key=names.count)
        return next(pod for pod in self.redis if pod.address == most)

    def followed(self, pod: Pod) -> str:
        """Return the address of the master that a pod replicates from; empty for a master."""
        return str(pod.client.info("replication").get("master_host", ""))

    def application_client(self) -> Any:
        """Return a client of the master in the database of the application."""
        master = self.master()
        return redis.Redis(
            master.address, master.port, db=self.cluster.connection.db, password=self.password or None, **_ONCE
        )

    def named(self, sentinel: Pod) -> str:
        """Return the address that a Sentinel gives to clients."""
        return str(sentinel.client.execute_command("SENTINEL GET-MASTER-ADDR-BY-NAME", MASTER_NAME)[0])

    def environment(self) -> dict[str, str]:
        """Return what a client's process needs: the password as the README says, and names that resolve."""
        return {
            **os.environ,
            "REDIS_PASSWORD": self.password,
            "PYTHONPATH": f"{Path(__file__).parent / 'resolver'}",
            "RESOLVE": " ".join([self.system.sentinel_host, *(one.address for one in self.sentinels)]),
        }

    def stop_as_planned(self, pod: Pod, password: str | None = None, sentinels: tuple[Pod, ...] = ()) -> None:
        """Stop a pod as the kubelet does: its preStop script runs, then SIGTERM.

        The password is that of its start. The Service leads each call to the next of the Sentinels, and at the end to
        the last one; without them, to one that lives.
        """
        shims = self.folder / f"shims-{pod.address}"
        shims.mkdir(exist_ok=True)
        behind = [one.address for one in sentinels or [next(one for one in self.sentinels if one.process)]]
        (shims / "behind").write_text("".join(f"{address}\n" for address in behind))
        for name, script in {"hostname": f"echo {pod.address}", "redis-cli": _REDIS_CLI}.items():
            (shims / name).write_text(f"#!/bin/sh\n{script}\n")
            (shims / name).chmod(0o755)
        environment = {
            "PATH": f"{shims}:{os.environ['PATH']}",
            "REAL": str(shutil.which("redis-cli")),
            "SELF": pod.address,
            "SERVICE": f"rfs-{self.cluster.name}",
            "BEHIND": str(shims / "behind"),
            "REDIS_PASSWORD": self.password if password is None else password,
        }
        script = self.shutdown.replace("/redis/redis.conf", f"{pod.folder}.conf")
        for one in self.sentinels[self.system.sentinels :]:
            script = script.replace("127[.]0[.]0[.]1", one.address)  # which stands for its loopback
        with (pod.folder / "log").open("ab") as log:
            subprocess.run(["sh", "-c", script], env=environment, timeout=60, check=False, stdout=log, stderr=log)
        pod.stop()

    def new_sentinel(self) -> Pod:
        """Start one more Sentinel, which the operator has not told of the master yet."""
        self.sentinels.append(self._sentinel(len(self.sentinels)))
        self.sentinels[-1].start()
        until(10, self.sentinels[-1].answers, "the new Sentinel answers")
        return self.sentinels[-1]

    def _knows(self, sentinel: Pod) -> tuple[int, int, str]:
        state = sentinel.client.sentinel_master(MASTER_NAME)
        return state["num-slaves"], state["num-other-sentinels"], state["flags"]

    def pod(self, number: int, address: str) -> Pod:
        """Return a Redis pod with its volume, not yet running, at an address."""
        folder = self.folder / f"redis-{number}"
        text = (_REDIS + (_AUTH if self.password else "")).format(
            address=address, port=self.system.port, folder=folder, password=self.password
        )
        conf = self.folder / f"redis-{number}.conf"
        conf.parent.mkdir(parents=True, exist_ok=True)
        conf.write_text(text)
        replaced = {"redis-server": self.server, "/redis/redis.conf": str(conf)}
        command = [replaced.get(word, word).replace("$$(", "$(") for word in self.system.redis["command"]]
        return Pod(address, self.system.port, folder, command, self.password)

    def _sentinel(self, number: int) -> Pod:
        address, folder = f"{self.net}.{number + 100}", self.folder / f"sentinel-{number}"
        conf = folder / "sentinel.conf"
        folder.mkdir(parents=True, exist_ok=True)
        conf.write_text(_SENTINEL.format(address=address, port=SENTINEL_PORT, redis=self.system.port, folder=folder))
        return Pod(address, SENTINEL_PORT, folder, [self.server, str(conf), "--sentinel"], "")

    def _shutdown_script(self, manifests: dict[str, str]) -> str:
        for name, text in manifests.items():
            for one in yaml.safe_load_all(text) if "-operator-" not in name else ():
                if one["kind"] == "ConfigMap" and one["metadata"]["name"] == self.system.shutdown_config_map:
                    return str(one["data"]["shutdown.sh"])
        return ""


def until(limit: float, check: Callable[[], Any], what: str) -> float:
    """Return the seconds until `check` returns something true; an AssertionError after `limit` seconds."""
    start = time.monotonic()
    while time.monotonic() - start < limit:
        with suppress(redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):  # as it starts or stops
            if check():
                return time.monotonic() - start
        time.sleep(0.05)
    raise AssertionError(f"not within {limit:.0f} s: {what}")
