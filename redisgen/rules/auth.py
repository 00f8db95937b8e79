"""Passwords, and clusters that take each other for their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

if TYPE_CHECKING:
    from redisgen.cluster import Fleet


@rule(
    "RG038",
    "warning",
    fact="T10",
    title="Several clusters without a password",
    guards="""Every master is called mymaster and Sentinel asks for no password. When Kubernetes gives a pod the
    address that a pod of another cluster had, two clusters without passwords join, and one overwrites the other's
    data.""",
    example="clusters: [{name: a, namespace: a}, {name: b, namespace: b}]",
    near_miss="clusters: [{name: a, namespace: a}, {name: b, namespace: b, auth: {secretName: b}}]",
    over="fleet",
)
def check_open(_: Fleet, systems: list[System]) -> Iterator[Problem]:
    """Find two clusters and more without a password."""
    bare = [system for system in systems if not system.cluster.auth.secret_name]
    if len(bare) < 2:
        return
    for system in bare:
        yield Problem(
            "auth.secretName",
            f"{len(bare)} clusters have no password: after pods change addresses they can join, and one overwrites "
            f"the other; give '{system.cluster.name}' a Secret of its own in auth.secretName",
            of=system,
        )


@rule(
    "RG039",
    "warning",
    fact="T10",
    title="A password that clusters share",
    guards="""A password of its own is what keeps a cluster from joining another whose pods had its addresses before;
    one that two clusters share does not.""",
    example="""auth: {secretName: redis}
clusters: [{name: a}, {name: b, connection: {masterService: b, configMap: b}}]""",
    near_miss="""clusters:
  - {name: a, auth: {secretName: a}}
  - {name: b, auth: {secretName: b}, connection: {masterService: b, configMap: b}}""",
    over="fleet",
)
def check_shared(_: Fleet, systems: list[System]) -> Iterator[Problem]:
    """Find clusters of one namespace with the same Secret."""
    first: dict[tuple[str, str], System] = {}
    for system in systems:
        cluster = system.cluster
        secret = cluster.auth.secret_name
        other = first.setdefault((cluster.namespace, secret), system)
        if secret and other is not system and other.cluster.name != cluster.name:
            yield Problem(
                "auth.secretName",
                f"'{other.cluster.name}' and '{cluster.name}' share the password of Secret '{secret}': after pods "
                "change addresses they can join, and one overwrites the other; give each a Secret of its own",
                of=system,
            )
