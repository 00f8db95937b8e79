"""An application in a pod of its own: configured as the README says, connected by the README's code."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import yaml

from tests.e2e.kubectl import apply, kubectl, until
from tests.e2e.system import System
from tests.readme import blocks

LABELS = {"app": "redisgen-e2e-client"}
# The default installs redis-py at its start; E2E_CLIENT_IMAGE names an image with Python that has it.
IMAGE = os.environ.get("E2E_CLIENT_IMAGE", "python:3.13-slim")
_START = 'python3 -c "import redis" 2>/dev/null || pip install --quiet --target /tmp/lib redis; exec sleep infinity'
_RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}

# One write each 100 ms, each once; ends when its stdin does.
_WRITER = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
for number in range(36000):
    began = time.monotonic()
    try:
        master.set(f"e2e:{RUN}:{number}", number)
        print("ack", number, time.monotonic(), flush=True)
    except Exception as error:
        print("error", number, time.monotonic(), type(error).__name__, flush=True)
    time.sleep(max(0, 0.1 - (time.monotonic() - began)))
"""
_MISSING = """
import json, sys
pipe = master.pipeline(transaction=False)
numbers = json.load(sys.stdin)
for number in numbers:
    pipe.exists(f"e2e:{RUN}:{number}")
print(json.dumps([number for number, there in zip(numbers, pipe.execute()) if not there]))
"""
# What each Redis says, and each Sentinel of its master, by address.
_STATE = """
import json, os, redis
def ask(host, port, what, **login):
    one = redis.Redis(host=host, port=port, socket_timeout=2, socket_connect_timeout=2, decode_responses=True, **login)
    return what(one)
password = os.environ.get("REDIS_PASSWORD")
print(json.dumps({
    "redis": {one: ask(one, PORT, lambda r: eval(WHAT), password=password) for one in REDIS},
    "sentinel": {one: ask(one, 26379, lambda r: r.sentinel_master("mymaster")) for one in SENTINELS},
}, default=str))
"""


class Outage(NamedTuple):
    """What a client that wrote every 100 ms went through."""

    seconds: float  # longest time between two acknowledged writes
    acknowledged: int
    lost: int

    def __str__(self) -> str:
        """Say it."""
        return f"{self.seconds:.1f} s without writes, {self.lost} of {self.acknowledged} acknowledged writes lost"


class Client:
    """The pod of the application."""

    def __init__(self, system: System) -> None:
        """Start it where the master is not, so that it outlives the master's node."""
        self.system, self.name = system, f"redisgen-e2e-{system.name}"
        self.code = next(one.code for one in blocks(system.readme, "Python: redis-py", "python"))
        environment: dict[str, Any] = {}
        for block in blocks(system.readme, "Connect", "yaml")[:1]:
            environment = yaml.safe_load(block.code)
        environment.setdefault("env", []).append({"name": "PYTHONPATH", "value": "/tmp/lib"})
        elsewhere = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [_hostname(system.master())]}
        avoid = [{"weight": 100, "preference": {"matchExpressions": [elsewhere]}}]
        container = {
            "name": "client",
            "image": IMAGE,
            "command": ["sh", "-c", _START],
            "securityContext": _RESTRICTED,
            "readinessProbe": {"exec": {"command": ["python3", "-c", "import redis"]}, "timeoutSeconds": 10},
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
            **environment,
        }
        self.stop()
        apply(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": self.name, "namespace": system.namespace, "labels": LABELS},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": avoid}},
                    "securityContext": {
                        "runAsUser": 1000,
                        "runAsNonRoot": True,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            }
        )
        kubectl("wait", "-n", system.namespace, f"pod/{self.name}", "--for", "condition=Ready", "--timeout", "180s")

    def stop(self) -> None:
        """Remove the pod, if there is one."""
        kubectl("delete", "pod", self.name, "-n", self.system.namespace, "--ignore-not-found", "--grace-period", "1")

    def python(self, code: str, stdin: str = "") -> str:
        """Run code in the pod and return its stdout."""
        return kubectl(*self._exec(code), stdin=stdin)

    def connected(self, code: str, stdin: str = "") -> str:
        """Run code after that of the README, which leaves `master` and `lasting`."""
        return self.python(self.code + code, stdin)

    def state(self, what: str = "r.info('replication')") -> dict[str, dict[str, Any]]:
        """Return what each Redis answers (a call of redis-py on `r`), and each Sentinel of its master, by address."""
        described = self.system.described
        redis, sentinels = (
            [pod["status"].get("podIP", "") for pod in self.system.pods(one)] for one in ("redis", "sentinel")
        )
        given = f"PORT = {described.port}\nREDIS = {redis!r}\nSENTINELS = {sentinels!r}\nWHAT = {what!r}\n"
        return json.loads(self.python(given + _STATE))  # type: ignore[no-any-return]

    def is_whole(self) -> bool:
        """Tell whether every pod is ready, the others follow one master, and every Sentinel knows all of them."""
        if not self.system.is_ready():
            return False
        described, master, state = self.system.described, self.system.master()["status"]["podIP"], self.state()
        replicas = described.replicas - 1
        follow = all(
            (one["role"], one.get("connected_slaves")) == ("master", replicas)
            if address == master
            else (one["role"], one.get("master_host"), one.get("master_link_status")) == ("slave", master, "up")
            for address, one in state["redis"].items()
        )
        known = ("ip", "num-slaves", "num-other-sentinels", "flags")
        wanted = (master, replicas, described.sentinels - 1, "master")
        return follow and all(tuple(one[key] for key in known) == wanted for one in state["sentinel"].values())

    def whole(self, limit: float = 300) -> float:
        """Return the seconds until the system is whole."""
        return until(limit, self.is_whole, "one master that all others follow and every Sentinel knows")

    def during(self, run: str, happens: Callable[[], object]) -> Outage:
        """Write while something happens and until the system is whole again; return what it did to the writes."""
        given = f"RUN = {run!r}\n"
        writer = subprocess.Popen(
            ["kubectl", *self._exec(self.code + given + _WRITER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        lines: list[list[str]] = []

        def read() -> None:
            lines.extend(line.split() for line in writer.stdout or () if line.endswith("\n"))  # the last may be torn

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            until(30, lambda: len(lines) > 20, "the client writes")
            happens()
            self.whole()
            after = len(lines)
            until(60, lambda: any(line[0] == "ack" for line in lines[after:]), "writes after the system is whole")
        finally:
            assert writer.stdin is not None
            writer.stdin.close()
            time.sleep(1)
            writer.kill()
            reader.join(10)
        acknowledged = [(int(number), float(at)) for kind, number, at, *_ in lines if kind == "ack"]
        gaps = [after - before for (_, before), (_, after) in pairwise(acknowledged)]
        missing = json.loads(self.connected(given + _MISSING, json.dumps([number for number, _ in acknowledged])))
        return Outage(max(gaps), len(acknowledged), len(missing))

    def _exec(self, code: str) -> list[str]:
        return ["exec", "-i", "-n", self.system.namespace, self.name, "--", "python3", "-u", "-c", code]


def _hostname(pod: dict[str, Any]) -> str:
    return str(pod["spec"]["nodeName"])
