"""Each rule is triggered by its example, with the finding of golden/rules, and not by its near miss."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest
import yaml

from redisgen.amounts import quantity, size
from redisgen.cluster import Resources
from redisgen.findings import InvalidValues
from redisgen.load import load_fleet
from redisgen.overrides import apply
from redisgen.render import render
from redisgen.rules import RULES, Rule, System
from redisgen.rules.traps import AVOIDED, DIFF, RUNBOOK, TRAPS
from redisgen.values import Mapping, parse
from tests.conftest import GOLDEN
from tests.system import findings

ALL = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


@ALL
def test_example_triggers_this_rule_alone(rule: Rule, request: pytest.FixtureRequest) -> None:
    found = findings(rule.example)
    assert found
    assert {line.rpartition(" ")[2] for line in found} == {f"[{rule.id}]"}, found
    assert {line.split(": ")[1] for line in found} == {rule.severity}
    expected = GOLDEN / "rules" / f"{rule.id}.txt"
    text = "".join(f"{line}\n" for line in found)
    if request.config.getoption("--update-golden"):
        expected.write_text(text, "utf-8", newline="\n")
    assert text == expected.read_text("utf-8")


@ALL
def test_near_miss_triggers_none(rule: Rule) -> None:
    assert rule.near_miss != rule.example
    assert findings(rule.near_miss) == []


def test_golden_has_no_other_rules() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("rules/*")) == sorted(RULES)


def test_the_default_is_without_finding() -> None:
    assert findings("") == []


def test_every_trap_is_met_once() -> None:
    numbers = [f"T{number}" for number in range(1, 48)]
    numbers[4:4] = ["T4b", "T4c"]
    assert list(TRAPS) == numbers
    for name, trap in TRAPS.items():
        assert trap.ways, name
        assert set(trap.ways) <= {*RULES, AVOIDED, RUNBOOK, DIFF}, name
    for rule in RULES.values():
        if rule.fact and rule.fact.startswith("T"):
            assert rule.id in TRAPS[rule.fact].ways, rule.id


def test_a_waiver_silences_its_rule_alone() -> None:
    assert findings("sentinel: {downAfterMilliseconds: 500, replicas: 4}\nwaive: {RG005: fast network}") == [
        "redisgen.yaml:1:40: warning: 4 Sentinels survive the loss of no more than 3 do, and can split into two "
        "halves; set sentinel.replicas to 5 [RG002]"
    ]


def test_a_waiver_that_clusters_share_is_used_when_one_needs_it() -> None:
    clusters = "clusters: [{name: a, namespace: a, %s}, {name: b, namespace: b, auth: {secretName: b}}]"
    small = "redis: {replicas: 2}"
    assert findings(f"waive: {{RG003: small}}\n{clusters % small}") == []
    assert len(findings(f"waive: {{RG003: small}}\n{clusters % 'redis: {replicas: 3}'}")) == 1


def test_what_cannot_be_waived_is_said_all_the_same() -> None:
    assert [line.rpartition(" ")[2] for line in findings("sentinel: {replicas: 1}\nwaive: {RG001: x}")] == [
        "[RG001]",
        "[RG092]",
    ]


def test_a_shared_value_is_said_once() -> None:
    clusters = ", ".join(f"{{name: c{n}, namespace: n{n}, auth: {{secretName: s}}}}" for n in range(5))
    assert len(findings(f"redis: {{replicas: 2}}\nclusters: [{clusters}]")) == 1


def test_overrides_have_the_last_word() -> None:
    assert findings("redis: {replicas: 5}\noverrides: {redis: {replicas: 3}}") == []
    assert findings("overrides: {sentinel: {replicas: 2}}") == [
        "redisgen.yaml:1:24: error: 2 Sentinels for 3 Redis pods: the operator then never elects a master; set "
        "sentinel.replicas to 3 [RG001]",
        "redisgen.yaml:1:24: warning: 2 Sentinels survive the loss of no more than 1 do, and can split into two "
        "halves; set sentinel.replicas to 3 [RG002]",
    ]


def test_a_mend_names_the_key_that_counts() -> None:
    with pytest.raises(InvalidValues) as wrong:
        load_fleet([parse("overrides: {sentinel: {replicas: 1}}", "redisgen.yaml")])
    assert wrong.value.findings[0].fix == {"overrides.sentinel.replicas": 3}
    _, (finding,) = load_fleet([parse("redis: {terminationGracePeriod: 20}", "redisgen.yaml")])
    assert (finding.fix, finding.fact) == ({"redis.terminationGracePeriod": 120}, "T6")


def test_overrides_that_do_not_fit_are_said_and_left_out_of_the_rules() -> None:
    assert findings("overrides: {redis: {replicas: x}, sentinel: {replicas: 1}}") == [
        "redisgen.yaml:1:21: error: 'replicas' must be a whole number, not 'x' [overrides]"
    ]


@pytest.mark.parametrize("patch", ["redis: null", "sentinel: null", "{redis: null, sentinel: null, auth: null}"])
def test_overrides_may_remove_whole_sections(patch: str) -> None:
    text = patch if patch.startswith("{") else f"{{{patch}}}"
    assert all(line.startswith("redisgen.yaml:") for line in findings(f"overrides: {text}"))


PRODUCTION = """\
name: orders
namespace: shop
operator: {replicas: 2}
redis:
  replicas: 3
  image: redis:7.4.1-alpine
  resources: {requests: {cpu: 500m, memory: 4Gi}, limits: {cpu: "2", memory: 4Gi}}
  maxmemory: 3gb
  maxmemoryPolicy: noeviction
  persistence: {aof: everysec, storage: {size: 20Gi, storageClass: fast-ssd}}
  config: {min-replicas-to-write: 1, databases: 32, notify-keyspace-events: Ex, maxmemory-samples: 10}
  tolerations: [{key: dedicated, operator: Equal, value: redis, effect: NoSchedule}]
