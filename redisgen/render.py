"""Values to manifests, always the same ones: no clock, no randomness, no environment, no writing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from redisgen import overrides
from redisgen.cluster import Claim, Cluster, Fleet
from redisgen.connection import connection_settings
from redisgen.redisfailover import redis_command, redis_custom_config, sentinel_custom_config
from redisgen.resources import TEMPLATES
from redisgen.template import environment

if TYPE_CHECKING:
    from jinja2 import Environment


def render(fleet: Fleet) -> dict[str, str]:
    """Return the manifests, file name to text, in the order in which they are to be applied.

    Files of the operator stand at the top; those of a cluster too, or, when the values list clusters, in a folder
    `NAMESPACE/NAME/` each.
    """
    texts = {}
    for name in _names("operator"):
        texts[name] = _text(name, **_of_operator(fleet))
    for cluster in fleet.clusters:
        folder = f"{cluster.namespace}/{cluster.name}/" if fleet.listed else ""
        for name in _names("cluster"):
            text = _text(name, cluster=cluster, labels=_labels(cluster.name, cluster.labels))
            if cluster.overrides:
                text = overrides.apply(text, cluster.overrides)
            if text:
                texts[folder + name] = text
    return texts


def joined(texts: dict[str, str]) -> str:
    """Return the manifests as one stream of YAML documents."""
    return "---\n".join(texts.values())


@cache
def _names(kind: str) -> list[str]:
    """List the files of the operator or of a cluster; the number is the order."""
    names = sorted(path.name.removesuffix(".j2") for path in TEMPLATES.glob("[0-9][0-9]-*.yaml*"))
    return [name for name in names if ("-operator-" in name) == (kind == "operator")]


@cache
def _environment() -> Environment:
    jinja = environment()
    for derived in (redis_command, redis_custom_config, sentinel_custom_config, connection_settings):
        jinja.globals[derived.__name__] = derived
    return jinja


@cache
def _static(name: str) -> str | None:
    path = TEMPLATES / name
    return path.read_text("utf-8") if path.exists() else None


def _text(name: str, **context: Any) -> str:
    static = _static(name)
    return static if static is not None else _environment().get_template(f"{name}.j2").render(context)


def _labels(name: str, labels: dict[str, str]) -> dict[str, str]:
    return {**labels, "app.kubernetes.io/name": name}


def _of_operator(fleet: Fleet) -> dict[str, Any]:
    namespaces: dict[str, list[Cluster]] = {}
    for cluster in fleet.clusters:
        namespaces.setdefault(cluster.namespace, []).append(cluster)
    created = dict.fromkeys(cluster.namespace for cluster in fleet.clusters if cluster.create_namespace)
    created.pop(fleet.operator.namespace, None)
    return {
        "fleet": fleet,
        "operator": fleet.operator,
        "operator_labels": _labels("redis-operator", fleet.labels),
        "created_namespaces": list(created),
        "everywhere": {"claims": True, "secrets": [], "all_secrets": True},
        "namespace_grants": [_grants(*item) for item in namespaces.items()],
    }


def _grants(namespace: str, clusters: list[Cluster]) -> dict[str, Any]:
    """Say what the operator needs in one namespace besides what it always needs (facts, section 4)."""
    secrets = {cluster.auth.secret_name for cluster in clusters}
    secrets |= {(cluster.overrides.get("auth") or {}).get("secretPath", "") for cluster in clusters}
    claims = any(
        isinstance(cluster.redis.persistence.storage, Claim) or "storage" in (cluster.overrides.get("redis") or {})
        for cluster in clusters
    )
    return {"namespace": namespace, "claims": claims, "secrets": sorted(filter(None, secrets)), "all_secrets": False}
