"""docs/runbooks.md, run as it stands, on systems of their own under one operator, while a client writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from redisgen.resources import TEMPLATES
from tests.conftest import ROOT
from tests.e2e import faults
from tests.e2e.client import Client
from tests.e2e.conftest import CRD, Say
from tests.e2e.kubectl import apply, is_ready, kubectl, objects, shell, until
from tests.e2e.system import ROLE, System
from tests.e2e.test_systems import PROMISED
from tests.readme import blocks
from tests.scenarios import Results, Scenario, started

DOCUMENT = (ROOT / "docs" / "runbooks.md").read_text("utf-8")
KEYS = 200
SMALL = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}
OPERATOR = {"rbac": "cluster"}
_ports = iter(range(6401, 6500))  # clusters without a password must not meet (T10)


class Run:
    """A system that a runbook is followed on."""

    def __init__(self, name: str, folder: Path, **redis: Any) -> None:
        """Install it under the operator that is there, with 200 keys in it."""
        self.values: dict[str, Any] = {
            "name": name,
            "namespace": f"redisgen-e2e-{name}",
            "createNamespace": True,
            "operator": OPERATOR,
            "connection": {"masterService": ""},
            "exporter": {"enabled": False},
            "redis": {"port": next(_ports), "maxmemory": "64mb", "resources": SMALL, **redis},
            "sentinel": {"resources": SMALL},
        }
        self.system = System(yaml.safe_dump(self.values), folder)
        for file in ("00-operator-namespace.yaml", "04-cluster.yaml", "05-connection.yaml"):
            kubectl("apply", "-f", str(folder / file))
        until(400, self.system.is_ready, "all pods ready")
        self.client = Client(self.system)
        self.client.whole()
        self.client.connected(f"for n in range({KEYS}): lasting(master.set, f'kept:{{n}}', n)")

    def follow(self, heading: str, at: int = 0, **variables: str) -> str:
        """Run a block of a runbook; return its stdout."""
        first, settings = blocks(DOCUMENT)[0].code, blocks(DOCUMENT, heading, "sh")[at].code
        given = {
            "NS": self.system.namespace,
            "NAME": self.system.name,
            "PORT": str(self.system.described.port),
            "OPERATOR": self.system.operator.namespace,
            **variables,
        }
        assert first.startswith("NS=")
        lines = [f"{name}={value}" for name, value in given.items()] + first.splitlines()[1:]
        return shell("\n".join([*lines, settings]), self.system.folder)

    def change(self, section: str = "redis", **values: Any) -> None:
        """Render the values with changes, and apply the cluster."""
        self.values[section] = {**self.values.get(section, {}), **values}
        self.system.render(yaml.safe_dump(self.values))
        self.follow("Runbooks", 1)

    def replaced(self, old: set[str]) -> Callable[[], bool]:
        """Return whether none of the old Redis pods is left."""
        return lambda: not old & self.uids()

    def uids(self) -> set[str]:
        """Return what tells the Redis pods of now from later ones of the same name."""
        return {pod["metadata"]["uid"] for pod in self.system.pods("redis")}

    def update(self, section: str = "redis", **values: Any) -> None:
        """Change values, and wait until every Redis pod is a new one."""
        old = self.uids()
        self.change(section, **values)
        until(500, self.replaced(old), "every Redis pod replaced")

    def kept(self) -> int:
        """Return how many of the keys there are."""
        code = f"print(sum(master.exists(f'kept:{{n}}') for n in range({KEYS})))"
        return int(self.client.connected(code).split()[-1])

    def end(self) -> None:
        """Remove it with its namespace."""
        kubectl("delete", "-f", str(self.system.folder / "04-cluster.yaml"))
        kubectl("delete", "namespace", self.system.namespace, "--wait=false")


def scale(folder: Path) -> str:
    run = Run("scale", folder)

    def to(replicas: int, sentinels: int) -> Callable[[], None]:
        def change() -> None:
            run.values["sentinel"]["replicas"] = sentinels
            run.change(replicas=replicas)
            until(300, lambda: len(run.system.pods("redis")) == replicas, f"{replicas} Redis pods")
            until(300, lambda: len(run.system.pods("sentinel")) == sentinels, f"{sentinels} Sentinels")

        return change

    more = run.client.during("more", to(5, 5))
    _lead(run, f"rfr-{run.system.name}-4")
    fewer = run.client.during("fewer", to(3, 5))
    fewest = run.client.during("fewest", to(3, 3))
    claims = run.follow("More or fewer Redis pods").split()
    outages = (more, fewer, fewest)
    assert max(one.seconds for one in outages) <= PROMISED
    assert (sum(one.lost for one in outages), run.kept(), len(claims)) == (0, KEYS, 5)
    run.end()
    return f"3 to 5: {more}; 5 to 3 Redis pods, the master one of those that go: {fewer}; then Sentinels: {fewest}"


def append_only(folder: Path) -> str:
    run = Run("append-only", folder, persistence={"aof": "no", "storage": {"size": "1Gi"}})

    def switch() -> None:
        run.follow("An append-only file for a system that has only snapshots")
        run.update(persistence={"storage": {"size": "1Gi"}})

    outage = run.client.during("aof", switch)
    kubectl("delete", "pods", "-n", run.system.namespace, "-l", run.system.described.labels("redis"))
    run.client.whole()
    assert (outage.lost, run.kept()) == (0, KEYS)
    run.end()
    return f"{outage}; {KEYS} of {KEYS} keys there after all pods were deleted at once"


def password(folder: Path) -> str:
    run = Run("password", folder)

    def switch() -> None:
        run.follow(heading, 1)
        until(500, run.replaced(old), "every Redis pod replaced")

    heading, old = "A password for a system that has none", run.uids()
    run.follow(heading)
    run.values["auth"] = {"secretName": run.system.name}
    run.change()
    run.client = Client(run.system)  # with the password
    first = run.client.during("first", switch)
    run.follow("Another password")
    run.client = Client(run.system)
    roll = {"redis": {"podAnnotations": {"password-of": "2026-11-24"}}}
    other = run.client.during("other", lambda: run.update("overrides", **roll))
    passwords = run.client.state("len(r.acl_getuser('default')['passwords'])")["redis"]
    assert (first.lost, other.lost, run.kept(), set(passwords.values())) == (0, 0, KEYS, {1})
    run.end()
    return f"switched on, while the pods restart: {first}; another, while the pods restart: {other}"


def image(folder: Path) -> str:
    run = Run("image", folder, image="redis:7.2.4-alpine")
    began = time.monotonic()
    outage = run.client.during("image", lambda: run.update(image="redis:7.2.7-alpine"))
    assert (outage.lost, run.kept()) == (0, KEYS)
    run.end()
    return f"{time.monotonic() - began:.0f} s; {outage}"


def volumes(folder: Path) -> str:
    default = "storageclass.kubernetes.io/is-default-class"
    classes = [
        one for one in objects("storageclasses") if one["metadata"].get("annotations", {}).get(default) == "true"
    ]
    if not any(one.get("allowVolumeExpansion") for one in classes):
        pytest.skip("the default StorageClass does not let volumes grow")
    run = Run("volumes", folder, persistence={"storage": {"size": "1Gi"}})
    old = run.uids()
    run.change(persistence={"storage": {"size": "2Gi"}})
    heading = "Larger volumes"
    seconds = until(90, lambda: run.follow(heading).count("2Gi") >= 3, "claims that ask for more")
    assert run.uids() == old
    run.end()
    return f"three claims ask for 2Gi after {seconds:.0f} s, no pod restarted"


def operator_away(folder: Path) -> str:
    run, away = Run("away", folder), 600
    operator = ("deployment/redis-operator", "-n", run.system.operator.namespace)
    back = [0.0]

    def leave() -> None:
        kubectl("scale", *operator, "--replicas", "0")
        kubectl("wait", "pod", *operator[1:], "--all", "--for", "delete", "--timeout", "120s")
        faults.force(run.system)
        time.sleep(away)
        assert [pod for pod in run.system.pods("redis") if pod["metadata"]["labels"][ROLE] == "master"] == []
        kubectl("scale", *operator, "--replicas", "1")
        back.append(time.monotonic())

    try:
        outage = run.client.during("away", leave)
    finally:
        kubectl("scale", *operator, "--replicas", "1")
    whole = time.monotonic() - back[-1]
    assert outage.seconds <= PROMISED
    run.end()
    return f"away for {away} s: {outage}; no pod labelled master; whole again {whole:.0f} s after it was back"


def apart(folder: Path) -> str:
    if len(faults.nodes()) != 3:
        pytest.skip("needs exactly three nodes")
    run = Run("apart", folder, spread={"nodes": "required"})
    outage = run.client.during("redis", lambda: run.update(terminationGracePeriod=130))
    assert outage.lost == 0
    run.values["sentinel"]["spread"] = {"nodes": "required"}
    run.change()
    time.sleep(60)
    pending = [pod for pod in run.system.pods("sentinel") if pod["status"]["phase"] == "Pending"]
    assert len(pending) == 1
    run.values["sentinel"]["spread"] = {"nodes": "preferred"}
    run.change()
    time.sleep(5)
    run.client.whole()
    assert run.kept() == KEYS
    nodes = len({pod["spec"]["nodeName"] for pod in run.system.pods("sentinel")})
    run.end()
    return f"Redis: {outage}; Sentinel: one pod pending for 60 s, until preferred again, and then on {nodes} nodes"


def new_sentinel(folder: Path) -> str:
    run = Run("sentinels", folder)
    before = _answering_loopback(run)
    script = "redis-cli -p 26379 SENTINEL get-master-addr-by-name mymaster | head -n 1 | grep -v '^127[.]'"
    metadata = {"name": "startup", "namespace": run.system.namespace}
    apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"startup.sh": script}})
    run.values["overrides"] = {"sentinel": {"startupConfigMap": "startup"}}
    run.change()
    time.sleep(5)
    run.client.whole()
    after = _answering_loopback(run)
    run.end()
    return f"ready while it answers 127.0.0.1: {before:.0f} s; with a startupConfigMap: {after:.0f} s"


def definition(folder: Path) -> str:
    run = Run("definition", folder)
    old = {kind: {pod["metadata"]["uid"] for pod in run.system.pods(kind)} for kind in ("redis", "sentinel")}
    full = yaml.safe_load((TEMPLATES / "01-operator-crd.yaml").read_text("utf-8"))
    _describe(full["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])
    (run.system.folder / "operator-crd.yaml").write_text(yaml.safe_dump(full), "utf-8")
    before = objects(CRD, run.system.namespace)[0]["spec"]
    run.follow("The operator's own CustomResourceDefinition")
    time.sleep(35)  # a pass of the operator
    assert objects(CRD, run.system.namespace)[0]["spec"] == before
    assert old == {kind: {pod["metadata"]["uid"] for pod in run.system.pods(kind)} for kind in old}
    run.end()
    return "replaced and put back: no pod restarted, no field lost"


SCENARIOS: dict[str, Scenario] = {
    "More or fewer Redis pods": scale,
    "An append-only file for a system that has only snapshots": append_only,
    "A password": password,
    "Another version of Redis": image,
    "Larger volumes": volumes,
    "Pods that must not share a node": apart,
    "New Sentinels": new_sentinel,
    "The operator's own CustomResourceDefinition": definition,
}


@pytest.fixture(scope="module", autouse=True)
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install one operator for all, and remove it with all that it looks after."""
    system = System(yaml.safe_dump({"operator": OPERATOR}), tmp_path_factory.mktemp("operator"))
    files = [str(system.folder / file) for file in system.files if "-operator-" in file]
    for file in files:
        kubectl("apply", "-f", file)
    kubectl("rollout", "status", "deployment/redis-operator", "-n", system.operator.namespace, "--timeout", "180s")
    yield
    for file in files[::-1]:
        kubectl("delete", "-f", file, "--ignore-not-found")


