"""redisgen verify finds what an API server would refuse or drop, and leaves no document unchecked."""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from redisgen import kubeconform
from redisgen.findings import Finding, Place, RedisgenError
from redisgen.resources import TEMPLATES
from tests.conftest import needs_kubeconform

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {key: value}\n"
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "redis-operator", "namespace": "redis-operator"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "operator", "image": "quay.io/spotahome/redis-operator:v1.2.4"}]},
        },
    },
}
FAILOVER: dict[str, Any] = {
    "apiVersion": "databases.spotahome.com/v1",
    "kind": "RedisFailover",
    "metadata": {"name": "redis-cluster"},
    "spec": {"redis": {"replicas": 3}, "sentinel": {"replicas": 3}},
}
MONITORING = """\
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: redis, namespace: saasodoo}
spec:
  selector: {matchLabels: {app.kubernetes.io/name: redis-cluster}}
  namespaceSelector: {matchNames: [saasodoo]}
  podTargetLabels: [redisfailovers-role]
  podMetricsEndpoints:
    - {port: metrics, path: /metrics, interval: 30s, scrapeTimeout: 10s, honorLabels: true,
       relabelings: [{sourceLabels: [a], regex: b, action: keep}],
       metricRelabelings: [{regex: c, action: labeldrop}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: redis}
spec:
  groups:
    - name: redis
      interval: 1m
      rules:
        - {alert: RedisDown, expr: redis_up == 0, for: 5m, labels: {severity: page}, annotations: {summary: a}}
        - {record: redis:up, expr: sum(redis_up)}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: redis}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{ports: [{port: 6379}]}]}
"""


def dump(*documents: Any) -> str:
    return yaml.safe_dump_all(documents)


def messages(text: str, *versions: str) -> list[str]:
    return [finding.message for finding in kubeconform.verify({"a.yaml": text}, versions or ["1.33"]).findings]


@pytest.fixture(autouse=True)
def nothing_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(tmp_path.glob("redisgen-*"))


