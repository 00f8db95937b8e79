"""Scenarios that mostly wait, run at the same time: name to what is done in a folder, which returns what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

Scenario = Callable[[Path], str]
Results = dict[str, Future[str]]


@contextmanager
def started(
    request: pytest.FixtureRequest, folders: pytest.TempPathFactory, scenarios: dict[str, Scenario], at_once: int
) -> Iterator[Results]:
    """Start those that the tests of this run ask for by their parameter `name`; as many at once."""
    asked = {one.callspec.params.get("name") for one in request.session.items if hasattr(one, "callspec")}
    wanted = {name: folders.mktemp("scenario") for name in scenarios if name in asked}
    with ThreadPoolExecutor(at_once) as pool:
        yield {name: pool.submit(scenarios[name], folder) for name, folder in wanted.items()}
