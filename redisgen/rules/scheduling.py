"""Where pods run."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_PARTS = {"redis": "Redis", "sentinel": "Sentinel"}


@rule(
    "RG040",
    "warning",
    fact="T16",
    title="Pods that do not keep apart",
    guards="""Without anti-affinity, all Redis pods or all Sentinels may run on one node, and go with it. An affinity
    given to the operator replaces its own whole.""",
    example="redis: {spread: {nodes: none}}",
    near_miss="""redis: {replicas: 1, spread: {nodes: none}}
sentinel: {replicas: 1, spread: {nodes: none}}
waive: {RG013: small}""",
)
def check_spread(system: System) -> Iterator[Problem]:
    """Ask for anti-affinity between nodes."""
    for part in _PARTS:
        pods = getattr(system.cluster, part)
        lost = system.patch and system.patched(f"{part}.affinity.podAntiAffinity") is None
        own = system.patch and system.given(f"{part}.affinity.podAntiAffinity")
        if pods.replicas > 1 and (lost or pods.spread.nodes == "none") and not own:
            key = f"{part}.spread.nodes"
            yield Problem(
                key,
                f"nothing keeps the {pods.replicas} {_PARTS[part]} pods on different nodes: one node can take them "
                f"all; set {key} to preferred",
                None if lost else {key: "preferred"},
            )


_SURGE = ", and without the spare one every change of the Sentinels hangs"


@rule(
    "RG041",
    "info",
    fact="T2",
    title="Pods that wait for a node",
    guards="""With `required` spread, a pod that finds no node of its own is pending, and while one pod is not running
    the operator heals nothing. Losing a node is then an outage of all healing, unless there is a node to spare. Up to
    three Sentinels need that node for every change of theirs: their Deployment may spare a quarter of them, rounded
    down, and so starts a new pod before an old one goes.""",
    example="redis: {spread: {nodes: required}}",
    near_miss="redis: {spread: {nodes: preferred}}",
)
def check_required(system: System) -> Iterator[Problem]:
    """Say how many nodes a required spread needs."""
    for part in _PARTS:
        pods = getattr(system.cluster, part)
        if pods.replicas > 1 and pods.spread.nodes == "required":
            surges = part == "sentinel" and pods.replicas < 4
            yield Problem(
                f"{part}.spread.nodes",
                f"{pods.replicas} {_PARTS[part]} pods need {pods.replicas} nodes, and one more to spare: while a pod "
                f"waits for a node, the operator heals nothing{_SURGE if surges else ''}",
            )


@rule(
    "RG042",
    "warning",
    fact="T17",
    title="A topology spread without a selector",
    guards="A spread constraint without labelSelector counts no pods, so that it spreads none.",
    example="""overrides:
  redis:
    topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway""",
    near_miss="""overrides:
  redis:
    topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app.kubernetes.io/name: redis-cluster}}""",
)
def check_selector(system: System) -> Iterator[Problem]:
    """Ask for a selector in each spread constraint."""
    for part in _PARTS:
        for index, constraint in enumerate(system.given(f"{part}.topologySpreadConstraints") or ()):
            if not constraint.get("labelSelector"):
                yield Problem(
                    f"overrides.{part}.topologySpreadConstraints.{index}",
                    "without labelSelector the constraint counts no pods and spreads none; select "
                    f"app.kubernetes.io/name {system.cluster.name} and app.kubernetes.io/component {part}",
                )


@rule(
    "RG043",
    "warning",
    fact="T40",
    title="Pods in the network of their node",
    guards="""Sentinel's port is fixed: with hostNetwork one node can run one Sentinel, of all clusters. The DNS policy
    stays ClusterFirst, which the node's network does not follow, so that names of Services are not found.""",
    example="overrides: {redis: {hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet}}",
    near_miss="overrides: {redis: {hostNetwork: false}}",
)
def check_host_network(system: System) -> Iterator[Problem]:
    """Say what the network of the node means."""
    for part in _PARTS:
        if system.given(f"{part}.hostNetwork"):
            dns = (
                ""
                if system.given(f"{part}.dnsPolicy") == "ClusterFirstWithHostNet"
                else ("; set dnsPolicy to ClusterFirstWithHostNet, or no Service is found by name")
            )
            port = system.cluster.redis.port if part == "redis" else 26379
            yield Problem(
                f"overrides.{part}.hostNetwork",
                f"port {port} is then taken on the node: a second such pod, of this or another cluster, stays "
                f"pending there, and the operator heals nothing meanwhile{dns}",
            )


@rule(
    "RG066",
    "error",
    fact=None,
    title="A toleration that Kubernetes refuses",
    guards="""A toleration without a key needs the operator Exists, one with Exists has no value, and tolerationSeconds
    goes with the effect NoExecute only. Kubernetes refuses the pods otherwise.""",
    example="redis: {tolerations: [{key: a, operator: Exists, value: b}]}",
    near_miss="redis: {tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: 30}]}",
    waivable=False,
)
def check_tolerations(system: System) -> Iterator[Problem]:
    """Hold the tolerations of Redis and Sentinel against what Kubernetes takes."""
    for part in _PARTS:
        for number, one in enumerate(getattr(system.cluster, part).tolerations):
            exists = one.operator == "Exists"
            if one.key is UNSET and not exists:
                wrong = "without a key it tolerates every taint, and needs operator: Exists"
            elif exists and one.value:
                wrong = "with operator: Exists it has no value"
            elif one.toleration_seconds is not UNSET and one.effect != "NoExecute":
                wrong = "tolerationSeconds needs effect: NoExecute"
            else:
                continue
            yield Problem(f"{part}.tolerations", f"Kubernetes refuses toleration {number + 1}: {wrong}")


@rule(
    "RG067",
    "error",
    fact="2.3",
    title="A port that only the RedisFailover knows",
    guards="""A port in overrides reaches the RedisFailover alone: the Service, the connection settings and the shutdown
    script keep the other one, so clients and the hand-over find nobody there.""",
    example="overrides: {redis: {port: 7000}}",
    near_miss="redis: {port: 7000}",
    waivable=False,
)
def check_port(system: System) -> Iterator[Problem]:
    """Ask for redis.port instead of an override."""
    port = system.given("redis.port")
    if system.patch and port and port != system.written.redis.port:
        yield Problem(
            "overrides.redis.port",
            f"only the RedisFailover would listen on {port}: Service, connection settings and shutdown script stay at "
            f"{system.written.redis.port}; set redis.port",
        )
