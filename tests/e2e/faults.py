"""What can happen to a master."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.kubectl import kubectl, objects, until
from tests.e2e.system import System

# SIGKILL to the first process of a container takes effect only from outside of it: from the node. Redis writes its
# title over its environment; what it has mounted names the pod.
_KILL = """
for process in /proc/[0-9]*; do
  if [ "$(cat $process/comm)" = redis-server ] && grep -q "$0" $process/mountinfo
  then kill -9 "${process#/proc/}" && exit 0; fi
done 2> /dev/null
exit 1
"""


def delete(system: System) -> None:
    """Delete the master's pod, as a rolling update does."""
    _delete(system.master(), "--wait=false")


def kill(system: System) -> None:
    """Kill the master's process; its container restarts in place."""
    pod = system.master()
    container = {
        "name": "kill",
        "image": system.described.redis["image"],
        "command": ["sh", "-c", _KILL, pod["metadata"]["uid"]],
        "securityContext": {"privileged": True, "runAsUser": 0},
    }
    overrides = {"spec": {"hostPID": True, "nodeName": pod["spec"]["nodeName"], "containers": [container]}}
    killer = (f"redisgen-e2e-kill-{system.name}", "-n", "kube-system")
    kubectl("delete", "pod", *killer, "--ignore-not-found", "--grace-period", "1")
    kubectl("run", *killer, "--restart=Never", f"--image={container['image']}", f"--overrides={json.dumps(overrides)}")
    try:
        until(60, lambda: kubectl("get", "pod", *killer, "-o", "jsonpath={.status.phase}") == "Succeeded", "kill -9")
    finally:
        kubectl("delete", "pod", *killer, "--grace-period", "1")


def force(system: System) -> None:
    """Kill the master's process and take its pod away at once."""
    pod = system.master()
    kill(system)
    _delete(pod, "--force", "--grace-period=0")


def drain(system: System) -> None:
    """Drain the master's node, and let pods return to it."""
    node = system.master()["spec"]["nodeName"]
    evict = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=300s")
    try:
        kubectl("drain", node, *evict, timeout=330)
    finally:
        kubectl("uncordon", node)


def nodes() -> list[dict[str, Any]]:
    """Return the nodes that take pods."""
    taints = ("NoSchedule", "NoExecute")  # a control plane's, mostly
    return [one for one in objects("nodes") if not any(t["effect"] in taints for t in one["spec"].get("taints", ()))]


def _delete(pod: dict[str, Any], *how: str) -> None:
    kubectl("delete", "pod", pod["metadata"]["name"], "-n", pod["metadata"]["namespace"], *how)
