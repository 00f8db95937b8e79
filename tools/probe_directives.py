"""Ask a real redis-server what its directives accept, and write that into schemas/redis-directives.json.

    python tools/probe_directives.py /usr/bin/redis-server …

One server, on loopback with everything in a temporary folder, answers CONFIG GET * and, for each name, CONFIG SET to
the value it already has: that says which names there are and which can change live. What values a name takes is read
from start-up errors: a configuration whose last line is nonsense makes redis-server stop before it opens anything, and
the line that it complains about tells whether the lines above were accepted. No value is ever applied.

The parts `reserved` and `documented` are written by hand and left alone; so are the versions that nobody ran, and what
is known of TLS by a build without it.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = Path(__file__).parent.parent / "schemas" / "redis-directives.json"
Facts = dict[str, Any]  # type, live, and by type: min and max, values, letters; or alias alone
LOWEST, HIGHEST = -(2**63), 2**63 - 1
KEYS = ("alias", "type", "min", "max", "values", "live", "hidden")
NOT_PARAMETERS = ("include", "loadmodule", "rename-command", "user")
IGNORED = ("io-threads-do-reads", "list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands")
SENTINEL = (
    *("auth-pass", "auth-user", "client-reconfig-script", "down-after-milliseconds", "failover-timeout"),
    *("master-reboot-down-after-period", "notification-script", "parallel-syncs", "quorum"),
)

# The start-up error about the value `nonsense`, and the type that it betrays.
COMPLAINTS = (
    ("argument must be 'yes' or 'no'", "boolean"),
    ("argument must be a memory or percent value", "memory or percent"),
    ("argument must be a memory value", "memory"),
    ("argument couldn't be parsed as an octal number", "octal"),
    ("argument couldn't be parsed into an integer", "integer"),
    ("must be one of the following", "enum"),
)
# Types that no error names: how Redis reads them is written in redisgen/directives.py.
SPECIAL = {
    "bind": "addresses",
    "client-output-buffer-limit": "buffer limits",
    "latency-tracking-info-percentiles": "percentiles",
    "notify-keyspace-events": "keyspace events",
    "oom-score-adj-values": "oom scores",
    "proc-title-template": "title template",
    "replicaof": "address",
    "save": "save points",
    "vset-force-single-threaded-execution": "boolean",  # of a built-in module, which reads it later
}


class RedisError(Exception):
    """An error reply."""


class Connection:
    """As much of a Redis client as this needs."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        """Close the socket."""
        self._file.close()
        self._socket.close()

    def __call__(self, *words: str) -> Any:
        """Send a command and return the reply; raise RedisError for an error reply."""
        encoded = [word.encode() for word in words]
        self._socket.sendall(
            b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        )
        return self._reply()

    def _reply(self) -> Any:
        line = self._file.readline()
        if not line:
            raise SystemExit("redis-server went away")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"-":
            raise RedisError(rest)
        if kind == b"$":
            return None if rest == "-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return rest


class Server(NamedTuple):
    """A redis-server binary and a running server of it."""

    binary: str
    folder: str
    ask: Connection

    def version(self) -> str:
        """Return the full version: 7.0.15."""
        return str(re.search(r"redis_version:(\S+)", self.ask("INFO", "server"))[1])  # type: ignore[index]

    def parameters(self) -> dict[str, str]:
        """Return every CONFIG parameter with its present value."""
        flat = self.ask("CONFIG", "GET", "*")
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def value(self, name: str) -> str | None:
        """Return the present value, also of a parameter that CONFIG GET * hides; None if there is no such one."""
        found = self.ask("CONFIG", "GET", name)
        return str(found[1]) if found else None

    def config_set(self, name: str, value: str) -> str:
        """Return what CONFIG SET complains about, or an empty string."""
        try:
            self.ask("CONFIG", "SET", name, value)
        except RedisError as error:
            return str(error)
        return ""

    def complaint(self, *lines: str) -> str:
        """Return the start-up error of the first line that is refused, or an empty string."""
        process = subprocess.run(
            [self.binary, "-"],
            input="\n".join([*lines, "maxclients nonsense", ""]),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        text = process.stdout + process.stderr
        where = re.search(r"at line (\d+)\n>>> '.*'\n(.*)", text)
        if where is None:  # 6.2 says so little when it cannot enter `dir`
            return text.rpartition("# ")[2].strip()
        return "" if int(where[1]) == len(lines) + 1 else where[2]

    def starts_with(self, line: str) -> bool:
        """Whether the server starts with that line; one that does is stopped at once.

        Needed because since 8.0 an unknown directive may belong to a module, and is refused only later.
        """
        if self.complaint(line):
            return False
        command = [self.binary, "--port", "0", "--unixsocket", "redis.sock", *f"--{line}".split()]
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            return True
        finally:
            process.kill()
            process.wait()
        return False


def free_port() -> int:
    """Return a loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(binary: str, *, sentinel: bool = False) -> Iterator[Server]:
    """Run the binary on loopback in a temporary folder; it is gone when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        conf = Path(folder) / "redis.conf"
        conf.write_text(f"port {port}\nbind 127.0.0.1\ndir {folder}\n" + ("" if sentinel else 'save ""\n'))
        command = [binary, str(conf), *(["--sentinel"] if sentinel else [])]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            connection = _connected(port, process)
            try:
                yield Server(binary, folder, connection)
            finally:
                connection.close()
        finally:
            process.kill()
            process.wait()


def _connected(port: int, process: subprocess.Popen[bytes]) -> Connection:
    for _ in range(200):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            return Connection(port)
        time.sleep(0.05)
    raise SystemExit(f"{process.args!s} did not start")


def probed(server: Server, known: list[str]) -> dict[str, Facts]:
    """Return what the server accepts: name to facts.

    The known names, of other versions, are asked for one by one: CONFIG GET * does not show them all.
    """
    facts = {name: _facts(server, name, value) for name, value in server.parameters().items()}
    for name in known:
        if name not in facts and (value := server.value(name)) is not None:
            facts[name] = _facts(server, name, value) | {"hidden": True}
    for name in IGNORED:
        if name not in facts and server.starts_with(f"{name} no"):
            facts[name] = {"type": "ignored", "live": False}
    for name, mine in facts.items():
        newer = _newer_name(name)
        if newer in facts and _is_same(server, name, newer, mine):
            facts[name] = {"alias": newer}
    for name in NOT_PARAMETERS:
        facts[name] = {"type": "file only", "live": False}
    return facts


def _newer_name(name: str) -> str:
    if name == "lua-time-limit":
        return "busy-reply-threshold"
    if name == "slaveof":
        return "replicaof"
    newer = name.replace("slave", "replica").replace("ziplist", "listpack").replace("_", "-")
    return "" if newer == name else newer


def _is_same(server: Server, name: str, newer: str, facts: Facts) -> bool:
    """Whether two names are one parameter: the newer one follows when the older is set."""
    before = server.value(name)
    if before is None or not facts["live"]:
        return before == server.value(newer)
    other = {"boolean": "no" if before == "yes" else "yes", "string": "192.0.2.1"}.get(facts["type"])
    if other is None:
        other = str(int(before) + 1)
    complaint = server.config_set(name, other)
    if complaint:
        raise SystemExit(f"CONFIG SET {name} {other}: {complaint}")
    same = server.value(newer) == other
    server.config_set(name, before)
    return same


def _facts(server: Server, name: str, value: str) -> Facts:
    # Before 7.0, Redis calls a name that it knows and does not let you set "Unsupported".
    refusal = server.config_set(name, value)
    live: bool | str = not re.search("immutable|Unsupported CONFIG parameter", refusal)
    if "can't set protected config" in refusal:
        live = "protected"
    complaint = server.complaint(f"{name} nonsense")
    kind = SPECIAL.get(_newer_name(name) or name) or next((t for text, t in COMPLAINTS if text in complaint), "string")
    facts: Facts = {"type": kind, "live": live}
    if kind == "enum":
        facts["values"] = complaint.split(": ", 1)[1].rstrip(".").split(", ")
        if not server.complaint(f"{name} {facts['values'][0]} {facts['values'][0]}"):
            facts["type"] = "enums"  # takes several at once
    elif kind == "keyspace events":
        facts["values"] = [letter for letter in "$" + string.ascii_letters if not server.complaint(f"{name} {letter}")]
    elif kind in {"integer", "memory", "octal", "memory or percent"}:
        low, high = _range(server, name, kind)
        facts |= ({"min": low} if low > LOWEST else {}) | ({"max": high} if high < HIGHEST else {})
    return facts


def _range(server: Server, name: str, kind: str) -> tuple[int, int]:
    base = 8 if kind == "octal" else 10
    complaints = []
    for value in (str(LOWEST), "-1", "0", str(HIGHEST), "7777777"):  # the last one is out of range in octal
        complaint = server.complaint(f"{name} {value}")
        found = re.search(r"between (-?\d+) and (-?\d+) inclusive", complaint)
        if found:
            return int(found[1], base), int(found[2], base)
        complaints.append(complaint)
    low, _, zero, high, _ = complaints
    if zero or high:  # neither a range in words, nor everything from 0
        raise SystemExit(f"{name}: no range in {complaints}")
    return (LOWEST if not low else 0), HIGHEST


def probed_sentinel(server: Server) -> dict[str, Facts]:
    """Return the options of one master that SENTINEL SET takes: name to type and least value."""
    server.ask("SENTINEL", "MONITOR", "probe", "127.0.0.1", "1", "2")
    found: dict[str, Facts] = {}
    for name in SENTINEL:
        with contextlib.suppress(RedisError):
            server.ask("SENTINEL", "SET", "probe", name, "1")
            found[name] = {"type": "string", "live": True}
            try:
                server.ask("SENTINEL", "SET", "probe", name, "nonsense")
            except RedisError:
                found[name] |= {"type": "integer", "min": 0}
                try:
                    server.ask("SENTINEL", "SET", "probe", name, "0")
                except RedisError:
                    found[name]["min"] = 1
    return found


def unpacked(rows: dict[str, Any], versions: list[str]) -> dict[str, dict[str, Facts]]:
    """Return the rows of the file as version to name to facts."""
    by_version: dict[str, dict[str, Facts]] = {version: {} for version in versions}
    for name, row in rows.items():
        facts = {key: value for key, value in row.items() if key not in {"since", "until", "changed"}}
        first = versions.index(row.get("since", versions[0]))
        last = versions.index(row.get("until", versions[-1]))
        for version in versions[first : last + 1]:
            change = row.get("changed", {}).get(version, {})
            facts = change if "type" in change else facts | change
            now = {"live": True, **facts} if "type" in facts else facts
            by_version[version][name] = {key: value for key, value in now.items() if value is not None}
    return by_version


def packed(by_version: dict[str, dict[str, Facts]]) -> dict[str, Any]:
    """Return the rows of the file: each says what holds at first, and then only what changed."""
    versions = list(by_version)
    rows: dict[str, Any] = {}
    for name in sorted({name for facts in by_version.values() for name in facts}):
        present = [version for version in versions if name in by_version[version]]
        if present != versions[versions.index(present[0]) : versions.index(present[-1]) + 1]:
            raise SystemExit(f"{name} is in {present}, with a gap")
        # A name that was a parameter of its own and became another spelling (ziplist) is an alias in all versions.
        alias = by_version[present[-1]][name].get("alias")
        facts = {"alias": alias} if alias else by_version[present[0]][name]
        row = {key: facts[key] for key in KEYS if key in facts and (key, facts[key]) != ("live", True)}
        if present[0] != versions[0]:
            row["since"] = present[0]
        if present[-1] != versions[-1]:
            row["until"] = present[-1]
        changed = {}
        for version in present[1:] if not alias else []:
            now = by_version[version][name]
            if now["type"] != facts["type"]:  # then nothing of before holds
                changed[version] = {key: now[key] for key in KEYS if key in now and (key, now[key]) != ("live", True)}
            elif now != facts:
                changed[version] = {key: now.get(key) for key in KEYS if now.get(key) != facts.get(key)}
            facts = now
        rows[name] = row | ({"changed": changed} if changed else {})
    return rows


def written(table: dict[str, Any]) -> str:
    """Return the file's text: one line for each entry."""
    sections = []
    for section, rows in table.items():
        lines = [f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in rows.items()]
        sections.append(f"  {json.dumps(section)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(sections) + "\n}\n"