sentinel: {replicas: 5, downAfterMilliseconds: 10000, failoverTimeout: 60000}
auth: {secretName: orders-redis}
connection: {db: 20}
overrides:
  redis:
    affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}
    podAnnotations: {sidecar.istio.io/inject: "false"}
"""


def test_no_alarm_on_a_sane_production_system() -> None:
    assert [line.partition(" ")[2][:5] for line in findings(PRODUCTION)] == ["info:"]


def test_rules_cost_little() -> None:
    values = parse("redis: {port: 6380}", "redisgen.yaml")
    (cluster,) = load_fleet([values])[0].clusters
    system = System(cluster, values, {})
    rules = [rule for rule in RULES.values() if rule.over == "cluster"]

    def once() -> float:
        start = perf_counter()
        assert not [problem for rule in rules for problem in rule.check(system)]
        return perf_counter() - start

    assert min(once() for _ in range(50)) < 0.0003


@pytest.mark.parametrize(
    "patch",
    [
        "{}",
        "redis: {replicas: 2, image: redis:7.0, port: 7000, terminationGracePeriod: 9, resources: {limits: {cpu: 3}}}",
        "redis: {resources: {requests: null}, shutdownConfigMap: null, exporter: {resources: {limits: {memory: 1Gi}}}}",
        "sentinel: {replicas: 5, image: redis:6.2, customConfig: [parallel-syncs 2], resources: null}",
        "redis: {storage: {persistentVolumeClaim: null}, exporter: {enabled: false, image: a}}\nauth: {secretPath: x}",
        "redis: {storage: {keepAfterDeletion: false}}",
    ],
)
def test_rules_see_what_is_rendered(patch: str) -> None:
    text = "overrides: {}" if patch == "{}" else "overrides:\n" + "".join(f"  {line}\n" for line in patch.splitlines())
    values = parse(text, "redisgen.yaml")
    fleet, _ = load_fleet([Mapping(values.place)])
    cluster = System(fleet.clusters[0], values, values["overrides"]).cluster
    (document,) = yaml.safe_load_all(
        apply(render(fleet)["04-cluster.yaml"], values["overrides"]).rpartition("---\n")[2]
    )
    spec = document["spec"]
    redis, sentinel, exporter = spec["redis"], spec["sentinel"], spec["redis"]["exporter"]

    def amounts(container: dict[str, Any]) -> list[str]:
        resources = container.get("resources") or {}
        return [
            str((resources.get(kind) or {}).get(of, "")) for kind in ("requests", "limits") for of in ("cpu", "memory")
        ]

    def seen(resources: Resources) -> list[str]:
        return [
            str(getattr(getattr(resources, kind), of)) for kind in ("requests", "limits") for of in ("cpu", "memory")
        ]

    assert (
        cluster.redis.replicas,
        cluster.redis.image,
        cluster.redis.port,
        cluster.redis.termination_grace_period,
    ) == (
        redis["replicas"],
        redis["image"],
        redis["port"],
        redis["terminationGracePeriod"],
    )
    assert cluster.redis.handover == (redis.get("shutdownConfigMap") == "redis-cluster-shutdown")
    assert (cluster.sentinel.replicas, cluster.sentinel.image or cluster.redis.image) == (
        sentinel["replicas"],
        sentinel["image"],
    )
    assert (cluster.exporter.enabled, cluster.exporter.image) == (exporter["enabled"], exporter["image"])
    assert seen(cluster.redis.resources) == amounts(redis)
    assert seen(cluster.sentinel.resources) == amounts(sentinel)
    assert seen(cluster.exporter.resources) == amounts(exporter)
    assert cluster.auth.secret_name == spec.get("auth", {}).get("secretPath", "")
    storage = cluster.redis.persistence.storage
    assert isinstance(storage, str) == ("persistentVolumeClaim" not in redis["storage"])
    assert isinstance(storage, str) or storage.keep_after_deletion == redis["storage"]["keepAfterDeletion"]
    down_after = next((int(line.split()[1]) for line in sentinel["customConfig"] if line.startswith("down")), 30000)
    assert cluster.sentinel.down_after_milliseconds == down_after


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("100m", "0.1"),
        ("700m", "0.7"),
        ("+1Gi", 2**30),
        ("2e9", 2 * 10**9),
        ("1E", 10**18),
        (0.5, "0.5"),
        (".5", "0.5"),
        ("5.", 5),
    ],
)
def test_quantities(written: str | float, amount: str | int) -> None:
    assert quantity(written) == Decimal(amount)


@pytest.mark.parametrize("written", ["", "m", "1 Gi", "1gi", "-1", "1e", "None"])
def test_what_is_no_quantity(written: str) -> None:
    assert quantity(written) is None


@pytest.mark.parametrize(
    ("written", "amount"),
    [("1mb", 2**20), ("1m", 10**6), ("1GB", 2**30), ("12", 12), (12, 12), ("0", 0), ("7b", 7), ("", 0), ("1tb", 0)],
)
def test_sizes(written: str | int, amount: int) -> None:
    assert size(written) == amount


def test_grace_for_the_operators_script() -> None:
    text = "redis: {handover: false, terminationGracePeriod: %s}"
    assert findings(text % 37) == []
    assert [line.rpartition(" ")[2] for line in findings(text % 36)] == ["[RG015]"]


def test_a_single_pod_that_waits_for_no_replica() -> None:
    found = findings("redis: {replicas: 1, config: {min-replicas-to-write: 0}}\nsentinel: {replicas: 1}")
    assert [line.rpartition(" ")[2] for line in found] == ["[RG013]"]


def test_sentinels_on_nodes_of_their_own_need_one_to_spare() -> None:
    (three,) = findings("sentinel: {spread: {nodes: required}}")
    assert three.endswith("without the spare one every change of the Sentinels hangs [RG041]")
    five = findings("sentinel: {replicas: 5, spread: {nodes: required}}")
    assert five[-1].endswith("the operator heals nothing [RG041]")
