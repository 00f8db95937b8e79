"""The table of directives: what it says, and whether a real server says the same."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from redisgen import directives
from redisgen.directives import directive, is_live, problem, sentinel_problem
from redisgen.resources import SCHEMAS

TABLE = json.loads((SCHEMAS / "redis-directives.json").read_text(encoding="utf-8"))


def _tool() -> Any:
    path = Path(__file__).parent.parent / "tools" / "probe_directives.py"
    spec = importlib.util.spec_from_file_location("probe_directives", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PROBE = _tool()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maxmemory", "100mb"),
        ("maxmemory", "0"),
        ("MaxMemory-Policy", "ALLKEYS-LRU"),
        ("maxmemory-clients", "5%"),
        ("timeout", "0"),
        ("slowlog-log-slower-than", "-1"),
        ("appendonly", "Yes"),
        ("save", ""),
        ("save", "900 1 300 10"),
        ("client-output-buffer-limit", "normal 0 0 0 replica 256mb 64mb 60"),
        ("notify-keyspace-events", "KEA"),
        ("notify-keyspace-events", ""),
        ("oom-score-adj-values", "0 200 800"),
        ("latency-tracking-info-percentiles", "50 99.9 100"),
        ("shutdown-on-sigterm", "nosave now"),
        ("unixsocketperm", "777"),
        ("slave-priority", "10"),
        ("hash-max-ziplist-entries", "128"),
        ("proc-title-template", "{title} 'quoted' inside"),
    ],
)
def test_redis_takes(name: str, value: str) -> None:
    assert problem(name, value) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("maxmemorry", "1", "Redis has no directive 'maxmemorry'; did you mean 'maxmemory'?"),
        ("xyzzy", "1", "Redis has no directive 'xyzzy'"),
        ("maxmemory", "100Mi", "'maxmemory' takes a size as Redis writes it, 100mb, not '100Mi'"),
        ("maxmemory", "2Ti", "'maxmemory' takes a size as Redis writes it, 2048gb, not '2Ti'"),
        ("maxmemory", "1.5gb", "'maxmemory' takes a size such as 100mb, not '1.5gb'"),
        ("maxmemory-clients", "101%", None),
        ("databases", "0", "'databases' takes a whole number from 1 to 2147483647, not '0'"),
        ("timeout", "007", None),
        ("timeout", "", "'timeout' takes a whole number from 0 to 2147483647, not an empty text"),
        ("timeout", "٣", None),
        ("appendonly", "true", "'appendonly' takes yes or no, not 'true'"),
        ("appendfsync", "often", "'appendfsync' takes everysec, always or no, not 'often'"),
        ("appendfsync", '"no"', "'appendfsync' is sent to Redis with its quotes; write no without them"),
        ("save", '""', "'save' is sent to Redis with its quotes; write an empty text without them"),
        ("save", "900", None),
        ("save", "0 1", None),
        ("save", "900 1  300 10", None),
        ("requirepass", "a\nb", "'requirepass' cannot hold a line break or another control character"),
        ("client-output-buffer-limit", "replica 1 2", None),
        ("client-output-buffer-limit", "master 0 0 0", None),
        ("notify-keyspace-events", "KQ", None),
        ("oom-score-adj-values", "0 1", None),
        ("oom-score-adj-values", "0 1 2001", None),
        ("latency-tracking-info-percentiles", "101", None),
        ("shutdown-on-sigterm", "", None),
        (
            "proc-title-template",
            "{name}",
            "'proc-title-template' takes text with {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, "
            "{unixsocket} or {config-file}, and {{ for a brace, not '{name}'",
        ),
    ],
)
def test_redis_refuses(name: str, value: str, message: str | None) -> None:
    found = problem(name, value)
    assert found is not None
    assert message in {None, found}


def test_versions_differ() -> None:
    assert problem("hide-user-data-from-log", "yes", (7, 2)) == "Redis 7.2 has no directive 'hide-user-data-from-log'"
    assert problem("hide-user-data-from-log", "yes", (7, 4)) is None
    assert problem("hide-user-data-from-log", "yes", (9, 0)) is None
    assert problem("appenddirname", "aof", (6, 0)) == "Redis 6.0 has no directive 'appenddirname'"
    assert problem("unixsocketperm", "888", (6, 2)) is None
    assert problem("unixsocketperm", "888", (7, 0)) == "'unixsocketperm' takes an octal number from 0 to 777, not '888'"
    assert problem("maxmemory-samples", "65", (7, 2)) is None
    assert problem("maxmemory-samples", "65", (7, 4)) is not None
    assert problem("maxmemory-samples", "65") is None, "some version takes it"
    assert problem("hash-max-ziplist-entries", "1", (6, 2)) is None, "an old spelling is older than the new one"
    assert problem("hash-max-listpack-entries", "1", (6, 2)) is not None
    assert problem("io-threads-do-reads", "yes", (8, 2)) == "Redis 8.2 ignores 'io-threads-do-reads'; leave it out"


def test_live_or_at_start() -> None:
    assert is_live("maxmemory")
    assert not is_live("databases")
    assert not is_live("rename-command")
    assert not is_live("no-such-directive")
    assert not is_live("appenddirname", (6, 2)), "it is not there"
    assert is_live("dir", (6, 2))
    assert not is_live("dir", (7, 2))
    assert not is_live("dir"), "not in every version"
    assert is_live("slave-read-only")
    facts = directive("dir")
    assert facts is not None
    protected = facts.at((7, 2))
    assert protected is not None
    assert protected.protected


def test_reserved() -> None:
    found = directive("SLAVE-PRIORITY")
    assert found is not None
    assert found.name == "replica-priority"
    assert found.reserved == ("0 keeps every pod from ever becoming master", "2.3", None, ("0",))
    for name in ("port", "requirepass", "tls-port", "save"):
        reserved = directive(name)
        assert reserved is not None
        assert reserved.reserved is not None, name
    unreserved = directive("hz")
    assert unreserved is not None
    assert unreserved.reserved is None


def test_every_reserved_name_is_a_directive() -> None:
    assert {name for name in TABLE["reserved"] if not name.endswith("-*")} <= set(TABLE["directives"])
    assert {name.get("alias", "save") for name in TABLE["directives"].values()} <= set(TABLE["directives"])


def test_sentinel() -> None:
    assert sentinel_problem("down-after-milliseconds", "5000") is None
    assert sentinel_problem("down-after-milliseconds", "0") == (
        "'down-after-milliseconds' takes a whole number, 1 or more, not '0'"
    )
    assert sentinel_problem("failover-timout", "1") == (
        "SENTINEL SET has no option 'failover-timout'; did you mean 'failover-timeout'?"
    )
    assert sentinel_problem("master-reboot-down-after-period", "0", (6, 2)) is not None
    assert sentinel_problem("master-reboot-down-after-period", "0", (7, 0)) is None


def test_the_file_is_as_the_tool_writes_it() -> None:
    assert (SCHEMAS / "redis-directives.json").read_text(encoding="utf-8") == PROBE.written(TABLE)
    versions = list(TABLE["versions"])
    assert PROBE.packed(PROBE.unpacked(TABLE["directives"], versions)) == TABLE["directives"]


def test_module_and_tool_read_the_file_alike() -> None:
    by_tool = PROBE.unpacked(TABLE["directives"], list(TABLE["versions"]))
    for version in directives.versions():
        rows = by_tool[".".join(map(str, version))]
        for name in TABLE["directives"]:
            facts, row = directives._directive(name).at(version), rows.get(name)
            assert (facts is None) == (row is None), (name, version)
            if facts and row and "type" in row:
                assert (facts.type, facts.live) == (row["type"], row["live"] is True), (name, version)


def test_importing_reads_nothing() -> None:
    code = "import sys, redisgen.directives; print({'json', 'difflib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def _accepted(row: dict[str, Any]) -> list[str]:
    kind = row["type"]
    if kind == "boolean":
        return ["yes", "no", "YES"]
    if kind in {"enum", "enums"}:
        return [*row["values"], row["values"][0].upper()]
    if kind == "octal":
        return ["0", f"{row['max']:o}"]
    if kind == "keyspace events":
        return ["", "".join(row["values"])]
    if kind in {"integer", "memory", "memory or percent"}:
        return [str(row.get("min", 0)), str(row.get("max", 2**63 - 1))] + (["100mb"] if kind[0] == "m" else [])
    return {
        "buffer limits": ["normal 0 0 0", "replica 256mb 64mb 60"],
        "oom scores": ["-2000 0 2000"],
        "percentiles": ["50 99.9 100"],
        "save points": ["900 1 300 10", "900 1"],
        "title template": ["{title} {{ {listen-addr} }", "redis"],
    }.get(kind, [])


def _refused(row: dict[str, Any]) -> list[str]:
    kind = row["type"]
    if kind in {"boolean", "enum", "enums"}:
        return ["maybe", "1", ""]
    if kind == "octal":
        return [f"{row['max'] + 1:o}"]
    if kind in {"integer", "memory", "memory or percent"}:
        bounds = [row["min"] - 1] if "min" in row else []
        bounds += [row["max"] + 1] if "max" in row else []
        return [*map(str, bounds), "100Mi", "1.5", "some"]
    return {
        "keyspace events": ["KQ"],
        "buffer limits": ["normal 0 0", "foo 0 0 0", "normal x 0 0"],
        "oom scores": ["0 1", "0 1 2001", "0 1 x"],
        "percentiles": ["101", "-1", "x"],
        "save points": ["0 1", "x 1"],
        "title template": ["{nothing}", "{title", "{ title}", "", " "],
    }.get(kind, [])


@pytest.fixture(scope="module")
def server() -> Any:
    binary = shutil.which("redis-server")
    if binary is None:
        if "CI" in os.environ:
            pytest.fail("no redis-server on PATH, and CI must have one")
        pytest.skip("no redis-server on PATH")
    with PROBE.running(binary) as running:
        yield running


@pytest.fixture(scope="module")
def rows(server: Any) -> dict[str, Any]:
    version = ".".join(server.version().split(".")[:2])
    assert version in TABLE["versions"], f"no facts of Redis {version}: run tools/probe_directives.py {server.binary}"
    return dict(PROBE.unpacked(TABLE["directives"], list(TABLE["versions"]))[version])


def test_server_has_the_names(server: Any, rows: dict[str, Any]) -> None:
    names = set(server.parameters())
    if not any(name.startswith("tls-") for name in names):
        rows = {name: row for name, row in rows.items() if not name.startswith("tls-")}
    listed = {name for name, row in rows.items() if not row.get("hidden")}
    assert names == {name for name in listed if rows[name].get("type") not in {"file only", "ignored"}}


def test_server_says_what_the_table_says(server: Any, rows: dict[str, Any]) -> None:
    probed = PROBE.probed(server, list(TABLE["directives"]))
    for name in rows.keys() & probed.keys():
        row, newer = rows[name], rows[name].get("alias")
        if newer and newer not in rows:  # in this version the old spelling is the only one
            row = PROBE.unpacked(TABLE["directives"], list(TABLE["versions"]))[TABLE["directives"][newer]["since"]][
                newer
            ]
        assert probed[name] == row, name


def test_server_takes_what_we_take(server: Any, rows: dict[str, Any]) -> None:
    version = tuple(map(int, server.version().split(".")[:2]))
    lines = []
    listed = server.parameters()
    for name, row in rows.items():
        source = rows.get(row.get("alias"), row)
        if "type" not in source or name not in listed or name == "activedefrag":
            continue  # activedefrag depends on how Redis was built
        for value in _accepted(source):
            assert problem(name, value, version) is None  # type: ignore[arg-type]
            quoted = source["type"] not in {"buffer limits", "oom scores", "percentiles", "save points"}
            lines.append(f'{name} "{value}"' if quoted else f"{name} {value}")
    assert len(lines) > 250
    assert server.complaint(*lines) == ""


def test_server_refuses_what_we_refuse(server: Any, rows: dict[str, Any]) -> None:
    version = tuple(map(int, server.version().split(".")[:2]))
    refused, listed = 0, server.parameters()
    for name, row in rows.items():
        for value in _refused(row) if name in listed and "type" in row else []:
            assert problem(name, value, version) is not None  # type: ignore[arg-type]
            # Redis 8.2.3 was seen to crash on CONFIG SET tls-port -1.
            by_set = row["live"] is True and not name.startswith("tls-")
            assert server.config_set(name, value) if by_set else server.complaint(f'{name} "{value}"'), (name, value)
            refused += 1
    assert refused > 250
