"""How Redis pods start and stop: replicas, grace, scripts."""

from __future__ import annotations

from collections.abc import Iterator

from redisgen.amounts import size
from redisgen.rules.registry import Problem, rule
from redisgen.rules.system import System

_OPERATOR_SCRIPT = 31  # the sleep in the operator's own script (facts, 2.5)
_HANDOVER = 40  # at most: 5, 3, 5 and 9 s of waiting, and calls of 1 or 2 s where Sentinel or Redis does not answer
_SAVED_A_SECOND = 100_000_000  # bytes, on a disk of the network


def _save_seconds(system: System) -> int:
    redis = system.cluster.redis
    saves = bool(redis.persistence.rdb) or not redis.handover
    return -(-size(redis.maxmemory) // _SAVED_A_SECOND) if saves else 0


@rule(
    "RG013",
    "info",
    fact="T13",
    title="A single Redis pod",
    guards="""With one pod there is nothing to fail over to: each restart is an outage until the operator's next pass,
    up to 30 s and more, and its disruption budget lets no drain evict the pod.""",
    example="redis: {replicas: 1}\nsentinel: {replicas: 1}",
    near_miss="redis: {replicas: 3}",
)
def check_single(system: System) -> Iterator[Problem]:
    """Say what a single pod means."""
    if system.cluster.redis.replicas == 1:
        yield Problem(
            "redis.replicas",
            "a single Redis pod: each restart is an outage of 30 s and more, and its disruption budget blocks every "
            "drain; set redis.replicas to 3 where that matters",
            {"redis.replicas": 3},
        )


@rule(
    "RG014",
    "error",
    fact="T6",
    title="A grace period shorter than the operator's shutdown script",
    guards="""The operator's own script sleeps 31 s on a master and only then saves. A shorter grace period, such as
    the default of 30 s, cuts it off: Redis is killed without a SAVE.""",
    example="redis: {handover: false, terminationGracePeriod: 30}",
    near_miss="redis: {handover: false, terminationGracePeriod: 31}\nwaive: {RG015: nothing to save}",
)
def check_operator_script(system: System) -> Iterator[Problem]:
    """Hold the grace period against the sleep of the operator's script."""
    redis = system.cluster.redis
    if not redis.handover and redis.termination_grace_period < _OPERATOR_SCRIPT and not _own_script(system):
        yield Problem(
            "redis.terminationGracePeriod",
            f"after {redis.termination_grace_period} s Redis is killed, and the operator's shutdown script sleeps "
            f"{_OPERATOR_SCRIPT} s on a master before it saves: what was not yet on disk is lost; set 120, or "
            "redis.handover to true",
            {"redis.terminationGracePeriod": 120},
        )


@rule(
    "RG015",
    "warning",
    fact="T6",
    title="A grace period too short to hand over and save",
    guards="""A stopping master hands over, which takes up to 40 s, and writes all its memory to disk, at some 100 MB a
    second. When the grace period ends first, Redis is killed in between.""",
    example="redis: {terminationGracePeriod: 45}",
    near_miss="redis: {terminationGracePeriod: 46}",
)
def check_grace(system: System) -> Iterator[Problem]:
    """Hold the grace period against the shutdown script and the save that follows it."""
    redis = system.cluster.redis
    if _own_script(system) or (not redis.handover and redis.termination_grace_period < _OPERATOR_SCRIPT):
        return
    script = (_HANDOVER if redis.replicas > 1 else 0) if redis.handover else _OPERATOR_SCRIPT
    needed = script + _save_seconds(system)
    if redis.termination_grace_period < needed:
        fitting = min(max(120, needed * 2), 86400)
        yield Problem(
            "redis.terminationGracePeriod",
            f"{redis.termination_grace_period} s may not do: the shutdown script takes up to {script} s and saving "
            f"{redis.maxmemory} about {needed - script} s, then Redis is killed; set {fitting}",
            {"redis.terminationGracePeriod": fitting},
        )


def _own_script(system: System) -> bool:
    return bool(system.given("redis.shutdownConfigMap"))


@rule(
    "RG016",
    "info",
    fact="T37",
    title="A shutdown script of one's own",
    guards="""Until the ConfigMap named by redis.shutdownConfigMap exists, the operator creates no Redis. It needs the
    key shutdown.sh, written for sh, and takes the place of the hand-over.""",
    example="overrides: {redis: {shutdownConfigMap: my-shutdown}}",
    near_miss="overrides: {redis: {shutdownConfigMap: redis-cluster-shutdown}}",
)
def check_own_script(system: System) -> Iterator[Problem]:
    """Say what a ConfigMap of the user's must be."""
    name = system.given("redis.shutdownConfigMap")
    if name and not (system.cluster.redis.handover and name == f"{system.cluster.name}-shutdown"):
        yield Problem(
            "overrides.redis.shutdownConfigMap",
            f"without ConfigMap '{name}' and its key shutdown.sh, for sh, the operator creates no Redis: apply it "
            "before the RedisFailover; redisgen's hand-over no longer runs",
        )


@rule(
    "RG017",
    "warning",
    fact="T36",
    title="startupConfigMap is a probe",
    guards="""The script of startupConfigMap runs again and again as a startup probe, not once before Redis starts;
    when it fails for two minutes the container is killed.""",
    example="overrides: {redis: {startupConfigMap: my-startup}}",
    near_miss="overrides: {redis: {shutdownConfigMap: redis-cluster-shutdown}}",
)
def check_startup(system: System) -> Iterator[Problem]:
    """Say what a startup script is to the operator."""
    for part in ("redis", "sentinel"):
        if name := system.given(f"{part}.startupConfigMap"):
            yield Problem(
                f"overrides.{part}.startupConfigMap",
                f"startup.sh of '{name}' runs as a startup probe, again and again, and kills the container when it "
                "fails for two minutes; what is to run once goes into an init container",
            )


@rule(
    "RG018",
    "error",
    fact="T20",
    title="No pods at all",
    guards="""The operator takes zero or less for not set: replicas become 3, the port 6379. A RedisFailover cannot be
    scaled to zero.""",
    example="overrides: {redis: {replicas: 0}}",
    near_miss="overrides: {redis: {replicas: 3}}",
)
def check_zero(system: System) -> Iterator[Problem]:
    """Find numbers that the operator replaces."""
    for field, becomes in (("redis.replicas", 3), ("sentinel.replicas", 3), ("redis.port", 6379)):
        number = system.given(field)
        if number is not None and number <= 0:
            yield Problem(
                f"overrides.{field}",
                f"the operator takes {number} for not set and makes it {becomes}; remove the RedisFailover to stop "
                "Redis",
                {f"overrides.{field}": becomes},
            )


@rule(
    "RG019",
    "warning",
    fact="T4",
    title="A command that replaces redisgen's",
    guards="""redis.command carries all that Redis must know when it starts: memory, save points, the append-only file.
    A command in overrides replaces it whole, and an argument that it leaves out is the operator's default or Redis'
    own.""",
    example="overrides: {redis: {command: [redis-server, /redis/redis.conf, --maxmemory, 512mb]}}",
    near_miss="""overrides:
  redis:
    command: [redis-server, /redis/redis.conf, --maxmemory, 512mb, --save, "", --appendonly, "yes"]""",
)
def check_command(system: System) -> Iterator[Problem]:
    """Ask of a command in overrides what redisgen's would have said."""
    command = system.patched("redis.command") if system.patch else ()
    if isinstance(command, list) and "/redis/redis.conf" not in command:
        return
    if command is None or isinstance(command, list):
        missing = [name for name in ("--maxmemory", "--save", "--appendonly") if name not in (command or ())]
        if missing:
            yield Problem(
                "overrides.redis.command",
                f"this replaces all that redisgen tells Redis at its start, and {', '.join(missing)} "
                f"{'are' if missing[1:] else 'is'} missing: redis.maxmemory and redis.persistence are not what runs; "
                "add what is missing, or use redis.config",
            )


@rule(
    "RG064",
    "warning",
    fact="T4c",
    title="Save points that add to the operator's",
    guards="""The operator's redis.conf has save points of its own, 900 1 and 300 10. A --save among the arguments adds
    to them, unless an empty one comes first.""",
    example="""overrides:
  redis: {command: [redis-server, /redis/redis.conf, --save, "60", "5", --maxmemory, 512mb, --appendonly, "yes"]}""",
    near_miss="""overrides:
  redis: {command: [redis-server, /redis/redis.conf, --save, "", --maxmemory, 512mb, --appendonly, "yes"]}""",
)
def check_save_points(system: System) -> Iterator[Problem]:
    """Ask for an empty save point first."""
    command = system.given("redis.command") or []
    if "--save" in command and command[command.index("--save") + 1 :][:1] != [""]:
        yield Problem(
            "overrides.redis.command",
            'the first --save adds to the operator\'s save points 900 1 and 300 10; put --save "" before it',
        )


@rule(
    "RG020",
    "error",
    fact="1.3",
    title="A command without the operator's redis.conf",
    guards="""/redis/redis.conf makes a pod a replica until the operator says otherwise, and has the user the probes
    need. Without it each pod starts as a master of its own, and the operator gives up on several masters.""",
    example="overrides: {redis: {command: [redis-server, --save, '', --maxmemory, 512mb, --appendonly, 'yes']}}",
    near_miss="""overrides:
  redis: {command: [redis-server, /redis/redis.conf, --save, "", --maxmemory, 512mb, --appendonly, "yes"]}""",
    waivable=False,
)
def check_conf(system: System) -> Iterator[Problem]:
    """Ask for the operator's redis.conf in a command."""
    command = system.given("redis.command")
    if command and "/redis/redis.conf" not in command:
        yield Problem(
            "overrides.redis.command",
            "the command does not name /redis/redis.conf: every pod starts as a master, and with several the "
            "operator gives up; begin with redis-server /redis/redis.conf",
        )
