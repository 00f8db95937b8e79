"""What we claim about Redis, Sentinel and clients, on real processes.

Most of the time is waiting: the scenarios run at the same time, each with pods of its own.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.real import failover, migration, persistence

SCENARIOS = failover.SCENARIOS | persistence.SCENARIOS | migration.SCENARIOS
NEEDS = {"crash, ioredis": ("node", "npm"), "crash, go-redis": ("go", "gofmt")}
AT_ONCE = 6  # they share two cores with what they measure

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8, an address for each pod"),
    pytest.mark.skipif(
        not shutil.which("redis-server") and not os.environ.get("CI"), reason="redis-server is not installed"
    ),
]

Results = dict[str, Future[str]]


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """Start every scenario that was asked for; name to figure."""
    tests = [one for one in request.session.items if isinstance(one, pytest.Function) and "results" in one.fixturenames]
    folders = {str(one.callspec.params["name"]): tmp_path_factory.mktemp("pods") for one in tests}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(SCENARIOS[name], folder) for name, folder in folders.items() if not missing(name)}


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, results: Results, figures: list[str]) -> None:
    if missing(name):
        pytest.skip(f"{' and '.join(missing(name))} are not installed")
    figures.append(f"{name}: {results[name].result()}")


def missing(name: str) -> list[str]:
    return [tool for tool in NEEDS.get(name, ()) if not shutil.which(tool)]
