"""What two sets of manifests differ in, and what each difference does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from redisgen.diff import as_json, as_markdown, as_text, compare
from redisgen.findings import InvalidValues
from redisgen.manifests import Manifests, of_texts
from tests.conftest import Run
from tests.system import rendered


def manifests(text: str = "") -> Manifests:
    return of_texts(rendered(text))


def stream(text: str) -> Manifests:
    return of_texts({"x.yaml": text})


def text_of(old: Manifests, new: Manifests) -> str:
    return as_text(compare(old, new)[0])


def outcomes(old: str, new: str) -> dict[str, str]:
    changes = json.loads(as_json(compare(manifests(old), manifests(new))[0]))["changes"]
    return {
        change["path"]: f"{change['effect']} {change['fact']}"
        for change in changes
        if change["kind"] in ("RedisFailover", "Deployment")
    }


def failover(spec: str, name: str = "orders") -> Manifests:
    return stream(
        "apiVersion: databases.spotahome.com/v1\nkind: RedisFailover\n"
        f"metadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n"
    )


def test_no_difference() -> None:
    assert text_of(manifests(), manifests()) == "no difference\n"
    assert json.loads(as_json([])) == {"worst": "none", "changes": []}


def test_text() -> None:
    new = "redis: {maxmemory: 1gb, resources: {limits: {memory: 2Gi}}}\nsentinel: {downAfterMilliseconds: 4500}"
    assert text_of(manifests(), manifests(new)) == (
        "RedisFailover saasodoo/redis-cluster\n"
        "  spec.redis.command[--maxmemory]: 512mb → 1gb\n"
        "  spec.redis.resources.limits.memory: 1Gi → 2Gi\n"
        "    restart: the operator restarts the Redis pods one by one, one every 30 s at most, the master last with "
        "one failover (2.4)\n"
        "  spec.sentinel.customConfig[down-after-milliseconds]: 5000 → 4500\n"
        "    live: set live on every Sentinel by SENTINEL SET within 30 s (2.3)\n"
        "\n"
        "3 changes; worst: restart, the Redis pods restart one by one, with one failover\n"
    )


def test_json() -> None:
    (change,) = json.loads(as_json(compare(manifests(), manifests("redis: {persistence: {rdb: [900 1]}}"))[0]))[
        "changes"
    ]
    assert change == {
        "apiVersion": "databases.spotahome.com/v1",
        "kind": "RedisFailover",
        "namespace": "saasodoo",
        "name": "redis-cluster",
        "path": "spec.redis.command[--save]",
        "old": '""; 900 1; 300 10; 60 10000',
        "new": '""; 900 1',
        "change": "changed",
        "effect": "restart",
        "fact": "2.4",
        "message": "the operator restarts the Redis pods one by one, one every 30 s at most, the master last with one "
        "failover",
    }


def test_markdown_keeps_values_in_their_cells() -> None:
    old = failover("{redis: {podAnnotations: {a: x}}}")
    new = failover('{redis: {podAnnotations: {a: "`|@team <b>\\n# y"}}}')
    table = as_markdown(compare(old, new)[0])
    assert '| `x` | ``"`\\|@team <b>\\n# y"`` | **restart**: ' in table
    assert len(table.splitlines()) == 7


@pytest.mark.parametrize(
    ("old", "new", "path", "outcome"),
    [
        ("redis: {persistence: {aof: no}}", "", "spec.redis.command[--appendonly]", "data-loss T4b"),
        ("", "redis: {persistence: {aof: no}}", "spec.redis.command[--appendonly]", "restart 2.4"),
        ("", "redis: {persistence: {aof: always}}", "spec.redis.command[--appendfsync]", "restart 2.4"),
        ("", "redis: {image: 'redis:7.2.8'}", "spec.redis.image", "restart 2.4"),
        ("", "redis: {image: 'redis:7.0.1'}", "spec.redis.image", "data-loss 2.4"),
        ("", "redis: {maxmemory: 256mb}", "spec.redis.command[--maxmemory]", "restart 2.4"),
        ("", "redis: {port: 6380}", "spec.redis.port", "locked-out 2.4"),
        ("", "redis: {replicas: 5}", "spec.redis.replicas", "locked-out T1"),
        ("", "redis: {terminationGracePeriod: 60}", "spec.redis.terminationGracePeriod", "restart 2.4"),
        ("", "auth: {secretName: x}", "spec.auth.secretPath", "locked-out T8"),
        ("", "namespace: shop", "metadata.namespace", "data-loss 1.1"),
        ("", "name: orders", "metadata.name", "data-loss 1.1"),
        ("", "labels: {a: b}", "metadata.labels.a", "live T27"),
        (
            "redis: {persistence: {storage: {keepAfterDeletion: false}}}",
            "",
            "spec.redis.storage.keepAfterDeletion",
            "ignored T22",
        ),
        (
            "",
            "redis: {persistence: {storage: {storageClass: fast}}}",
            "spec.redis.storage.persistentVolumeClaim.spec.storageClassName",
            "ignored T23",
        ),
        (
            "",
            "redis: {persistence: {storage: {size: 6Gi}}}",
            "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
            "live T23",
        ),
        (
            "",
            "redis: {persistence: {storage: {size: 4Gi}}}",
            "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
            "refused T23",
        ),
        ("", "redis: {persistence: {storage: ephemeral}}", "spec.redis.storage.emptyDir", "data-loss T24"),
        ("redis: {persistence: {storage: ephemeral}}", "", "spec.redis.storage.emptyDir", "refused T24"),
        ("", "exporter: {enabled: false}", "spec.redis.exporter.enabled", "restart T28"),
        ("", "operator: {logLevel: debug}", "spec.template.spec.containers[redis-operator].args[--log-level]", "operator-restart 2.7"),  # noqa: E501
        ("", "sentinel: {image: 'redis:7.4'}", "spec.sentinel.image", "sentinel-restart 1.3"),
        (
            "redis: {replicas: 1}",
            "redis: {replicas: 1, maxmemory: 1gb}",
            "spec.redis.command[--maxmemory]",
            "outage T13",
        ),
        (
            "redis: {replicas: 1, persistence: {storage: ephemeral}}",
            "redis: {replicas: 1, maxmemory: 1gb, persistence: {storage: ephemeral}}",
            "spec.redis.command[--maxmemory]",
            "data-loss T25",
        ),
    ],
)  # fmt: skip
def test_effects(old: str, new: str, path: str, outcome: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("redisgen.rules.check", lambda *_: [])  # whoever wrote them did not ask the rules
    assert outcomes(old, new)[path] == outcome


def test_shutdown_script_restarts_nothing() -> None:
    old, new = rendered(), rendered()
    new["04-cluster.yaml"] = new["04-cluster.yaml"].replace("PAUSE 15000", "PAUSE 10000")
    assert text_of(of_texts(old), of_texts(new)) == (
        "ConfigMap saasodoo/redis-cluster-shutdown\n"
        '  data."shutdown.sh": changed, 1 lines removed, 1 added\n'
        "    live: no pod restarts: the kubelet puts the new script into the pods within a minute or so, and the next "
        "stop of a pod runs it (2.4)\n"
        "\n"
        "1 change; worst: live, takes effect at once or within 30 s, no pod restarts\n"
    )


@pytest.mark.parametrize(
    ("spec", "worst"),
    [
        ("{redis: {storage: {keepAfterDeletion: true, persistentVolumeClaim: {metadata: {name: d}}}}}", "outage"),
        ("{redis: {storage: {persistentVolumeClaim: {metadata: {name: d}}}}}", "data-loss"),
        ("{redis: {}}", "data-loss"),
    ],
)
def test_a_cluster_that_is_removed(spec: str, worst: str) -> None:
    assert json.loads(as_json(compare(failover(spec), stream(""))[0]))["changes"][0]["effect"] == worst


def test_style_and_order_are_no_difference() -> None:
    old = failover("{redis: {replicas: 3, customConfig: [a 1, b 2], resources: {limits: {cpu: 1000m, memory: 1Gi}}}}")
    new = failover("{redis: {resources: {limits: {memory: 1024Mi, cpu: 1}}, customConfig: [b 2, a 1], replicas: 3}}")
    assert text_of(old, new) == "no difference\n"


def test_custom_config_line_by_line() -> None:
    old = failover("{redis: {customConfig: [hz 10, timeout 5, slowlog-max-len 9]}}")
    new = failover("{redis: {customConfig: [hz 20, slowlog-max-len 9, appendonly yes]}}")
    assert text_of(old, new) == (
        "RedisFailover shop/orders\n"
        "  spec.redis.customConfig[appendonly]: added yes\n"
        "    data-loss: Redis starts without the append-only file and then overwrites it; put --appendonly yes into "
        "command, minding T4b (T4)\n"
        "  spec.redis.customConfig[timeout]: removed 5\n"
        "    deferred: the running pods keep the setting; it is gone when they restart (2.3)\n"
        "  spec.redis.customConfig[hz]: 10 → 20\n"
        "    live: set live on every pod by CONFIG SET within 30 s (2.3)\n"
        "\n"
        "3 changes; worst: data-loss, data is at risk\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "effect"),
    [
        ("{labelWhitelist: [x]}", "{labelWhitelist: [y]}", "none 1.2"),
        ("{redis: {exporter: {image: a}}}", "{redis: {exporter: {image: b}}}", "none 1.3"),
        (
            "{redis: {exporter: {enabled: true, image: a}}}",
            "{redis: {exporter: {enabled: true, image: b}}}",
            "restart 2.4",
        ),
        ("{redis: {customConfig: [maxmemory 2gb]}}", "{redis: {customConfig: [maxmemory 1gb]}}", "live 2.3"),
        ("{redis: {customConfig: [hz 1]}}", "{redis: {customConfig: [hz 1, requirepass x]}}", "locked-out 2.3"),
        (
            "{redis: {customCommandRenames: []}}",
            "{redis: {customCommandRenames: [{from: KEYS, to: x}]}}",
            "deferred 2.4",
        ),
        ("{redis: {}}", "{redis: {replicas: 0}}", "none T20"),
        (
            "{redis: {replicas: 5}, sentinel: {replicas: 5}}",
            "{redis: {replicas: 3}, sentinel: {replicas: 5}}",
            "restart T43",
        ),
        (
            "{redis: {replicas: 3}, sentinel: {replicas: 5}}",
            "{redis: {replicas: 5}, sentinel: {replicas: 5}}",
            "live T43",
        ),
        ("{redis: {}}", "{redis: {}, sentinel: {replicas: 1}}", "locked-out T1"),
        ("{redis: {}}", "{redis: {}, bootstrapNode: {host: 10.0.0.1}}", "data-loss 2.2"),
        ("{redis: {}, bootstrapNode: {host: 10.0.0.1}}", "{redis: {}}", "live T44"),
        ("{sentinel: {customConfig: [a 1, b 2]}}", "{sentinel: {customConfig: [a 1]}}", "deferred T5"),
        ("{redis: {command: [r, --databases, '16']}}", "{redis: {command: [r, --databases, '8']}}", "data-loss None"),
        ("{redis: {command: [r, --a, '1', --b, '2']}}", "{redis: {command: [r, --b, '2', --a, '1']}}", "restart 2.4"),
        ("{redis: {noSuchField: 1}}", "{redis: {noSuchField: 2}}", "unknown None"),
    ],
)
def test_effects_of_what_others_write(old: str, new: str, effect: str) -> None:
    (change,) = json.loads(as_json(compare(failover(old), failover(new))[0]))["changes"]
    assert f"{change['effect']} {change['fact']}" == effect


@pytest.mark.parametrize(
    ("whitelist", "effect"), [("[]", "restart"), ("['^$']", "live"), ("[chart]", "restart"), ("['(a+)+$']", "restart")]
)
def test_labels_that_reach_pods(whitelist: str, effect: str) -> None:
    text = (
        "apiVersion: databases.spotahome.com/v1\nkind: RedisFailover\n"
        f"metadata: {{name: a, labels: {{helm.sh/chart: x-%s}}}}\nspec: {{labelWhitelist: {whitelist}}}"
    )
    (change,) = json.loads(as_json(compare(stream(text % 1), stream(text % 2))[0]))["changes"]
    assert change["effect"] == effect


def test_aof_that_was_on_at_run_time_first() -> None:
    old = failover("{redis: {customConfig: [appendonly yes]}}")
    new = failover("{redis: {customConfig: [appendonly yes], command: [redis-server, /x, --appendonly, 'yes']}}")
    assert "data-loss" not in text_of(old, new)


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: pw, namespace: shop}\nstringData: {password: %s}\n"


def test_secrets_are_never_printed() -> None:
    env = (
        "{redis: {auth: {}, exporter: {env: [{name: REDIS_PASSWORD, value: %s}, {name: B, value: 'redis://u:%s@h'}]}}}"
    )
    run = "{redis: {command: [redis-server, --requirepass, %s], customConfig: [masterauth %s]}}"
    pairs = [
        (stream(SECRET % "hunter2"), stream(SECRET % "hunter3")),
        (failover(env % ("hunter2", "hunter2")), failover(env % ("hunter3", "hunter3"))),
        (failover(run % ("hunter2", "hunter2")), failover(run % ("hunter3", "hunter3"))),
        (failover("{}"), failover(run % ("hunter3", "hunter3"))),
        (failover("{}"), failover(env % ("hunter3", "hunter3"))),
        (failover("{}"), failover("{redis: {command: [sh, -c, redis-server --requirepass hunter3]}}")),
    ]
    for old, new in pairs:
        judged = compare(old, new)[0]
        assert judged
        for write in (as_text, as_json, as_markdown):
            assert "hunter" not in write(judged)


def test_password_of_a_cluster() -> None:
    both = "\n---\n" + failover("{auth: {secretPath: pw}}").chunks[0].text
    found = text_of(stream(SECRET % "a" + both), stream(SECRET % "b" + both))
    assert found.startswith("Secret shop/pw\n  stringData.password: changed\n    locked-out: ")
    assert "unknown" in text_of(stream(SECRET % "a"), stream(SECRET % "b"))


def test_what_it_cannot_judge() -> None:
    foreign = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: %s}\n"
    assert text_of(stream(foreign % 1), stream(foreign % 2)) == (
        "Deployment web\n"
        "  spec.replicas: 1 → 2\n"
        "    unknown: effect unknown: redisgen knows nothing about this field\n"
        "\n"
        "1 change; worst: unknown, redisgen cannot judge it\n"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("apiVersion: v1\nkind: X\na: [", "x.yaml:4:1: error: not YAML: did not find expected node content [yaml]"),
        ("apiVersion: v1\nkind: X\na: !!python/name:os.system x", "x.yaml:3:4: error: not YAML: "),
        ("apiVersion: v1\nkind: X\na: &a [*a]", "an alias inside its own anchor never ends"),
        ("apiVersion: v1\nkind: X\nmetadata: {name: a}\n---\njust text", "is no manifest"),
        ("apiVersion: v1\nkind: X\na: " + "[" * 5000, "nested more than 100 levels deep"),
        ("apiVersion: v1\nkind: X\na:\n  " + "- " * 90000, "nested more than 100 levels deep"),
        ("apiVersion: v1\nkind: X\na:\n  " + "? " * 90000, "nested more than 100 levels deep"),
        (
            "apiVersion: v1\nkind: X\na:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 900)),
            "nested more than 100 levels deep",
        ),
        (
            "apiVersion: v1\nkind: X\na0: &a0 [1,1]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)),
            "aliases repeat more than 2000000 values",
        ),
    ],
)
def test_broken_manifests(text: str, said: str) -> None:
    with pytest.raises(InvalidValues) as error:
        compare(manifests(), stream(text))
    assert said in str(error.value)


def test_hostile_shapes_are_no_crash() -> None:
    for spec in (
        "1",
        "[]",
        "{redis: [1], sentinel: x, auth: 3}",
        "{redis: {command: x, customConfig: {a: 1}, storage: 1}}",
    ):
        for old, new in (
            (failover(spec), failover("{}")),
            (failover("{}"), failover(spec)),
            (failover(spec), manifests()),
        ):
            assert compare(old, new)[0]


def test_no_control_characters() -> None:
    odd = 'apiVersion: v1\nkind: X\nmetadata: {name: "\\e[31ma"}\n"\\e[31m": "%s\\e[31m\\r"'
    judged = compare(stream(odd % 1), stream(odd % 2))[0]
    assert len(judged) == 1
    for write in (as_text, as_json, as_markdown):
        assert write(judged).replace("\n", "").isprintable()


def test_several_renames_are_told_apart() -> None:
    old = Manifests([*failover("{redis: {replicas: 1}}", "a").chunks, *failover("{redis: {port: 1}}", "b").chunks], [])
    new = Manifests([*failover("{redis: {port: 1}}", "y").chunks, *failover("{redis: {replicas: 1}}", "x").chunks], [])
    assert [(one.change.old, one.change.new) for one in compare(old, new)[0]] == [("a", "x"), ("b", "y")]


def test_unrelated_clusters_are_no_rename() -> None:
    new = Manifests([*failover("{redis: {port: 1}}", "b").chunks, *failover("{redis: {port: 2}}", "c").chunks], [])
    found = [one.effect.outcome.value for one in compare(failover("{}"), new)[0]]
    assert found == ["data-loss", "created", "created"]


def test_git_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = run("diff", "HEAD:deploy")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == ("redisgen: error: HEAD:deploy: no such file or folder; to read it from Git, install git\n")


def test_what_kubectl_prints() -> None:
    served = stream(
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: databases.spotahome.com/v1\n  kind: RedisFailover\n"
        "  metadata:\n    annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}\n"
        "    creationTimestamp: '2026-01-01T00:00:00Z'\n    generation: 2\n    name: orders\n    namespace: shop\n"
        "    resourceVersion: '1'\n    uid: x\n  spec: {redis: {replicas: 3}}\n"
    )
    assert text_of(served, failover("{redis: {replicas: 3}}")) == "no difference\n"


def test_dates_and_surrogates() -> None:
    old = failover("{redis: {podAnnotations: {a: 2001-01-01}}}")
    assert text_of(old, failover("{redis: {podAnnotations: {a: '2001-01-01'}}}")) == "no difference\n"
    with pytest.raises(InvalidValues, match="not YAML"):
        compare(old, failover('{redis: {podAnnotations: {a: "\\ud800"}}}'))


@pytest.mark.parametrize(("key", "effect"), [("pod-security.kubernetes.io/enforce", "deferred"), ("team", "live")])
def test_labels_of_a_namespace(key: str, effect: str) -> None:
    text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: a, labels: {{{key}: %s}}}}"
    assert [one.effect.outcome.value for one in compare(stream(text % "x"), stream(text % "y"))[0]] == [effect]


def test_a_document_twice() -> None:
    doubled = stream(
        "apiVersion: v1\nkind: X\nmetadata: {name: a}\n---\napiVersion: v1\nkind: X\nmetadata: {name: a}\nb: 1"
    )
    assert compare(doubled, manifests())[1] == ["x.yaml:4: X a is here a second time; the last one counts"]


@pytest.fixture
def repository(tmp_path: Path, run: Run) -> Path:
    def git(*arguments: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    (tmp_path / "redisgen.yaml").write_text("name: orders\n")
    run("render", "-o", "deploy")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    (tmp_path / "redisgen.yaml").write_text("name: orders\nsentinel: {failoverTimeout: 20000}\n")
    return tmp_path


LIVE = (
    "RedisFailover saasodoo/orders\n"
    "  spec.sentinel.customConfig[failover-timeout]: 10000 → 20000\n"
    "    live: set live on every Sentinel by SENTINEL SET within 30 s (2.3)\n"
    "\n"
    "1 change; worst: live, takes effect at once or within 30 s, no pod restarts\n"
)


@pytest.mark.parametrize(
    "old", ["deploy", "deploy/", "HEAD:deploy/", "HEAD:deploy", "HEAD:./deploy", "HEAD:redisgen.yaml"]
)
def test_sources(old: str, repository: Path, run: Run) -> None:
    assert repository
    done = run("diff", old)
    assert (done.returncode, done.stdout, done.stderr) == (1, LIVE, "")


def test_one_file_of_a_revision_and_a_stream(repository: Path, run: Run) -> None:
    now = (repository / "deploy/04-cluster.yaml").read_text()
    done = run(
        "diff",
        "HEAD:deploy/04-cluster.yaml",
        "-",
        stdin=now.replace("failover-timeout 10000", "failover-timeout 20000"),
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, LIVE, "")


@pytest.mark.parametrize(
    ("gate", "setting", "code"),
    [
        ("any", "sentinel.failoverTimeout=10000", 0),
        ("any", "redis.maxmemory=512mb", 1),
        ("restart", "redis.maxmemory=512mb", 0),
        ("restart", "redis.maxmemory=600mb", 1),
        ("data-loss", "redis.maxmemory=600mb", 0),
        ("data-loss", "name=other", 1),
    ],
)
def test_fail_on(gate: str, setting: str, code: int, repository: Path, run: Run) -> None:
    assert repository
    done = run("diff", "HEAD:deploy", "-f", "redisgen.yaml", "--set", setting, "--fail-on", gate)
    assert done.returncode == code, done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 3, "redisgen: error: nope: no such file or folder; a Git revision reads HEAD~1:deploy/\n"),
        (["no:pe"], 3, "redisgen: error: no:pe: no such file or folder, and git says: "),
        (["--", "-x:y"], 3, "redisgen: error: -x:y: no such file or folder; a Git revision reads HEAD~1:deploy/\n"),
        (["-"], 3, "redisgen: error: stdin is empty\n"),
        (["-", "-"], 2, "stdin can be read once"),
        (["a", "b", "--set", "name=x"], 2, "give NEW, or -f and --set, not both"),
        (["."], 3, "redisgen: error: . holds no manifest\n"),
    ],
)
def test_what_cannot_be_read(arguments: list[str], code: int, said: str, run: Run) -> None:
    done = run("diff", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
