"""How many Sentinels, and when they call a master down."""

from __future__ import annotations

from collections.abc import Iterator

from redisgen.redisfailover import restart_delay
from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_SOONEST_DOWN = 1000
_LATEST_DOWN = 30000
_SHORTEST_FAILOVER = 3000
_LONGEST_FAILOVER = 180000
_LIVENESS = 115  # of 30 s and 6 probes of 15 s, less 5 s for Redis to start (facts, 1.3)


@rule(
    "RG001",
    "error",
    fact="T1",
    title="Fewer Sentinels than Redis pods",
    guards="""Operator v1.2.4 compares the number of Sentinel pods with redis.replicas. With fewer Sentinels it never
    heals, no master is ever elected and no pod becomes ready.""",
    example="redis: {replicas: 4}",
    near_miss="redis: {replicas: 3}",
    waivable=False,
)
def check_count(system: System) -> Iterator[Problem]:
    """Hold the number of Sentinels against that of Redis pods."""
    redis, sentinels = system.cluster.redis.replicas, system.cluster.sentinel.replicas
    if sentinels < redis:
        enough = redis | 1
        yield Problem(
            "sentinel.replicas",
            f"{sentinels} Sentinels for {redis} Redis pods: the operator then never elects a master; set "
            f"sentinel.replicas to {enough}",
            {"sentinel.replicas": enough},
        )


@rule(
    "RG002",
    "warning",
    fact="T43",
    title="An even number of Sentinels",
    guards="""A failover needs half of the Sentinels plus one. An even number survives the loss of no more Sentinels
    than the odd number below it, and splits into two halves of which neither can act.""",
    example="redis: {replicas: 3}\nsentinel: {replicas: 4}",
    near_miss="redis: {replicas: 3}\nsentinel: {replicas: 3}",
)
def check_odd(system: System) -> Iterator[Problem]:
    """Ask for an odd number of Sentinels."""
    count = system.cluster.sentinel.replicas
    if count % 2 == 0:
        yield Problem(
            "sentinel.replicas",
            f"{count} Sentinels survive the loss of no more than {count - 1} do, and can split into two halves; set "
            f"sentinel.replicas to {count + 1}",
            {"sentinel.replicas": count + 1},
        )


@rule(
    "RG003",
    "warning",
    fact="T14",
    title="Two Redis pods: a drain may take the majority of the Sentinels",
    guards="""The operator computes both disruption budgets from redis.replicas: with two Redis pods it lets all
    Sentinels but one be evicted, and one of three cannot fail over.""",
    example="redis: {replicas: 2}",
    near_miss="redis: {replicas: 3}",
)
def check_budget(system: System) -> Iterator[Problem]:
    """Hold the disruption budget of the Sentinels against their majority."""
    sentinel = system.cluster.sentinel
    if system.cluster.redis.replicas == 2:
        yield Problem(
            "redis.replicas",
            f"with 2 Redis pods the disruption budgets keep 1 pod of each kind: a drain may evict all but one of "
            f"{sentinel.replicas} Sentinels, and {sentinel.quorum} must agree on a failover; set redis.replicas to 3",
            {"redis.replicas": 3},
        )


@rule(
    "RG004",
    "info",
    fact="T14",
    title="The disruption budget does not keep a majority of the Sentinels",
    guards="""However many Sentinels there are, the operator's disruption budget keeps two. Nodes that are drained at
    the same time may take the majority of five.""",
    example="sentinel: {replicas: 5}",
    near_miss="sentinel: {replicas: 3}",
)
def check_large_budget(system: System) -> Iterator[Problem]:
    """Say what the disruption budget lets happen to five Sentinels and more."""
    sentinel = system.cluster.sentinel
    if sentinel.replicas >= 5 and system.cluster.redis.replicas > 2:
        yield Problem(
            "sentinel.replicas",
            f"the disruption budget keeps 2 of {sentinel.replicas} Sentinels, and {sentinel.quorum} must agree on a "
            f"failover: drain one node at a time",
        )


