"""Metrics exporters."""

from __future__ import annotations

from collections.abc import Iterator

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System


@rule(
    "RG057",
    "info",
    fact="T28",
    title="No exporter, and so no names of pods",
    guards="""The operator makes the headless Service of the Redis pods only for the exporter. Without it no pod has a
    DNS name, and nothing measures Redis.""",
    example="exporter: {enabled: false}",
    near_miss="exporter: {enabled: true}",
)
def check_enabled(system: System) -> Iterator[Problem]:
    """Say what goes with the exporter."""
    if not system.cluster.exporter.enabled:
        yield Problem(
            "exporter.enabled",
            "without the exporter there are no metrics, and the Redis pods have no DNS names",
        )


@rule(
    "RG058",
    "info",
    fact="T29",
    title="An exporter that no Service reaches",
    guards="""The exporter of Sentinel listens on port 9355, for which the operator makes no Service; only a PodMonitor
    finds it.""",
    example="""overrides:
  sentinel:
    exporter: {enabled: true, image: "oliver006/redis_exporter:v1.66.0", resources: {limits: {cpu: 100m}}}""",
    near_miss="overrides: {sentinel: {exporter: {enabled: false}}}",
)
def check_sentinel_exporter(system: System) -> Iterator[Problem]:
    """Say how Sentinel's exporter is found."""
    if system.given("sentinel.exporter.enabled"):
        yield Problem(
            "overrides.sentinel.exporter",
            "no Service has its port: scrape the port `metrics` of the Sentinel pods with a PodMonitor",
        )


@rule(
    "RG059",
    "warning",
    fact="T30",
    title="An exporter that is throttled",
    guards="""An exporter without resources gets the operator's default, at most 50m CPU: scrapes are throttled and
    time out.""",
    example="""overrides: {redis: {exporter: {resources: null}}}""",
    near_miss="""overrides: {redis: {exporter: {resources: {limits: {cpu: 100m}}}}}""",
)
def check_resources(system: System) -> Iterator[Problem]:
    """Ask for resources of exporters that overrides changes."""
    if not system.patch:
        return
    redis = system.cluster.exporter.enabled and system.patched("redis.exporter.resources") is None
    sentinel = system.given("sentinel.exporter.enabled") and not system.given("sentinel.exporter.resources")
    for part, bare in (("redis", redis), ("sentinel", sentinel)):
        if bare:
            yield Problem(
                f"overrides.{part}.exporter.resources",
                "without resources the operator limits the exporter to 50m CPU and scrapes time out; give it limits "
                "of 100m and more",
            )