@pytest.fixture(scope="module")
def results(
    operator: None,  # noqa: ARG001
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Results]:
    with started(request, tmp_path_factory, SCENARIOS, 4) as found:
        yield found


@pytest.mark.parametrize("name", SCENARIOS)
def test_runbook(name: str, results: Results, say: Say) -> None:
    say(name, results[name].result())


def test_node_is_drained(tmp_path: Path, say: Say) -> None:
    if len(faults.nodes()) < 3:
        pytest.skip("needs three nodes")
    run = Run("drained", tmp_path)
    heading = "A node is drained"
    node = run.system.master()["spec"]["nodeName"]
    outage = run.client.during("drain", lambda: run.follow(heading, 0, NODE=node))
    together = 3 - len({pod["spec"]["nodeName"] for pod in run.system.pods("sentinel")})
    run.follow(heading, 1)
    run.client.whole()
    assert len({pod["spec"]["nodeName"] for pod in run.system.pods("sentinel")}) == 3
    assert outage.lost == 0
    run.end()
    say(heading, f"{outage}; {together} Sentinels sharing a node, none after the last step")


def test_operator_was_away(tmp_path: Path, say: Say) -> None:
    say("The operator was away", operator_away(tmp_path))


def _lead(run: Run, name: str) -> None:
    """Make a pod master: give it the best priority, which the operator takes back every 30 s, and fail over."""
    inside = ("exec", "-n", run.system.namespace)
    for _ in range(6):
        if run.system.master()["metadata"]["name"] == name:
            return
        priority = ("redis-cli", "-p", str(run.system.described.port), "CONFIG", "SET", "replica-priority", "1")
        kubectl(*inside, name, "-c", "redis", "--", *priority)
        time.sleep(11)  # Sentinel reads priorities every 10 s
        sentinel = run.system.pods("sentinel")[0]["metadata"]["name"]
        failover = ("redis-cli", "-p", "26379", "SENTINEL", "FAILOVER", "mymaster")
        kubectl(*inside, sentinel, "-c", "sentinel", "--", *failover)
        time.sleep(5)
        run.client.whole()
    raise AssertionError(f"{name} does not become master")


