"""What a Redis and operator expert would say in a review of the values: rules, split by what they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from redisgen import overrides
from redisgen.findings import Finding, Place
from redisgen.rules import (  # noqa: F401  # each enters its rules into RULES
    auth,
    config,
    exporter,
    fleet,
    images,
    lifecycle,
    memory,
    operator,
    persistence,
    pods,
    scheduling,
    sentinel,
    waivers,
)
from redisgen.rules.registry import RULES, Problem, Rule
from redisgen.rules.system import System

if TYPE_CHECKING:
    from redisgen.cluster import Fleet
    from redisgen.values import Mapping

__all__ = ["RULES", "Problem", "Rule", "System", "check"]

_OVER_CLUSTER = [rule for rule in RULES.values() if rule.over == "cluster"]
_OVER_FLEET = [rule for rule in RULES.values() if rule.over == "fleet"]
_OVER_WAIVERS = [rule for rule in RULES.values() if rule.over == "waivers"]


def check(of: Fleet, each: Iterable[Mapping]) -> list[Finding]:
    """Hold a fleet against every rule and return the findings that are not waived, sorted by place.

    `each` are the values of each cluster, shared ones included, for the places. An `overrides` that does not fit the
    API of the RedisFailover is said (rule `overrides`), and the rules then look at the values without it.
    """
    systems: list[System] = []
    findings: dict[tuple[Place, str, str], Finding] = {}
    for cluster, values in zip(of.clusters, each, strict=True):
        misfits = overrides.check(values)
        findings.update({finding[:3]: finding for finding in misfits})
        systems.append(System(cluster, values, {} if misfits else cluster.overrides))

    given = waivers.collect(systems)
    for rule, system, problem in _problems(of, systems):
        if rule.waivable and rule.id in system.cluster.waive:
            given[waivers.at(system, rule.id)].used = True
            continue
        finding = _finding(rule, system, problem)
        findings.setdefault(finding[:3], finding)
    for rule in _OVER_WAIVERS:
        for problem in rule.check(given.values()):
            assert problem.of  # noqa: S101  # a waiver stands in some cluster's values
            finding = _finding(rule, problem.of, problem)
            findings.setdefault(finding[:3], finding)
    return sorted(findings.values(), key=lambda finding: finding[:3])


def _problems(of: Fleet, systems: list[System]) -> Iterator[tuple[Rule, System, Problem]]:
    for system in systems:
        for rule in _OVER_CLUSTER:
            for problem in rule.check(system):
                yield rule, system, problem
    for rule in _OVER_FLEET:
        for problem in rule.check(of, systems):
            yield rule, problem.of or systems[0], problem


def _finding(rule: Rule, system: System, problem: Problem) -> Finding:
    key = system.key(problem.key)
    fix = {system.key(name): value for name, value in problem.fix.items()} if problem.fix else None
    if fix and any(system.key(name) not in (name, f"overrides.{name}") for name in problem.fix or ()):
        fix = None  # another field of the spec, which takes another value
    return Finding(system.place(key), rule.id, problem.message, rule.severity, problem.fact or rule.fact, fix)
