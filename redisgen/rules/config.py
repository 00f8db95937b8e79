"""The directives of redis.conf, in `redis.config` and in a customConfig of `overrides`."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_DATABASES = 16  # Redis' default


@rule(
    "RG032",
    "error",
    fact="2.3",
    title="A directive that is not the user's to set",
    guards="""Some directives have a key of their own, since they must be known when Redis starts; others take the
    operator's or Sentinel's way to the pod away, or lock them out.""",
    example='redis: {config: {replica-priority: "0"}}',
    near_miss='redis: {config: {replica-priority: "1"}}',
    waivable=False,
)
def check_reserved(system: System) -> Iterator[Problem]:
    """Find directives that belong to redisgen or the operator."""
    if not system.directives:
        return
    from redisgen.directives import directive  # only who sets a directive pays for the table

    for key, name, value in system.directives:
        reserved = (found := directive(name)) and found.reserved_for(value)
        if reserved:
            instead = f"; use {reserved.key}" if reserved.key else ""
            yield Problem(key, f"'{name}' {reserved.reason}{instead}", fact=reserved.fact)


@rule(
    "RG033",
    "error",
    fact="T3",
    title="A directive that Redis refuses",
    guards="""As an argument of redis-server it keeps Redis from starting. Sent by the operator with CONFIG SET, one
    refused directive ends its pass before the Sentinels are pointed at the master, every time.""",
    example="redis: {config: {io-threads: 129}}",
    near_miss="redis: {config: {io-threads: 128}}",
    waivable=False,
)
def check_directives(system: System) -> Iterator[Problem]:
    """Hold each directive against what this version of Redis takes."""
    if not system.directives:
        return
    from redisgen.directives import directive, problem

    for key, name, value in system.directives:
        found = directive(name)
        if found and found.reserved_for(value):
            continue  # RG032
        if not name or (not value and key.startswith("overrides.")):
            continue  # RG034
        value = "" if value == '""' and key.startswith("overrides.") else value
        if message := problem(name, value, system.cluster.redis.version):
            yield Problem(key, message)


@rule(
    "RG034",
    "error",
    fact="T3",
    title="A line of customConfig that CONFIG SET does not take",
    guards="""The operator splits each line at its first space and sends it with CONFIG SET, every 30 s. A line without
    a value, a comment, or a directive that cannot change while Redis runs ends the pass; one that begins with a space
    is skipped without a word.""",
    example="overrides: {redis: {customConfig: [databases 32]}}",
    near_miss="overrides: {redis: {customConfig: [hz 20]}}",
    waivable=False,
)
def check_lines(system: System) -> Iterator[Problem]:
    """Hold each line of a customConfig in overrides against CONFIG SET."""
    if not system.patch or not system.custom_config:
        return
    from redisgen.directives import directive, is_live

    for key, name, value in system.custom_config:
        found = directive(name)
        if not name:
            yield Problem(
                key, "a line that is empty or begins with a space is skipped without a word; write NAME VALUE"
            )
        elif not value:
            yield Problem(
                key, f"'{name}' has no value, and the operator's pass ends there; write NAME VALUE, or NAME \"\""
            )
        elif found and not found.reserved and not is_live(name, system.cluster.redis.version):
            yield Problem(
                key,
                f"'{name}' cannot change while Redis runs: CONFIG SET is refused and the operator's pass ends there; "
                "put it into redis.config",
            )


@rule(
    "RG065",
    "warning",
    fact="2.3",
    title="A customConfig that replaces redis.config",
    guards="""A list in overrides replaces the one that redisgen renders: what redis.config says of directives that
    change live goes nowhere.""",
    example="redis: {config: {hz: 20}}\noverrides: {redis: {customConfig: [maxclients 500]}}",
    near_miss="redis: {config: {io-threads: 2}}\noverrides: {redis: {customConfig: [maxclients 500]}}",
)
def check_replaced(system: System) -> Iterator[Problem]:
    """Find directives of redis.config that overrides drops."""
    config = system.cluster.redis.config
    if not config or not system.patch or system.patched("redis.customConfig") is UNSET:
        return
    from redisgen.directives import is_live

    kept = {name for _, name, _ in system.custom_config}
    dropped = [name for name in config if name not in kept and is_live(name, system.cluster.redis.version)]
    if dropped:
        yield Problem(
            "overrides.redis.customConfig",
            f"this list replaces the one made of redis.config, and {', '.join(dropped)} "
            f"{'are' if dropped[1:] else 'is'} lost; write these directives in redis.config too",
        )


@rule(
    "RG035",
    "error",
    fact="2.3",
    title="More replicas demanded than there are",
    guards="""With min-replicas-to-write no smaller than the number of Redis pods the master, which is one of them,
    never has enough replicas and refuses every write.""",
    example="redis: {config: {min-replicas-to-write: 3}}",
    near_miss="redis: {config: {min-replicas-to-write: 2}}\nwaive: {RG036: rather no writes than lost ones}",
)
def check_min_replicas(system: System) -> Iterator[Problem]:
    """Hold min-replicas-to-write against the number of replicas."""
    replicas = system.cluster.redis.replicas - 1
    for key, wanted in _min_replicas(system):
        if wanted > replicas:
            yield Problem(
                key,
                f"a write needs {wanted} replicas and the master has {replicas}: Redis refuses every write; set it to "
                f"{max(0, replicas - 1)}",
            )


@rule(
    "RG036",
    "warning",
    fact="2.3",
    title="Every replica needed for a write",
    guards="""With min-replicas-to-write equal to the number of replicas, a single one that restarts or synchronises
    stops all writes, in every rolling update.""",
    example="redis: {config: {min-replicas-to-write: 2}}",
    near_miss="redis: {config: {min-replicas-to-write: 1}}",
)
def check_spare_replica(system: System) -> Iterator[Problem]:
    """Ask for a replica to spare."""
    replicas = system.cluster.redis.replicas - 1
    for key, wanted in _min_replicas(system):
        if wanted == replicas > 0:
            yield Problem(
                key,
                f"a write needs all {replicas} of the replicas: each restart of one stops all writes; set it to "
                f"{replicas - 1}",
            )


def _min_replicas(system: System) -> Iterator[tuple[str, int]]:
    for key, name, value in system.directives:
        if name in ("min-replicas-to-write", "min-slaves-to-write") and value.isdecimal():
            yield key, int(value)


@rule(
    "RG037",
    "error",
    fact=None,
    title="A database that Redis does not have",
    guards="""Redis has 16 databases, numbered from 0, unless `databases` says otherwise; SELECT of another fails in
    every client.""",
    example="connection: {db: 16}",
    near_miss="connection: {db: 15}",
)
def check_database(system: System) -> Iterator[Problem]:
    """Hold connection.db against the number of databases."""
    database = system.cluster.connection.db
    if database == 0:
        return
    said = str(system.cluster.redis.config.get("databases", _DATABASES))
    count = int(said) if said.isdecimal() else _DATABASES
    if database >= count:
        yield Problem(
            "connection.db",
            f"Redis has the databases 0 to {count - 1}, and every client fails to select {database}; lower it, or set "
            f"redis.config.databases to {database + 1}",
            {"redis.config.databases": database + 1},
        )
