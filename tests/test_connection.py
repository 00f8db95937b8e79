"""The settings with which applications connect: one source, three forms."""

from __future__ import annotations

import json
import shlex

import pytest
import yaml

from tests.conftest import Run
from tests.system import only, rendered

VALUES = [
    "",
    "name: o-r\nnamespace: n\nredis: {port: 7000}\nconnection: {db: 3, masterService: '', clusterDomain: a.b}",
]


@pytest.mark.parametrize("values", VALUES)
def test_every_form_says_what_the_config_map_says(values: str, run: Run) -> None:
    data = only(rendered(values), "ConfigMap", "redis-connection")["data"]
    assert json.loads(run("connection", "--format", "json", "-f", "-", stdin=values).stdout) == data
    assert yaml.safe_load(run("connection", "--format", "yaml", "-f", "-", stdin=values).stdout) == data
    lines = run("connection", "-f", "-", stdin=values).stdout.splitlines()
    assert dict(shlex.split(line)[0].split("=", 1) for line in lines) == data


def test_env(run: Run) -> None:
    done = run("connection", "-f", "-", stdin=VALUES[1])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "REDIS_SENTINEL_ENABLED=true\n"
        "REDIS_SENTINEL_HOST=rfs-o-r.n.svc.a.b\n"
        "REDIS_SENTINEL_PORT=26379\n"
        "REDIS_SENTINEL_MASTER=mymaster\n"
        "REDIS_DB=3\n"
    )


def test_one_of_several_clusters(run: Run) -> None:
    values = "clusters: [{name: a, namespace: x}, {name: b, namespace: y, connection: {db: 1}}]"
    for name in ("b", "y/b"):
        done = run("connection", "--format", "json", "--cluster", name, "-f", "-", stdin=values)
        assert json.loads(done.stdout)["REDIS_DB"] == "1"
    done = run("connection", "-f", "-", stdin=values)
    assert (done.returncode, done.stdout) == (2, "")
    assert "one of x/a, y/b" in done.stderr


def test_wrong_values(run: Run) -> None:
    done = run("connection", "-f", "-", stdin="nmae: x")
    assert (done.returncode, done.stdout) == (1, "")
