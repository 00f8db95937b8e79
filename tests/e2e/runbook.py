"""A system that a runbook is followed on."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.e2e.client import Client
from tests.e2e.kubectl import kubectl, shell, until
from tests.e2e.system import System
from tests.readme import blocks

DOCUMENT = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
KEYS = 200
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}
NAMESPACES = "redisgen-e2e-"
_ports = iter(range(6401, 6500))  # clusters without a password must not meet (T10)


class Run:
    """One cluster, under the operator that is there, with 200 keys in it."""

    def __init__(self, name: str, folder: Path, namespace: str = "", *, password: bool = False, **redis: Any) -> None:
        """Install it in a namespace of its own, or in the one given."""
        self.values: dict[str, Any] = {
            "name": name,
            "namespace": namespace or f"{NAMESPACES}{name}",
            "createNamespace": True,
            "connection": {"masterService": "", "configMap": f"{name}-connection"},
            "exporter": {"enabled": False},
            "redis": {"port": next(_ports), "maxmemory": "64mb", "resources": SMALL, **redis},
            "sentinel": {"resources": SMALL},
            "auth": {"secretName": f"{name}-password" if password else ""},
        }
        self.system = System(yaml.safe_dump(self.values), folder)
        kubectl("apply", "-f", str(folder / "00-operator-namespace.yaml"))
        if password:
            secret = ("secret", "generic", f"{name}-password", f"--from-literal=password={secrets.token_hex()}")
            kubectl("create", "-n", self.system.namespace, *secret)
        for file in ("02-operator-rbac.yaml", "04-cluster.yaml", "05-connection.yaml"):
            kubectl("apply", "-f", str(folder / file))
        until(400, self.system.is_ready, "all pods ready")
        self.client = Client(self.system)
        self.client.whole()
        self.client.connected(f"for n in range({KEYS}): lasting(master.set, f'kept:{self.system.name}:{{n}}', n)")

    def follow(self, heading: str, at: int = 0, **variables: str) -> str:
        """Run a block of a runbook; return its stdout."""
        first, settings = blocks(DOCUMENT)[0].code, blocks(DOCUMENT, heading, "sh")[at].code
        given = {
            "NS": self.system.namespace,
            "NAME": self.system.name,
            "PORT": str(self.system.described.port),
            "SECRET": f"{self.system.name}-password",
            "OPERATOR": self.system.operator.namespace,
            **variables,
        }
        assert first.startswith("NS=")
        lines = [f"{name}={value}" for name, value in given.items()] + first.splitlines()[1:]
        return shell("\n".join([*lines, settings]), self.system.folder)

    def change(self, section: str = "redis", **values: Any) -> None:
        """Render the values with changes, and apply the cluster."""
        self.values[section] = {**self.values.get(section, {}), **values}
        self.system.render(yaml.safe_dump(self.values))
        self.follow("Runbooks", 1)

    def replaced(self, old: set[str]) -> Callable[[], bool]:
        """Return whether none of the old Redis pods is left."""
        return lambda: not old & self.uids()

    def uids(self) -> set[str]:
        """Return what tells the Redis pods of now from later ones of the same name."""
        return {pod["metadata"]["uid"] for pod in self.system.pods("redis")}

    def update(self, section: str = "redis", **values: Any) -> None:
        """Change values, and wait until every Redis pod is a new one."""
        old = self.uids()
        self.change(section, **values)
        until(500, self.replaced(old), "every Redis pod replaced")

    def kept(self) -> int:
        """Return how many of the keys there are."""
        code = f"print(sum(master.exists(f'kept:{self.system.name}:{{n}}') for n in range({KEYS})))"
        return int(self.client.connected(code).split()[-1])

    def end(self, *, namespace: bool = True) -> None:
        """Remove it, with its namespace."""
        kubectl("delete", "-f", str(self.system.folder / "04-cluster.yaml"))
        self.client.stop()
        if namespace:
            kubectl("delete", "namespace", self.system.namespace, "--wait=false")
