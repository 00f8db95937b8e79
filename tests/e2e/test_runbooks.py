"""docs/runbooks.md, run as it stands, on systems of their own under one operator, while a client writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from redisgen.resources import TEMPLATES
from tests.e2e import faults
from tests.e2e.client import Client
from tests.e2e.conftest import CRD, Say
from tests.e2e.kubectl import apply, is_ready, kubectl, objects, until
from tests.e2e.runbook import DOCUMENT, KEYS, NAMESPACES, Run
from tests.e2e.system import ROLE, System
from tests.e2e.test_systems import PROMISED
from tests.readme import blocks
from tests.scenarios import Results, Scenario, started
from tests.system import rendered


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


def image(folder: Path) -> str:
    run = Run("image", folder, image="redis:7.2.4-alpine")
    began = time.monotonic()
    outage = run.client.during("image", lambda: run.update(image="redis:7.2.7-alpine"))
    seconds = time.monotonic() - began
    assert (outage.lost, run.kept()) == (0, KEYS)
    shared = _even_out(run)
    run.end()
    return f"{seconds:.0f} s; {outage}; {shared}"


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
    heading, away = "New Sentinels", 600
    run, waiting = Run("away", folder / "away"), Run("waiting", folder / "waiting")
    _wait_for_master(waiting)
    operator = ("deployment/redis-operator", "-n", run.system.operator.namespace)
    back, seen = [0.0], dict[str, Any]()

    def leave() -> None:
        kubectl("scale", *operator, "--replicas", "0")
        kubectl("wait", "pod", *operator[1:], "--all", "--for", "delete", "--timeout", "120s")
        faults.force(run.system)
        time.sleep(30)  # Sentinel fails over
        new = {one.system.name: _replace_sentinel(one) for one in (run, waiting)}
        time.sleep(away)
        assert [pod for pod in run.system.pods("redis") if pod["metadata"]["labels"][ROLE] == "master"] == []
        for one in (run, waiting):
            pod = _sentinel(one, new[one.system.name])
            restarts = pod["status"]["containerStatuses"][0]["restartCount"]
            seen[one.system.name] = (is_ready(pod), _named_by(one, pod["metadata"]["name"]), restarts)
        kubectl("scale", *operator, "--replicas", "1")
        back.append(time.monotonic())

    try:
        outage = run.client.during("away", leave)
    finally:
        kubectl("scale", *operator, "--replicas", "1")
    whole = time.monotonic() - back[-1]
    waiting.client.whole()
    assert outage.seconds <= PROMISED
    assert seen["away"] == (True, "127.0.0.1", 0)
    assert not seen["waiting"][0]
    for one in (run, waiting):
        one.end()
    return (
        f"away for {away} s: {outage}; no pod labelled master; whole again {whole:.0f} s after it was back; a new "
        f"Sentinel ready and naming 127.0.0.1; with what {heading} says not ready, restarted {seen['waiting'][2]} times"
    )


def apart(folder: Path) -> str:
    _needs_three_nodes()
    run = Run("apart", folder, spread={"nodes": "required"})
    outage = run.client.during("redis", lambda: run.update(terminationGracePeriod=130))
    assert outage.lost == 0
    run.change("sentinel", spread={"nodes": "required"})
    time.sleep(60)
    assert [pod["status"]["phase"] for pod in run.system.pods("sentinel")].count("Pending") == 1
    run.change("sentinel", spread={"nodes": "preferred"})
    time.sleep(5)
    run.client.whole()
    assert run.kept() == KEYS
    run.end()
    return f"Redis: {outage}; Sentinel: one pod pending for 60 s, until preferred again"


def new_sentinel(folder: Path) -> str:
    run = Run("sentinels", folder)
    before = _answering_loopback(run)
    _wait_for_master(run)
    after = _answering_loopback(run)
    assert after == 0
    run.end()
    return f"ready while it answers 127.0.0.1: {before:.0f} s; with the script: {after:.0f} s"


def beside(folder: Path) -> str:
    one = Run("one", folder / "one", password=True)
    two = Run("two", folder / "two", one.system.namespace, password=True)
    both = rendered(yaml.safe_dump({"clusters": [one.values, two.values]}))
    kubectl("apply", "-f", "-", stdin=both["02-operator-rbac.yaml"])
    kubectl("delete", "pods", "-n", one.system.namespace, "-l", "app.kubernetes.io/component=redis")
    for run, other in ((one, two), (two, one)):
        run.client.whole()
        foreign = f"print(len(list(master.scan_iter('kept:{other.system.name}:*'))))"
        assert (run.kept(), int(run.client.connected(foreign).split()[-1])) == (KEYS, 0)
    two.end(namespace=False)
    one.end()
    return "two in one namespace, all pods of both deleted at once: each has its own keys and no other"


def definition(folder: Path) -> str:
    run = Run("definition", folder)
    old = {kind: {pod["metadata"]["uid"] for pod in run.system.pods(kind)} for kind in ("redis", "sentinel")}
    full = yaml.safe_load((TEMPLATES / "01-operator-crd.yaml").read_text("utf-8"))
    _describe(full["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])
    (run.system.folder / "operator-crd.yaml").write_text(yaml.safe_dump(full), "utf-8")
    before = _generation_and_spec(run)
    run.follow("The operator's own CustomResourceDefinition")
    time.sleep(35)  # a pass of the operator
    assert _generation_and_spec(run) == before
    assert old == {kind: {pod["metadata"]["uid"] for pod in run.system.pods(kind)} for kind in old}
    run.end()
    return "replaced and put back: no pod restarted, no field lost"


SCENARIOS: dict[str, Scenario] = {
    "More or fewer Redis pods": scale,
    "An append-only file for a system that has only snapshots": append_only,
    "Another version of Redis": image,
    "Larger volumes": volumes,
    "Pods that must not share a node": apart,
    "New Sentinels": new_sentinel,
    "Clusters beside each other": beside,
    "The operator's own CustomResourceDefinition": definition,
}


@pytest.fixture(scope="module", autouse=True)
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install one operator for all, and remove it with all that it looks after."""
    values = {"namespace": f"{NAMESPACES}operator", "createNamespace": True}
    system = System(yaml.safe_dump(values), tmp_path_factory.mktemp("operator"))
    files = [str(system.folder / file) for file in system.files if "-operator-" in file]
    for file in files:
        kubectl("apply", "-f", file)
    kubectl("rollout", "status", "deployment/redis-operator", "-n", system.operator.namespace, "--timeout", "180s")
    yield
    for file in files[::-1]:
        kubectl("delete", "-f", file, "--ignore-not-found")
    if namespaces := _namespaces():
        kubectl("delete", "namespaces", *namespaces, "--wait=false")
    until(180, lambda: not _namespaces(), "no namespace left")


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
    outage = run.client.during("drain", lambda: run.follow(heading, NODE=node))
    assert outage.lost == 0
    shared = _even_out(run)
    run.end()
    say(heading, f"{outage}; {shared}")