@rule(
    "RG005",
    "warning",
    fact="2.7",
    title="A master called down too soon",
    guards="""A fork for a save, a slow command or a short loss of packets silences Redis for hundreds of milliseconds.
    A down-after below a second turns them into failovers, each with a full resynchronisation.""",
    example="sentinel: {downAfterMilliseconds: 999}",
    near_miss="sentinel: {downAfterMilliseconds: 1000}",
)
def check_soon(system: System) -> Iterator[Problem]:
    """Ask for a down-after of a second or more."""
    down = system.cluster.sentinel.down_after_milliseconds
    if down < _SOONEST_DOWN:
        yield Problem(
            "sentinel.downAfterMilliseconds",
            f"a master silent for {down} ms is called down: a fork for a save or a slow command takes as long; set "
            f"{_SOONEST_DOWN} or more, 5000 as a rule",
            {"sentinel.downAfterMilliseconds": 5000},
        )


@rule(
    "RG006",
    "warning",
    fact="2.7",
    title="A master called down late",
    guards="""For as long as down-after nobody takes writes. Beyond half a minute, the operator's own pass comes first
    and heals against Sentinel.""",
    example="sentinel: {downAfterMilliseconds: 30001}",
    near_miss="sentinel: {downAfterMilliseconds: 30000}",
)
def check_late(system: System) -> Iterator[Problem]:
    """Ask for a down-after of half a minute at most."""
    down = system.cluster.sentinel.down_after_milliseconds
    if down > _LATEST_DOWN and not _is_killed(system):
        yield Problem(
            "sentinel.downAfterMilliseconds",
            f"a dead master is called down only after {down / 1000:g} s, and all that time nobody takes writes; set "
            f"{_LATEST_DOWN} or less, 5000 as a rule",
            {"sentinel.downAfterMilliseconds": 5000},
        )


@rule(
    "RG007",
    "error",
    fact="1.3",
    title="A restart delay that outlasts the liveness probe",
    guards="""With redis.restartDelay Redis waits for down-after and 3 s more before it starts. The operator's liveness
    probe cannot be changed: it kills what does not answer within two minutes, again and again.""",
    example="sentinel: {downAfterMilliseconds: 112001}",
    near_miss="sentinel: {downAfterMilliseconds: 112000}\nwaive: {RG006: a slow network}",
    waivable=False,
)
def check_delay(system: System) -> Iterator[Problem]:
    """Hold the restart delay against the liveness probe."""
    if _is_killed(system):
        yield Problem(
            "sentinel.downAfterMilliseconds",
            f"redis.restartDelay makes Redis wait {restart_delay(system.cluster)} s before it starts, and the "
            f"liveness probe kills it after about {_LIVENESS}: it never starts; lower "
            "sentinel.downAfterMilliseconds, or set redis.restartDelay to false",
            {"sentinel.downAfterMilliseconds": 5000},
        )


def _is_killed(system: System) -> bool:
    return restart_delay(system.cluster) > _LIVENESS


@rule(
    "RG008",
    "warning",
    fact="2.7",
    title="A failover without the time it takes",
    guards="""A replica that Sentinel promotes must be seen as master within failover-timeout; else the failover is
    given up and tried again only after twice that time.""",
    example="sentinel: {failoverTimeout: 2999}",
    near_miss="sentinel: {failoverTimeout: 3000}",
)
def check_short_failover(system: System) -> Iterator[Problem]:
    """Ask for a failover timeout within which a failover can be done."""
    timeout = system.cluster.sentinel.failover_timeout
    if timeout < _SHORTEST_FAILOVER:
        yield Problem(
            "sentinel.failoverTimeout",
            f"a failover that takes longer than {timeout} ms is given up half-way; set {_SHORTEST_FAILOVER} or more, "
            "10000 as a rule",
            {"sentinel.failoverTimeout": 10000},
        )