def merge(table: dict[str, Any], binary: str) -> None:
    """Probe one binary and put what it said into the table, in place."""
    with running(binary) as server:
        full, facts = server.version(), probed(server, [*table["directives"]])
    with running(binary, sentinel=True) as server:
        sentinel = probed_sentinel(server)
    version = ".".join(full.split(".")[:2])
    known = list(table["versions"])
    versions = sorted({*known, version}, key=lambda text: [*map(int, text.split("."))])
    directives, options = (unpacked(table[part], known) if known else {} for part in ("directives", "sentinel"))
    if not any(name.startswith("tls-") for name in facts):  # a build without TLS says nothing about it
        facts |= {name: row for name, row in directives.get(version, {}).items() if name.startswith("tls-")}
    directives[version], options[version] = facts, sentinel
    table["versions"] = {each: full if each == version else table["versions"][each] for each in versions}
    table["directives"] = packed({each: directives[each] for each in versions})
    table["sentinel"] = packed({each: options[each] for each in versions})
    print(f"{binary}: Redis {full}, {len(facts)} directives, {len(sentinel)} options of Sentinel")


def main(binaries: list[str]) -> None:
    """Merge what each binary says into the file."""
    table = json.loads(FILE.read_text(encoding="utf-8"))
    for binary in binaries:
        merge(table, str(Path(binary).absolute()))
    FILE.write_text(written(table), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit("usage: python tools/probe_directives.py REDIS_SERVER …")
    main(sys.argv[1:])
