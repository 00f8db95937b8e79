"""What Pod Security asks of pods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

# The fields that redisgen renders and "restricted" asks for, with what they may be.
_POD: dict[str, tuple[Any, ...]] = {"runAsNonRoot": (True,), "seccompProfile": (), "fsGroup": ()}
_CONTAINER: dict[str, tuple[Any, ...]] = {
    "runAsNonRoot": (True,),
    "allowPrivilegeEscalation": (False,),
    "capabilities": (),
}
_CONTEXTS = {
    "redis.securityContext": _POD,
    "sentinel.securityContext": _POD,
    "redis.containerSecurityContext": _CONTAINER,
    "sentinel.containerSecurityContext": _CONTAINER,
    "sentinel.configCopy.containerSecurityContext": _CONTAINER,
    "redis.exporter.containerSecurityContext": _CONTAINER,
}


@rule(
    "RG060",
    "warning",
    fact="T35",
    title="A security context taken away",
    guards="""A security context replaces the operator's own whole, and the operator's lacks seccompProfile. redisgen
    renders every field that Pod Security "restricted" asks for; with one taken away, a namespace that enforces it
    refuses the pods, and without fsGroup Redis cannot write its volume.""",
    example="overrides: {redis: {securityContext: {seccompProfile: null}}}",
    near_miss="overrides: {redis: {securityContext: {seccompProfile: {type: RuntimeDefault}, runAsUser: 999}}}",
)
def check_contexts(system: System) -> Iterator[Problem]:
    """Find security contexts that overrides loosens."""
    if not system.patch:
        return
    for context, fields in _CONTEXTS.items():
        patch = system.patched(context)
        if patch is UNSET:
            continue
        for field, allowed in fields.items():
            value = system.patched(f"{context}.{field}")
            if value is None or (value is not UNSET and allowed and value not in allowed):
                lost = context if patch is None else f"{context}.{field}"
                yield Problem(
                    f"overrides.{lost}",
                    f"without {lost} as redisgen renders it, Pod Security 'restricted' refuses the pods, or Redis "
                    f"cannot write its volume; leave it",
                )
                if patch is None:
                    break
