"""The rendered documents: true for the values, and safe whatever the values are."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from msgspec.structs import replace

from redisgen.cluster import Fleet
from redisgen.documents import documents
from redisgen.load import load_fleet
from redisgen.markdown import shell, text
from redisgen.render import render
from redisgen.values import parse
from tests.conftest import GOLDEN, Run
from tests.readme import blocks

EPHEMERAL = "persistence: {aof: no, rdb: [], storage: ephemeral}"
VALUES = {
    "default": "",
    "auth": "{name: o-r, namespace: shop, redis: {port: 7000}, auth: {secretName: o.auth}, operator: {namespace: x}}",
    "one": f"{{redis: {{replicas: 1, {EPHEMERAL}}}, sentinel: {{replicas: 1}}}}",
    "two": """
createNamespace: true
redis: {replicas: 2, handover: false, restartDelay: false}
exporter: {enabled: false}""",
    "bare": """
connection: {masterService: '', configMap: ''}
redis: {persistence: {storage: {keepAfterDeletion: false}}}""",
    "overrides": "overrides: {redis: {replicas: 5, exporter: null}, sentinel: {replicas: 5}, auth: {secretPath: o}}",
    "fleet": "clusters: [{name: a, namespace: x}, {name: b, namespace: y, auth: {secretName: s}}]",
}


def fleet_of(values: str) -> Fleet:
    return load_fleet([parse(values, "redisgen.yaml")])[0]


def documents_of(values: str) -> dict[str, str]:
    fleet = fleet_of(values)
    return documents(fleet, render(fleet))


def commands(markdown: str) -> list[list[str]]:
    """Every kubectl command of the fences, as the shell splits it."""
    found = []
    for block in blocks(markdown, language="sh"):
        for line in block.code.splitlines():
            for command in re.split(r"; |\| ", line) if "sh -c" not in line else [line]:
                words = shlex.split(command, comments=True)
                if "kubectl" in words:
                    found.append(words[words.index("kubectl") + 1 :])
    return found


def known(manifests: dict[str, str]) -> tuple[set[tuple[str, str, str]], dict[str, list[dict[str, str]]]]:
    """Objects that are rendered or that the operator makes (facts, 1.1), and the labels of its pods (facts, 1.2)."""
    objects = {
        (one["kind"].lower(), one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for name, manifest in manifests.items()
        for one in (yaml.safe_load_all(manifest) if "crd" not in name else [])
    }
    objects |= {("crd", "", "redisfailovers.databases.spotahome.com")}
    pods: dict[str, list[dict[str, str]]] = {}
    for (_, namespace, name), spec in {
        ("redisfailover", one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]
        for file, manifest in manifests.items()
        if file.endswith("04-cluster.yaml")
        for one in yaml.safe_load_all(manifest)
        if one["kind"] == "RedisFailover"
    }.items():
        objects |= {("statefulset", namespace, f"rfr-{name}"), ("deployment", namespace, f"rfs-{name}")}
        objects |= {("pod", namespace, f"rfr-{name}-{one}") for one in range(spec["redis"]["replicas"])}
        objects |= {("redisfailovers", namespace, name)}
        if "persistentVolumeClaim" in spec["redis"]["storage"]:
            claim = spec["redis"]["storage"]["persistentVolumeClaim"]["metadata"]["name"]
            objects |= {("pvc", namespace, f"{claim}-rfr-{name}-{one}") for one in range(spec["redis"]["replicas"])}
        objects |= {("namespace", "", namespace)}
        if "auth" in spec:
            objects |= {("secret", namespace, spec["auth"]["secretPath"])}
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "redis-failover"}
        redis = {**labels, "app.kubernetes.io/component": "redis"}
        pods.setdefault(namespace, []).extend(
            [
                {**redis, "redisfailovers-role": "master"},
                {**redis, "redisfailovers-role": "slave"},
                {**labels, "app.kubernetes.io/component": "sentinel"},
            ]
        )
    return objects, pods


def spec_of(manifests: dict[str, str], namespace: str) -> dict[str, Any]:
    """Return the spec of the RedisFailover in a namespace."""
    (spec,) = [
        one["spec"]
        for file, manifest in manifests.items()
        if file.endswith("04-cluster.yaml")
        for one in yaml.safe_load_all(manifest)
        if one["kind"] == "RedisFailover" and one["metadata"]["namespace"] == namespace
    ]
    return spec  # type: ignore[no-any-return]


def option(words: list[str], *names: str) -> str:
    return next((words[at + 1] for at, word in enumerate(words) if word in names), "")


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_commands_name_what_exists(values: str) -> None:
    fleet = fleet_of(values)
    manifests = render(fleet)
    objects, pods = known(manifests)
    for name, document in documents(fleet, manifests).items():
        found = commands(document)
        assert found or name.endswith("SUMMARY.md")
        for words in found:
            before = words[: words.index("--")] if "--" in words else words
            namespace = option(before, "-n")
            if option(before, "-f"):
                assert option(before, "-f") in manifests, words
            if option(before, "-l"):
                wanted = dict(pair.split("=") for pair in option(before, "-l").split(","))
                assert any(wanted.items() <= labels.items() for labels in pods[namespace]), words
            for word in before:
                kind, slash, target = word.partition("/")
                if slash and kind in ("statefulset", "deployment", "pvc", "crd", "redisfailovers"):
                    assert (kind, namespace, target) in objects, words
            if before[0] == "exec":
                kind, _, target = before[3].rpartition("/")
                spec = spec_of(manifests, namespace)
                ports = {"redis": str(spec["redis"]["port"]), "sentinel": "26379"}
                assert kind or "$" in target or ("pod", namespace, target) in objects, words
                container = option(before, "-c")
                assert container == ("sentinel" if kind == "deployment" else "redis"), words
                inside = words[words.index("--") + 1 :]
                script = shlex.split(inside[2]) if inside[:2] == ["sh", "-c"] else inside
                call = script[script.index("redis-cli") :]
                if "-h" in call:  # another Redis
                    continue
                assert option(call, "-p") == ports[container], words
                assert call[3] in ("INFO", "SENTINEL", "REPLICAOF"), words
                login = [word for word in script if word.startswith("REDISCLI_AUTH=")]
                assert bool(login) == (container == "redis" and "auth" in spec), words
            if before[:2] in (["create", "namespace"], ["get", "namespace"]):
                assert ("namespace", "", before[2]) in objects, words
            if before[:2] == ["create", "secret"]:
                assert ("secret", namespace, before[3]) in objects, words


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_every_file_is_applied_once_in_order(values: str) -> None:
    fleet = fleet_of(values)
    manifests = render(fleet)
    for folder in {name.rpartition("/")[0] for name in documents(fleet, manifests)}:
        readme = documents(fleet, manifests)[f"{folder}/README.md".lstrip("/")]
        applied = [option(words, "-f") for words in commands(readme) if words[0] == "apply"]
        assert applied == [name for name in manifests if "-operator-" in name or name.rpartition("/")[0] == folder]
        deleted = [option(words, "-f") for words in commands(readme) if words[0] == "delete" and "-f" in words]
        assert deleted[::-1] == [*applied[len(applied) - len(deleted) :]] or set(deleted) == set(applied)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_code_is_code(values: str) -> None:
    for document in documents_of(values).values():
        for _, language, code in blocks(document):
            if language == "python":
                ast.parse(code)
            elif language == "yaml":
                assert yaml.safe_load(code)
            assert language in ("python", "yaml", "sh", "js", "go", "text", "mermaid")
            assert "{{" not in code.replace("{{ ", "")


def test_only_what_is_true() -> None:
    default, one = documents_of("")["README.md"], documents_of(VALUES["one"])["README.md"]
    assert "redis-data-rfr-redis-cluster-2" in default
    assert "redis-data" not in one
    assert "keeps 2 of 3 Sentinel pods" in default
    assert "keeps 1 of 1 Sentinel pod:" in one
    assert "There is none: Redis has no replica." in one
    assert "REDIS_PASSWORD" not in default
    assert "Service `rfr-redis-cluster`" in default
    assert "Service `rfr-redis-cluster`" not in documents_of(VALUES["two"])["README.md"]
    assert "redis-master" not in documents_of(VALUES["bare"])["README.md"]
    assert "**The claims go with it" in documents_of(VALUES["bare"])["README.md"]
    assert "secretKeyRef" in documents_of(VALUES["auth"])["README.md"]
    assert "rfr-redis-cluster-4" in documents_of(VALUES["overrides"])["README.md"]
    assert "Secret `o`" in documents_of(VALUES["overrides"])["SUMMARY.md"]


def test_timeline_and_cost_from_the_settings() -> None:
    summary = documents_of("sentinel: {downAfterMilliseconds: 3000, failoverTimeout: 20000}")["SUMMARY.md"]
    assert re.findall(r"^ *([0-9.]+) s  \|", summary, re.MULTILINE) == ["0", "3", "3.3", "6", "43"]
    assert "| together | 6 | 0.525 | 960 MiB | 4.2 | 3840 MiB |" in summary
    written = "redis: {resources: {requests: {cpu: +500m, memory: 1e8}, limits: {memory: 999999999999999999E}}}"
    summary = documents_of(f"{written}\nwaive: {{RG027: no matter}}")["SUMMARY.md"]
    assert re.findall(r"\| Redis \| 3 \| ([^|]*) \| ([^|]*) \|", summary) == [("1.57", "383 MiB")]


def test_documents_by_command_line(run: Run, tmp_path: Any) -> None:
    fleet = fleet_of(VALUES["fleet"])
    expected = documents(fleet, render(fleet))
    assert list(expected) == [
        f"{one}/{name}" for one in ("x/a", "y/b") for name in ("README.md", "DEPLOYMENT.md", "SUMMARY.md")
    ]
    assert run("docs", "-f", "-", stdin=VALUES["fleet"]).stdout == "\n".join(expected.values())
    run("render", "-o", "out", "-f", "-", stdin=VALUES["fleet"])
    assert all((tmp_path / "out" / name).read_text("utf-8") == document for name, document in expected.items())


HOSTILE = st.text(st.sampled_from(list("`|\n\r*_<>&#~![](){}$\"'\\;-=: ab\u2028\x00é🙂")), min_size=1, max_size=12)


@given(HOSTILE)
def test_text_shows_as_it_is_in_one_line(value: str) -> None:
    (inline,) = [t for t in MarkdownIt().parse(f"x {text(value)} x") if t.type == "inline"]
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children or [])
    assert shown == "x " + re.sub("[\x00-\x1f\u2028]", " ", value) + " x"


@given(HOSTILE.filter(lambda value: not re.search("[\x00-\x1f\u2028]", value)))
def test_shell_reads_back_one_word(value: str) -> None:
    assert shlex.split(shell(value)) == [value]


@settings(max_examples=30, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_names_break_nothing(name: str, namespace: str, secret: str) -> None:
    """Names that no check lets through, in objects built past the checks."""
    plain = fleet_of(VALUES["auth"])
    (cluster,) = plain.clusters
    connection = replace(cluster.connection, master_service=secret, config_map=name)
    redis = replace(cluster.redis, image=secret)
    cluster = replace(
        cluster,
        name=name,
        namespace=namespace,
        connection=connection,
        redis=redis,
        auth=replace(cluster.auth, secret_name=secret),
    )
    fleet = replace(
        plain, clusters=(cluster,), operator=replace(plain.operator, image=name, namespace=f"{namespace}-ops")
    )
    hostile = documents(fleet, render(fleet))
    for file, document in documents(plain, render(plain)).items():
        assert shape(hostile[file]) == shape(document)
        for _, language, code in blocks(hostile[file]):
            if language == "python":
                ast.parse(code)
            elif language == "yaml":
                assert yaml.safe_load(code)


def shape(markdown: str) -> list[tuple[str, str, int]]:
    """Return the blocks of a document, tables with their cells, without its words."""
    tokens = MarkdownIt().enable("table").parse(markdown)
    return [(one.type, one.info, one.content.count("\n") if one.type == "fence" else 0) for one in tokens]


def test_golden_cases_have_documents() -> None:
    for path in GOLDEN.glob("valid/*/values.yaml"):
        if "config:" in path.read_text("utf-8"):
            continue  # needs the table of directives
        assert documents_of(path.read_text("utf-8"))
