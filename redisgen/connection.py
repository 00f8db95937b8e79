"""What applications connect with: the one source of the ConfigMap, of `redisgen connection` and of the documents."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from redisgen.emit import block

if TYPE_CHECKING:
    from redisgen.cluster import Cluster

MASTER_NAME = "mymaster"  # the operator calls every master so (facts, 1.3)
SENTINEL_PORT = 26379  # fixed by the operator (facts, 1.3)


def sentinel_host(cluster: Cluster) -> str:
    """Return the DNS name of the Service in front of the Sentinels (facts, 1.1)."""
    return f"rfs-{cluster.name}.{_domain(cluster)}"


def connection_settings(cluster: Cluster) -> dict[str, str]:
    """Return the REDIS_… settings, all text, as environment variables are; without a password, which stays a Secret."""
    connection = cluster.connection
    settings = {
        "REDIS_SENTINEL_ENABLED": "true",
        "REDIS_SENTINEL_HOST": sentinel_host(cluster),
        "REDIS_SENTINEL_PORT": str(SENTINEL_PORT),
        "REDIS_SENTINEL_MASTER": MASTER_NAME,
        "REDIS_DB": str(connection.db),
    }
    if connection.master_service:
        settings["REDIS_HOST"] = f"{connection.master_service}.{_domain(cluster)}"
        settings["REDIS_PORT"] = str(cluster.redis.port)
    return settings


def printed(cluster: Cluster, form: str) -> str:
    """Return the settings as text: `env` for a shell to source, `json` or `yaml` for programs."""
    settings = connection_settings(cluster)
    if form == "json":
        return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
    if form == "yaml":
        return f"{block(settings, 0)}\n"
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


def _domain(cluster: Cluster) -> str:
    return f"{cluster.namespace}.svc.{cluster.connection.cluster_domain}"