def test_operator_was_away(tmp_path: Path, say: Say) -> None:
    say("The operator was away", operator_away(tmp_path))


def test_password(tmp_path: Path, say: Say) -> None:
    heading, run = "A password for a system that has none", Run("password", tmp_path)
    old = run.uids()
    run.follow(heading)
    run.change("auth", secretName="password-password")
    run.client = Client(run.system)

    def switch() -> None:
        run.follow(heading, 1)
        until(500, run.replaced(old), "every Redis pod replaced")

    first = run.client.during("first", switch)
    run.follow("Another password")
    run.client = Client(run.system)
    roll = {"redis": {"podAnnotations": {"password-of": "2026-11-24"}}}
    other = run.client.during("other", lambda: run.update("overrides", **roll))
    passwords = run.client.state("len(r.acl_getuser('default')['passwords'])")["redis"]
    assert (first.lost, other.lost, run.kept(), set(passwords.values())) == (0, 0, KEYS, {1})
    run.end()
    say(heading, f"while the pods restart: {first}")
    say("Another password", f"while the pods restart: {other}")


def _namespaces() -> list[str]:
    names = [one["metadata"]["name"] for one in objects("namespaces")]
    return [name for name in names if name.startswith(NAMESPACES)]


def _needs_three_nodes() -> None:
    if len(faults.nodes()) != 3:
        pytest.skip("needs exactly three nodes")


