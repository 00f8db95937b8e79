"""What the README promises of a system, in the order in which it is lived with."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.conftest import GOLDEN
from tests.e2e import faults
from tests.e2e.client import Client
from tests.e2e.conftest import Say
from tests.e2e.kubectl import kubectl, objects, shell, until
from tests.e2e.system import System, objects_named
from tests.readme import blocks
from tests.system import unlike

PROMISED = 15  # seconds without writes, at most
UPDATE = "redis: {resources: {requests: {cpu: 110m}}}"


@pytest.fixture(scope="module")
def before(system: System) -> set[str]:
    """Return what the cluster held before."""
    return inventory(system)


def test_install(system: System, before: set[str], say: Say) -> None:
    assert not any("redis" in one for one in before)
    began = time.monotonic()
    system.install()
    until(300, system.is_ready, "all pods ready")
    say("installed by the README's commands, all pods ready", f"{time.monotonic() - began:.0f} s")


def test_one_master_that_all_know(system: System, client: Client, say: Say) -> None:
    say("one master, known to replicas and Sentinels, from then on", f"{client.whole(180):.0f} s")
    assert (
        client.connected("print(sentinel.discover_master('mymaster')[0])").split()[-1]
        == (system.master()["status"]["podIP"])
    )
    for block in blocks(system.readme, "Install", "sh")[-1:]:
        assert system.master()["status"]["podIP"] in shell(block.code, system.folder)


def test_settings_are_what_the_values_say(system: System, client: Client, say: Say) -> None:
    state, described = client.state("r.config_get('*')"), system.described
    for config in state["redis"].values():
        assert unlike(described, config) == {}
    for sentinel in state["sentinel"].values():
        assert {name: sentinel[name] for name in described.watch} == described.watch
        assert sentinel["quorum"] == described.quorum
    say(
        "settings read back from Redis and Sentinel",
        f"{len(described.arguments + described.live)} and {len(described.watch) + 1} each",
    )


def test_operator(system: System, say: Say) -> None:
    namespace = system.operator.namespace
    pods = objects("pods", namespace)
    assert len(pods) == system.operator.replicas
    assert all(one["restartCount"] == 0 for pod in pods for one in pod["status"]["containerStatuses"])
    say("the operator's log without 'forbidden'", f"{_log(system)} lines")


def test_second_apply_changes_nothing(system: System, say: Say) -> None:
    kubectl("diff", "-f", str(system.folder))
    lines = [line for file in system.files for line in _applied(system, file)]
    assert [line for line in lines if not line.endswith(" unchanged")] == []
    say("a second apply", f"{len(lines)} objects unchanged")


def test_the_code_of_the_readme_writes(client: Client, say: Say) -> None:
    assert client.connected("print(master.get('key'))").split()[-1] == "b'value'"
    say("the README's own client code writes", "yes")


@pytest.mark.parametrize("fault", [faults.delete, faults.drain], ids=["pod deleted", "node drained"])
def test_planned_stop(system: System, client: Client, say: Say, fault: Callable[[System], None]) -> None:
    _needs_replicas(system)
    if fault is faults.drain and len(faults.nodes()) < 2:
        pytest.skip("a drained node needs another")
    what = "pod deleted" if fault is faults.delete else "node drained"
    client = _beside(system, client)
    old = system.master()["metadata"]["name"]
    outage = client.during(fault.__name__, lambda: fault(system))
    assert system.master()["metadata"]["name"] != old
    assert outage.seconds <= PROMISED
    assert outage.lost == 0
    say(what, outage)


@pytest.mark.parametrize("fault", [faults.kill, faults.force], ids=["killed in place", "killed and removed"])
def test_crash(system: System, client: Client, say: Say, fault: Callable[[System], None]) -> None:
    _needs_replicas(system)
    outage = client.during(fault.__name__, lambda: fault(system))
    assert outage.seconds <= PROMISED
    say("killed in place" if fault is faults.kill else "killed, and its pod removed by force", outage)


def test_rolling_update(system: System, client: Client, say: Say) -> None:
    if system.name != "redis-cluster":
        pytest.skip("once is enough")
    values = (GOLDEN / "valid" / "default" / "values.yaml").read_text("utf-8")
    old = {pod["metadata"]["uid"] for pod in system.pods("redis")}
    system.render(f"{values}\n{UPDATE}")

    def update() -> None:
        _applied(system, "04-cluster.yaml")
        until(400, lambda: not old & {pod["metadata"]["uid"] for pod in system.pods("redis")}, "new pods")

    began = time.monotonic()
    outage = client.during("update", update)
    assert outage.seconds <= PROMISED
    assert outage.lost == 0
    say("a value changed, all Redis pods replaced", f"{time.monotonic() - began:.0f} s; {outage}")


def test_all_at_once(system: System, client: Client, say: Say) -> None:
    if not system.described.claims:
        pytest.skip("nothing is kept")
    client.connected("for n in range(500): lasting(master.set, f'kept:{n}', n)")
    time.sleep(2)  # appendfsync everysec
    kubectl("delete", "pods", "-n", system.namespace, "-l", system.described.labels("redis"))
    seconds = client.whole()
    kept = int(client.connected("print(sum(master.exists(f'kept:{n}') for n in range(500)))").split()[-1])
    assert kept == 500
    say("all Redis pods deleted at once", f"{kept} of 500 keys kept, whole again after {seconds:.0f} s")


def test_uninstall(system: System, client: Client, before: set[str], say: Say) -> None:
    say("the operator's log at the end without 'forbidden'", f"{_log(system)} lines")
    client.stop()
    began = time.monotonic()
    system.uninstall()
    with suppress(AssertionError):
        until(180, lambda: not left(system, before), "nothing left but what the README says")
    assert left(system, before) == set()
    say("removed by the README's commands", f"{time.monotonic() - began:.0f} s")
    kubectl("delete", "namespace", system.namespace, "--ignore-not-found", timeout=180)


def inventory(system: System) -> set[str]:
    """Return what there is, as namespace/kind/name; of the whole cluster what has no namespace."""
    found = set()
    kinds = kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    kinds = [kind for kind in kinds if not kind.startswith(("events", "pods.metrics"))]
    for namespace in (system.namespace, system.operator.namespace):
        if objects_named("namespace", namespace):
            names = kubectl("get", ",".join(kinds), "-n", namespace, "--ignore-not-found", "-o", "name").split()
            found |= {f"{namespace}/{name}" for name in names}
    kinds = ["namespaces", "clusterroles", "clusterrolebindings", "customresourcedefinitions", "persistentvolumes"]
    return found | set(kubectl("get", ",".join(kinds), "-o", "name").split())


def left(system: System, before: set[str]) -> set[str]:
    """Return what is left that the README does not name: our namespace and Secret stay, the cluster adds its own."""
    namespace = system.namespace
    named = {f"namespace/{namespace}", f"{namespace}/secret/{system.described.secret}"}
    always = {f"{namespace}/configmap/kube-root-ca.crt", f"{namespace}/serviceaccount/default"}
    return inventory(system) - before - named - always


def _applied(system: System, file: str) -> list[str]:
    return kubectl("apply", "-f", str(system.folder / file)).splitlines()


def _log(system: System) -> int:
    labels = "app.kubernetes.io/name=redis-operator"
    log = kubectl("logs", "-n", system.operator.namespace, "-l", labels, "--tail", "-1").splitlines()
    assert [line for line in log if "forbidden" in line.lower()] == []
    return len(log)


def _needs_replicas(system: System) -> None:
    if system.described.replicas == 1:
        pytest.skip("a single Redis has nobody to fail over to")


def _beside(system: System, client: Client) -> Client:
    """Return a client that does not share the master's node."""
    (pod,) = objects("pods", system.namespace, "app=redisgen-e2e-client")
    return client if pod["spec"]["nodeName"] != system.master()["spec"]["nodeName"] else Client(system)