@rule(
    "RG009",
    "warning",
    fact="2.7",
    title="A long wait after a failed failover",
    guards="""When a failover fails, Sentinel tries again after twice failover-timeout; until then there is no master.
    Sentinel's own default, three minutes, is the longest that makes sense.""",
    example="sentinel: {failoverTimeout: 180001}",
    near_miss="sentinel: {failoverTimeout: 180000}",
)
def check_long_failover(system: System) -> Iterator[Problem]:
    """Ask for a failover timeout that lets Sentinel try again soon."""
    timeout = system.cluster.sentinel.failover_timeout
    if timeout > _LONGEST_FAILOVER:
        yield Problem(
            "sentinel.failoverTimeout",
            f"when a failover fails, the next try comes after {timeout / 500:g} s without a master; set "
            f"{_LONGEST_FAILOVER} or less, 10000 as a rule",
            {"sentinel.failoverTimeout": 10000},
        )


@rule(
    "RG010",
    "info",
    fact="2.8",
    title="All replicas synchronise at once",
    guards="""A replica that copies from a new master answers no reads. With parallel-syncs as large as the number of
    replicas, for a while after a failover only the master answers.""",
    example="sentinel: {parallelSyncs: 2}",
    near_miss="redis: {replicas: 4}\nsentinel: {replicas: 5, parallelSyncs: 2}\nwaive: {RG004: one node at a time}",
)
def check_syncs(system: System) -> Iterator[Problem]:
    """Hold parallel-syncs against the number of replicas."""
    syncs = system.cluster.sentinel.parallel_syncs
    if 1 < system.cluster.redis.replicas - 1 <= syncs:
        yield Problem(
            "sentinel.parallelSyncs",
            f"after a failover all {system.cluster.redis.replicas - 1} replicas copy from the new master at once, "
            "and none answers reads meanwhile; set sentinel.parallelSyncs to 1",
            {"sentinel.parallelSyncs": 1},
        )


@rule(
    "RG011",
    "error",
    fact="T5",
    title="A list of Sentinel settings that leaves some out",
    guards="""Any sentinel.customConfig replaces the operator's defaults whole; what it leaves out becomes Sentinel's
    own: 30 s until a master is down instead of 5, three minutes for a failover.""",
    example="overrides: {sentinel: {customConfig: [down-after-milliseconds 5000, failover-timeout 10000]}}",
    near_miss="""overrides:
  sentinel: {customConfig: [down-after-milliseconds 5000, failover-timeout 10000, parallel-syncs 1]}""",
)
def check_settings(system: System) -> Iterator[Problem]:
    """Ask for all three settings of Sentinel."""
    lines = system.given("sentinel.customConfig")
    if not lines:
        return
    given = {line.partition(" ")[0] for line in lines}
    wanted = ("down-after-milliseconds", "failover-timeout", "parallel-syncs")
    if missing := [name for name in wanted if name not in given]:
        yield Problem(
            "overrides.sentinel.customConfig",
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} left out, and this list replaces the "
            "operator's defaults: Sentinel falls back to its own 30000, 180000 and 1; give all three, or use the "
            "keys of sentinel",
        )


@rule(
    "RG012",
    "error",
    fact="2.3",
    title="A Sentinel setting that cannot be set for a master",
    guards="""The operator sends each line as SENTINEL SET mymaster. Only settings of a master are taken; any other is
    refused, and with it the rest of the pass.""",
    example="""overrides:
  sentinel:
    customConfig: [down-after-milliseconds 5000, failover-timeout 10000, parallel-syncs 1, loglevel debug]""",
    near_miss="""overrides:
  sentinel:
    customConfig: [down-after-milliseconds 5000, failover-timeout 10000, parallel-syncs 1, quorum 2]""",
    waivable=False,
)
def check_settable(system: System) -> Iterator[Problem]:
    """Hold each line against what SENTINEL SET takes."""
    lines = system.given("sentinel.customConfig")
    if not lines:
        return
    from redisgen.directives import sentinel_problem  # only who writes such lines pays for the table

    for index, line in enumerate(lines):
        name, _, value = line.partition(" ")
        if message := sentinel_problem(name, value, system.cluster.redis.version):
            yield Problem(
                f"overrides.sentinel.customConfig.{index}", f"{message}; the operator's pass ends there, every time"
            )