def _even_out(run: Run) -> str:
    """Follow the runbook for Sentinels that share a node; return how many did."""
    before, wanted = _nodes_of_sentinels(run), min(3, len(faults.nodes()))
    while (after := _nodes_of_sentinels(run)) < wanted:
        run.follow("Sentinels share a node")
        run.client.whole()
        assert _nodes_of_sentinels(run) > after
    return f"Sentinels on {before} nodes, evened out on {after}"


def _nodes_of_sentinels(run: Run) -> int:
    return len({pod["spec"]["nodeName"] for pod in run.system.pods("sentinel")})


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


def _wait_for_master(run: Run) -> None:
    """Do what the runbook says: Sentinels that are not ready before they know the master."""
    script, values = (block.code for block in blocks(DOCUMENT, "New Sentinels", "yaml"))
    apply(yaml.safe_load(script) | {"metadata": {"name": "sentinel-startup", "namespace": run.system.namespace}})
    run.values |= yaml.safe_load(values)
    old = _sentinels(run)
    run.change()
    until(180, lambda: not old & _sentinels(run), "every Sentinel replaced")
    run.client.whole()


def _sentinels(run: Run) -> set[str]:
    return {pod["metadata"]["name"] for pod in run.system.pods("sentinel")}


def _sentinel(run: Run, name: str) -> dict[str, Any]:
    (pod,) = [one for one in run.system.pods("sentinel") if one["metadata"]["name"] == name]
    return pod


def _replace_sentinel(run: Run) -> str:
    """Delete a Sentinel; return the name of the one that comes for it."""
    old = _sentinels(run)
    kubectl("delete", "pod", "-n", run.system.namespace, min(old), "--wait=false")
    until(120, lambda: _sentinels(run) - old, "a new Sentinel")
    (new,) = _sentinels(run) - old
    return new


def _named_by(run: Run, sentinel: str) -> str:
    """Return the address that a Sentinel gives for the master; empty while it does not answer."""
    ask = ("redis-cli", "-p", "26379", "SENTINEL", "get-master-addr-by-name", "mymaster")
    try:
        return kubectl("exec", "-n", run.system.namespace, sentinel, "-c", "sentinel", "--", *ask).partition("\n")[0]
    except AssertionError:
        return ""


def _answering_loopback(run: Run) -> float:
    """Replace a Sentinel; return the seconds for which the new one is ready and names 127.0.0.1 as master."""
    new, wrong, end = _replace_sentinel(run), 0.0, time.monotonic() + 200
    while time.monotonic() < end:
        began = time.monotonic()
        ready, named = is_ready(_sentinel(run, new)), _named_by(run, new)
        time.sleep(0.5)
        if ready and named == "127.0.0.1":
            wrong += time.monotonic() - began
        elif ready and named:
            break
    run.client.whole()
    return wrong


def _generation_and_spec(run: Run) -> tuple[int, dict[str, Any]]:
    (one,) = objects(CRD, run.system.namespace)
    return one["metadata"]["generation"], one["spec"]


def _describe(schema: dict[str, Any]) -> None:
    """Give every field a description as long as those of the operator's own definition."""
    schema["description"] = "x" * 300
    for one in schema.get("properties", {}).values():
        _describe(one)
    if isinstance(schema.get("items"), dict):
        _describe(schema["items"])
