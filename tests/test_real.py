"""What we claim about Redis, Sentinel and clients, on real processes."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator

import pytest

from tests.real import failover, migration, neighbours, persistence
from tests.scenarios import Results, started

SCENARIOS = failover.SCENARIOS | persistence.SCENARIOS | migration.SCENARIOS | neighbours.SCENARIOS
NEEDS = {"crash, ioredis": ("node", "npm"), "crash, go-redis": ("go", "gofmt")}
AT_ONCE = 6  # they share two cores with what they measure

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8, an address for each pod"),
    pytest.mark.skipif(
        not shutil.which("redis-server") and not os.environ.get("CI"), reason="redis-server is not installed"
    ),
]


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    able = {name: scenario for name, scenario in SCENARIOS.items() if not missing(name)}
    with started(request, tmp_path_factory, able, AT_ONCE) as found:
        yield found


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str, results: Results, figures: list[str]) -> None:
    if missing(name):
        pytest.skip(f"{' and '.join(missing(name))} are not installed")
    figures.append(f"{name}: {results[name].result()}")


def missing(name: str) -> list[str]:
    return [tool for tool in NEEDS.get(name, ()) if not shutil.which(tool)]