def _answering_loopback(run: Run) -> float:
    """Replace a Sentinel; return the seconds for which the new one is ready and names 127.0.0.1 as master."""
    old = {pod["metadata"]["name"] for pod in run.system.pods("sentinel")}
    kubectl("delete", "pod", "-n", run.system.namespace, old.pop(), "--wait=false")
    wrong = 0.0
    until(120, lambda: [p for p in run.system.pods("sentinel") if p["metadata"]["name"] not in old], "a new pod")
    end = time.monotonic() + 200
    while time.monotonic() < end:
        began = time.monotonic()
        (pod,) = [one for one in run.system.pods("sentinel") if one["metadata"]["name"] not in old][-1:]
        named = ""
        if pod["status"]["phase"] == "Running":
            ask = ("redis-cli", "-p", "26379", "SENTINEL", "get-master-addr-by-name", "mymaster")
            inside = ("-n", run.system.namespace, pod["metadata"]["name"], "-c", "sentinel", "--")
            with suppress(AssertionError):
                named = kubectl("exec", *inside, *ask)
        time.sleep(0.5)
        if is_ready(pod) and named.startswith("127."):
            wrong += time.monotonic() - began
        if is_ready(pod) and named and not named.startswith("127."):
            break
    run.client.whole()
    return wrong


def _describe(schema: dict[str, Any]) -> None:
    """Give every field a description as long as those of the operator's own definition."""
    schema["description"] = "x" * 300
    for one in schema.get("properties", {}).values():
        _describe(one)
    if isinstance(schema.get("items"), dict):
        _describe(schema["items"])
