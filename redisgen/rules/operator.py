"""The operator, and fields of the RedisFailover that say how it goes about its work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import UNSET

from redisgen.rules.images import tag
from redisgen.rules.memory import above
from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

if TYPE_CHECKING:
    from redisgen.cluster import Fleet

# What the operator, Sentinel, the replicas and the probes send by name (T33).
_NEEDED = {"ACL", "AUTH", "CLIENT", "CONFIG", "EXEC", "HELLO", "INFO", "MULTI", "PING", "PSYNC", "PUBLISH", "REPLCONF"}
_NEEDED |= {"REPLICAOF", "ROLE", "SAVE", "SCRIPT", "SELECT", "SLAVEOF", "SUBSCRIBE"}


@rule(
    "RG031",
    "error",
    fact="5",
    title="Requests of the operator above its limits",
    guards="Kubernetes refuses a pod whose container requests more than its limit; no operator runs.",
    example="operator: {resources: {requests: {memory: 257Mi}}}",
    near_miss="operator: {resources: {requests: {memory: 256Mi}}}",
    waivable=False,
    over="fleet",
)
def check_operator_requests(fleet: Fleet, _: list[System]) -> Iterator[Problem]:
    """Hold requests against limits in the operator."""
    yield from above("operator", fleet.operator.resources)


@rule(
    "RG050",
    "warning",
    fact="5",
    title="Another version of the operator",
    guards="""What redisgen renders and checks was established with operator v1.2.4. 1.3.0-rc1 restarts every pod,
    makes Services of its own and needs another CRD; older ones lack what the manifests rely on.""",
    example='operator: {image: "quay.io/spotahome/redis-operator:v1.3.0-rc1"}',
    near_miss='operator: {image: "registry.example.com/redis-operator:v1.2.4"}',
    over="fleet",
)
def check_operator(fleet: Fleet, _: list[System]) -> Iterator[Problem]:
    """Ask for the operator that these rules are about."""
    image = fleet.operator.image
    if tag(image).removeprefix("v") != "1.2.4" and not ("@" in image and not tag(image)):
        yield Problem(
            "operator.image",
            f"'{image}' is not operator v1.2.4, for which all this is made: the CRD, its permissions and these rules "
            "may not fit; take v1.2.4",
        )


@rule(
    "RG051",
    "warning",
    fact="T27",
    title="Labels that restart Redis",
    guards="""The operator copies the RedisFailover's labels to its pods, those whose key matches labelWhitelist, or
    all when it is empty. A label that changes with each release then restarts the whole cluster each time.""",
    example="overrides: {labelWhitelist: []}",
    near_miss="overrides: {labelWhitelist: ['^$']}",
)
def check_labels(system: System) -> Iterator[Problem]:
    """Ask for a labelWhitelist that copies nothing."""
    expressions = system.patched("labelWhitelist") if system.patch else UNSET
    key = "overrides.labelWhitelist"
    if expressions is None or expressions == []:
        yield Problem(
            key,
            "all labels of the RedisFailover are copied to its pods, and one that changes restarts them all; leave it "
            'at ["^$"]',
            {key: ["^$"]},
        )
    elif isinstance(expressions, list):
        for index, expression in enumerate(expressions):
            try:
                re.compile(expression)
            except re.error:
                yield Problem(f"{key}.{index}", f"'{expression}' is no regular expression, and the operator ignores it")


@rule(
    "RG052",
    "error",
    fact="T11",
    title="A bootstrap port that is not Redis' own",
    guards="""The operator uses bootstrapNode.port for its own pods too. When they listen elsewhere, every pass ends
    with connection refused.""",
    example='overrides: {bootstrapNode: {host: 10.0.0.7, port: "6380"}}\nwaive: {RG054: for the move}',
    near_miss='overrides: {bootstrapNode: {host: 10.0.0.7, port: "6379"}}\nwaive: {RG054: for the move}',
    waivable=False,
)
def check_bootstrap_port(system: System) -> Iterator[Problem]:
    """Hold the port of the outside master against that of Redis."""
    if not isinstance(system.given("bootstrapNode"), dict):
        return
    port = system.given("bootstrapNode.port")
    if port is not None and port != str(system.cluster.redis.port):
        yield Problem(
            "overrides.bootstrapNode.port",
            f"the operator uses port {port} for its own pods too, which listen on {system.cluster.redis.port}: every "
            "pass fails; make them the same",
        )


@rule(
    "RG053",
    "error",
    fact="T12",
    title="A bootstrap host that is no address",
    guards="""The operator compares bootstrapNode.host with the address that Sentinel and Redis report. A name never
    matches, so that it points them at the outside master again in every pass. An empty one ends the pass.""",
    example='overrides: {bootstrapNode: {host: old-redis.example.com, port: "6379"}}\nwaive: {RG054: for the move}',
    near_miss='overrides: {bootstrapNode: {host: 10.0.0.7, port: "6379"}}\nwaive: {RG054: for the move}',
)
def check_bootstrap_host(system: System) -> Iterator[Problem]:
    """Ask for the IP address of the outside master."""
    if not isinstance(system.given("bootstrapNode"), dict):
        return
    host = system.given("bootstrapNode.host") or ""
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3}){3}", host):
        yield Problem(
            "overrides.bootstrapNode.host",
            f"'{host}' is no IPv4 address, and the operator compares it with the one that Redis reports; give the "
            "address",
        )


@rule(
    "RG054",
    "info",
    fact="T44",
    title="Redis follows a master outside",
    guards="""While bootstrapNode is set there is no failover, and without allowSentinels no Sentinel. Pods that
    started meanwhile do not know the Sentinels and cannot hand over until they are recreated.""",
    example='overrides: {bootstrapNode: {host: 10.0.0.7, port: "6379"}}',
    near_miss="overrides: {bootstrapNode: null}",
)
def check_bootstrap(system: System) -> Iterator[Problem]:
    """Say what bootstrapping leaves behind."""
    if isinstance(system.given("bootstrapNode"), dict):
        yield Problem(
            "overrides.bootstrapNode",
            "all pods follow the master outside, which must have the same password, and nothing fails over; after "
            "its removal delete the Redis pods one by one, or those of now cannot hand over",
        )


@rule(
    "RG055",
    "error",
    fact="T33",
    title="A command renamed that the operator needs",
    guards="""The operator, Sentinel, replicas and probes send commands by their own names. With CONFIG, INFO or
    SLAVEOF renamed nothing is ever healed.""",
    example="overrides: {redis: {customCommandRenames: [{from: config, to: x}]}}",
    near_miss="overrides: {redis: {customCommandRenames: [{from: FLUSHALL, to: x}]}}",
    waivable=False,
)
def check_renames(system: System) -> Iterator[Problem]:
    """Find renames of what the operator sends."""
    for index, rename in enumerate(system.given("redis.customCommandRenames") or ()):
        if (name := str(rename.get("from", "")).upper()) in _NEEDED:
            yield Problem(
                f"overrides.redis.customCommandRenames.{index}",
                f"the operator, Sentinel, replicas or probes send {name} by this name: nothing is healed any more; "
                "leave it as it is",
            )


@rule(
    "RG056",
    "error",
    fact="T34",
    title="A rename that breaks redis.conf",
    guards="""The operator writes both names raw into a line of redis.conf. A quote, a space or a line break there
    keeps Redis from starting, or becomes a directive of its own.""",
    example="overrides: {redis: {customCommandRenames: [{from: FLUSHALL, to: 'a b'}]}}",
    near_miss="overrides: {redis: {customCommandRenames: [{from: FLUSHALL, to: a_b-1}]}}",
    waivable=False,
)
def check_rename_text(system: System) -> Iterator[Problem]:
    """Ask for plain names in renames."""
    for index, rename in enumerate(system.given("redis.customCommandRenames") or ()):
        for side in ("from", "to"):
            name = str(rename.get(side, ""))
            if not re.fullmatch(r"[A-Za-z0-9_|-]+", name):
                yield Problem(
                    f"overrides.redis.customCommandRenames.{index}.{side}",
                    f"'{side}' is written raw into redis.conf and must be letters, digits, '-' and '_': Redis does not "
                    "start with anything else",
                )