@pytest.fixture
def fake(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a script in the place of kubeconform."""

    def install(script: str) -> None:
        program = tmp_path_factory.mktemp("bin") / "kubeconform"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")

    return install


def test_supported_versions() -> None:
    versions = kubeconform.supported_versions()
    assert versions[0] == "1.25"
    assert versions == [f"1.{minor}" for minor in range(25, 25 + len(versions))]


@needs_kubeconform
def test_good_documents_for_all_versions() -> None:
    texts = {
        "01-operator-crd.yaml": (TEMPLATES / "01-operator-crd.yaml").read_text(encoding="utf-8"),
        "03-operator-deployment.yaml": dump(DEPLOYMENT),
        "04-cluster.yaml": CONFIG_MAP + "---\n" + dump(FAILOVER),
        "clusters/b/06-monitoring.yaml": MONITORING,
    }
    findings, valid = kubeconform.verify(texts)
    assert not findings
    assert valid == dict.fromkeys(kubeconform.supported_versions(), 7)


@needs_kubeconform
def test_unknown_field() -> None:
    bad = copy.deepcopy(DEPLOYMENT)
    bad["spec"]["template"]["spec"]["containers"][0]["comand"] = ["a"]
    findings, valid = kubeconform.verify({"03.yaml": dump(bad, DEPLOYMENT)})
    versions = kubeconform.supported_versions()
    fault = "spec.template.spec.containers[0]: unknown key 'comand'"
    message = f"Deployment/redis-operator: {fault} (Kubernetes {versions[0]} to {versions[-1]})"
    assert findings == [Finding(Place("03.yaml"), "kubeconform", message)]
    assert set(valid.values()) == {1}


@needs_kubeconform
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"spec": DEPLOYMENT["spec"] | {"replicas": "3"}}, "spec.replicas: must be a whole number, is text"),
        ({"statu": 1}, "unknown key 'statu'"),
        (
            {"metadata": {"name": "redis-operator", "labels": {"a.b/c": 1}}},
            'metadata.labels["a.b/c"]: must be text, is a number',
        ),
        ({"spec": {}}, "spec: lacks 'selector', 'template'"),
    ],
)
def test_faults_of_a_deployment(change: dict[str, Any], fault: str) -> None:
    assert messages(dump(DEPLOYMENT | change)) == [f"Deployment/redis-operator: {fault} (Kubernetes 1.33)"]


@needs_kubeconform
def test_all_faults_of_a_failover() -> None:
    redis = {"replica": 3, "port": "6379", "resources": {"limits": {"memory": ["1Gi"]}}, "replicas": 2**40}
    assert messages(dump(FAILOVER | {"spec": {"redis": redis}})) == [
        f"RedisFailover/redis-cluster: {fault} (Kubernetes 1.33)"
        for fault in (
            "spec.redis.port: must be a whole number, is text",
            "spec.redis.replicas: the number is too large",
            "spec.redis.resources.limits.memory: must be a whole number or text, is a list",
            "spec.redis: unknown key 'replica'",
        )
    ]


@needs_kubeconform
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("apiVersion: v1\nkind: Foo\nmetadata: {name: a}", "Foo/a: unknown kind 'Foo' of API 'v1'"),
        ("apiVersion: v2\nkind: ConfigMap\nmetadata: {name: a}", "ConfigMap/a: unknown kind 'ConfigMap' of API 'v2'"),
        ("kind: ../../../Foo\napiVersion: v1", "../../../Foo: unknown kind '../../../Foo' of API 'v1'"),
        ("kind: ConfigMap", "ConfigMap: missing 'apiVersion' key"),
        ("- a", "a document: must be a mapping"),
        (CONFIG_MAP + "data: {}", 'ConfigMap/a: key "data" already set in map'),
        (CONFIG_MAP.replace("apiVersion: v1", "apiVersion: apps.example.com/v1"), "ConfigMap/a: unknown kind"),
        (MONITORING.replace("alert:", "alarm:"), "PrometheusRule/redis: spec.groups[0].rules[0]: "),
        (MONITORING.replace("honorLabels", "honourLabels"), "PodMonitor/redis: spec.podMetricsEndpoints[0]: unknown"),
        (MONITORING.replace("podSelector", "podselector"), "NetworkPolicy/redis: spec: unknown key 'podselector'"),
    ],
)
def test_other_faults(text: str, message: str) -> None:
    found = messages(text)
    assert any(line.startswith(message) for line in found), found
    assert all(line.endswith(" (Kubernetes 1.33)") for line in found)


@needs_kubeconform
def test_wrong_group_of_a_known_kind() -> None:
    text = dump(DEPLOYMENT | {"apiVersion": "apps.example.com/v1"})
    assert messages(text) == ["Deployment/redis-operator: apiVersion: must be 'apps/v1' (Kubernetes 1.33)"]


@needs_kubeconform
def test_versions_that_differ() -> None:
    container = {"name": "a", "image": "b", "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}}
    findings, valid = kubeconform.verify({"a.yaml": dump(pod)})
    fault = "Pod/a: spec.containers[0]: unknown key 'resizePolicy' (Kubernetes 1.25 to 1.26)"
    assert [finding.message for finding in findings] == [fault]
    assert (valid["1.26"], valid["1.27"]) == (0, 1)


def test_version_ranges() -> None:
    supported = ["1.25", "1.26", "1.27", "1.28", "1.29"]
    ranges = kubeconform._version_ranges({"1.25", "1.26", "1.27", "1.29"}, supported)
    assert ranges == "Kubernetes 1.25 to 1.27, 1.29"


@needs_kubeconform
def test_lists_are_looked_into_and_empty_documents_are_none() -> None:
    items = [yaml.safe_load(CONFIG_MAP), yaml.safe_load(CONFIG_MAP) | {"datum": 1}]
    listed = dump({"apiVersion": "v1", "kind": "List", "items": items})
    text = f"# only a comment\n---\n{listed}---\n---\n{CONFIG_MAP}"
    findings, valid = kubeconform.verify({"a.yaml": text}, ["1.30"])
    assert [finding.message for finding in findings] == ["ConfigMap/a: unknown key 'datum' (Kubernetes 1.30)"]
    assert valid == {"1.30": 2}


@needs_kubeconform
def test_findings_are_sorted_and_say_what_cannot_be_read() -> None:
    texts = {"c.yaml": "a: [\n", "b.yaml": "# nothing\n", "a.yaml": "kind: Foo\napiVersion: v1", "d.yaml": CONFIG_MAP}
    findings, valid = kubeconform.verify(texts, ["1.33"])
    assert [str(finding) for finding in findings] == [
        "a.yaml: error: Foo: unknown kind 'Foo' of API 'v1' (Kubernetes 1.33) [kubeconform]",
        "b.yaml: error: holds no document [kubeconform]",
        "c.yaml:2:1: error: is not YAML: did not find expected node content [kubeconform]",
    ]
    assert valid == {"1.33": 1}


def test_nothing_to_verify(fake: Any) -> None:
    fake("exit 0")
    for texts, versions in (({}, None), ({"a.yaml": CONFIG_MAP}, [])):
        with pytest.raises(RedisgenError, match="nothing to verify"):
            kubeconform.verify(texts, versions)


def test_unknown_version() -> None:
    with pytest.raises(RedisgenError, match=r"no schemas of Kubernetes 1\.2; there are 1\.25, "):
        kubeconform.verify({"a.yaml": CONFIG_MAP}, ["1.2", "1.33"])


def test_kubeconform_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(RedisgenError, match=r"go install github\.com/yannh/kubeconform/cmd/kubeconform@v0\.7\.0"):
        kubeconform.verify({"a.yaml": CONFIG_MAP})


def test_schemas_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconform, "find_spec", lambda _: None)
    with pytest.raises(RedisgenError, match=r'pip install "redisgen\[verify\]"'):
        kubeconform.verify({"a.yaml": CONFIG_MAP})
    assert importlib.util.find_spec("kubernetes_validate")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo panic: no memory >&2; exit 2", "exit code 2: panic: no memory"),
        ("kill -9 $$", "exit code -9"),
        ("echo []", "exit code 0"),
        ('echo \'{"summary": {"valid": 0}, "resources": []}\'', "checked 0 of 1 documents"),
        ('echo \'{"summary": {"valid": 2}}\'', "checked 2 of 1 documents"),
        ("exec sleep 5", "did not finish"),
    ],
)
def test_kubeconform_fails(script: str, message: str, fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconform, "_SECONDS", 0.5)
    fake(script)
    with pytest.raises(RedisgenError, match=message):
        kubeconform.verify({"a.yaml": CONFIG_MAP}, ["1.33"])


def test_kubeconform_cannot_be_run(fake: Any) -> None:
    fake("")
    program = shutil.which("kubeconform")
    assert program
    Path(program).write_bytes(b"\x7fELF no program")
    with pytest.raises(RedisgenError, match="cannot run kubeconform"):
        kubeconform.verify({"a.yaml": CONFIG_MAP}, ["1.33"])
