"""Which cluster, which systems, and what is said of them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import GOLDEN
from tests.e2e.client import Client
from tests.e2e.kubectl import kubectl, objects
from tests.e2e.system import System, objects_named

SYSTEMS = ("default", "auth", "development", "five", "cluster-wide")  # of golden/valid
CRD = "redisfailovers.databases.spotahome.com"

Say = Callable[[str, object], None]
_said = pytest.StashKey[list[tuple[str, str, str]]]()


@pytest.fixture(scope="session", autouse=True)
def cluster(pytestconfig: pytest.Config) -> None:
    """Stop unless there is a cluster that nobody has a Redis in."""
    if not shutil.which("kubectl"):
        pytest.exit("kubectl is missing", returncode=3)
    try:
        context = kubectl("config", "current-context").strip()
        count = len(objects("nodes"))
        taken = objects_named("crd", CRD) and objects(CRD)
    except AssertionError as error:
        pytest.exit(f"no cluster: {error}", returncode=3)
    if taken and not os.environ.get("E2E_FORCE"):
        names = ", ".join(f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in taken)
        pytest.exit(
            f"context {context} has RedisFailovers already ({names}). These tests drain nodes and remove the "
            "operator with all that it made; E2E_FORCE=1 runs them all the same",
            returncode=3,
        )
    print(f"\n{context}: {count} nodes")
    pytestconfig.stash[_said] = []


@pytest.fixture(scope="module", params=SYSTEMS)
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Return a system, rendered and not yet installed; the tests of a module install, try and remove it, in order."""
    values = (GOLDEN / "valid" / request.param / "values.yaml").read_text("utf-8")
    return System(values, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def client(system: System) -> Iterator[Client]:
    """Return an application of the system."""
    found = Client(system)
    yield found
    found.stop()


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Say what was seen, at once and in the table at the end."""

    def line(what: str, figure: object) -> None:
        name = request.node.callspec.params.get("system", "runbook") if "[" in request.node.name else "runbook"
        request.config.stash[_said].append((name, what, str(figure)))
        reporter = request.config.pluginmanager.getplugin("terminalreporter")
        reporter.ensure_newline()
        reporter.write_line(f"ok   {name}: {what}: {figure}")

    return line


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once what failed."""
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        print(f"\nFAIL {report.nodeid}: {crash.message if crash else report.longrepr}", flush=True)


def pytest_terminal_summary(config: pytest.Config) -> None:
    """Write the table, and as Markdown into the file that E2E_REPORT names."""
    said = config.stash.get(_said, [])
    table = ["| system | what | seen |", "| --- | --- | --- |", *(f"| {' | '.join(one)} |" for one in said)]
    if said:
        print("", *table, sep="\n")
    if report := os.environ.get("E2E_REPORT"):
        Path(report).write_text("\n".join(table) + "\n", "utf-8")
