"""What becomes of each trap of operator v1.2.4: nothing is left out silently. Written out as docs/traps.md."""

from __future__ import annotations

from typing import NamedTuple

AVOIDED = "avoided"  # what redisgen renders does not have it
RUNBOOK = "runbook"  # no file shows it; the README rendered beside the manifests says what to do
DIFF = "diff"  # a change shows it: `redisgen diff` says what the change does


class Trap(NamedTuple):
    """One trap: what happens, which rules see it (`RG001`), and the ways it is otherwise met."""

    what: str
    ways: tuple[str, ...]
    how: str


TRAPS: dict[str, Trap] = {
    "T1": Trap("fewer Sentinels than Redis pods: no master, ever", ("RG001",), ""),
    "T2": Trap(
        "one pod that is not running stops all healing",
        (RUNBOOK, "RG041"),
        "delete the stuck pod; keep a node to spare where spread is required",
    ),
    "T3": Trap("one bad line of customConfig stops every pass", ("RG033", "RG034"), ""),
    "T4": Trap(
        "append-only file switched on by customConfig: data lost at the next start",
        (AVOIDED, "RG032", "RG019"),
        "boot settings are arguments of redis-server",
    ),
    "T4b": Trap(
        "append-only file added to volumes that hold only a snapshot: an empty start",
        (DIFF, RUNBOOK),
        "switch it on in the running Redis first",
    ),
    "T4c": Trap("save points add to those of redis.conf", (AVOIDED, "RG032", "RG064"), "an empty --save comes first"),
    "T5": Trap("one Sentinel setting drops the others", (AVOIDED, "RG011", "RG012"), "all three are always rendered"),
    "T6": Trap("grace shorter than the shutdown script", ("RG014", "RG015"), ""),
    "T7": Trap("the master's label lags", (RUNBOOK,), "connect through Sentinel; redis-master is the fallback"),
    "T8": Trap("a new password locks the operator out", (DIFF, RUNBOOK), "change it by hand, pod by pod"),
    "T9": Trap("a password with a space, quote or line break", (RUNBOOK,), "the command that makes the Secret is safe"),
    "T10": Trap("clusters without passwords of their own join", ("RG038", "RG039", RUNBOOK), "also across fleets"),
    "T11": Trap("bootstrapNode.port is not Redis' port", ("RG052",), ""),
    "T12": Trap("bootstrapNode.host is a name", ("RG053",), ""),
    "T13": Trap("a single Redis pod", ("RG013",), ""),
    "T14": Trap("disruption budgets of both come from redis.replicas", ("RG003", "RG004"), ""),
    "T15": Trap("the operator's anti-affinity looks at replicas only", (AVOIDED, "RG040"), "anti-affinity of its own"),
    "T16": Trap(
        "an affinity replaces the operator's", (AVOIDED, "RG040"), "overrides are merged with the one rendered"
    ),
    "T17": Trap("a topology spread without a selector", (AVOIDED, "RG042"), "the one rendered has it"),
    "T18": Trap("foo, s-foo and readiness-foo collide", ("RG062",), ""),
    "T19": Trap("a name too long or with a dot", (AVOIDED,), "the schema of the values takes no such name"),
    "T20": Trap("zero replicas become three", (AVOIDED, "RG018"), "the schema of the values asks for one"),
    "T21": Trap("a claim without a name", (AVOIDED, "RG025"), "it is called redis-data"),
    "T22": Trap("the data goes with the RedisFailover", (AVOIDED, "RG021"), "keepAfterDeletion is true"),
    "T23": Trap("changes of a claim are ignored but for the size", (DIFF,), "says what is ignored"),
    "T24": Trap("ephemeral to claim and back on a running cluster", (DIFF,), "says what is refused"),
    "T25": Trap("no storage, or two kinds of it", ("RG022", "RG023", "RG024", "RG026"), ""),
    "T26": Trap("all pods restart at once and the oldest wins", (RUNBOOK,), "see which pod has the data first"),
    "T27": Trap("labels that change restart the cluster", (AVOIDED, "RG051"), 'labelWhitelist is ["^$"]'),
    "T28": Trap("without the exporter no names of pods", ("RG057",), ""),
    "T29": Trap("Sentinel's exporter has no Service", ("RG058",), ""),
    "T30": Trap("an exporter without resources is throttled", (AVOIDED, "RG059"), "resources are always rendered"),
    "T31": Trap(
        "an image or pull policy left open", (AVOIDED, "RG046", "RG049"), "versions and IfNotPresent are rendered"
    ),
    "T32": Trap(
        "Redis 5, TLS, images without a shell, protected mode",
        ("RG032", "RG044", "RG047", "RG048"),
        "",
    ),
    "T33": Trap("a command renamed that the operator needs", ("RG032", "RG055"), ""),
    "T34": Trap("quotes in a rename", ("RG056",), ""),
    "T35": Trap("security contexts that Pod Security refuses", (AVOIDED, "RG060"), "all are rendered in full"),
    "T36": Trap("startupConfigMap is a probe", ("RG017",), ""),
    "T37": Trap("the shutdown ConfigMap does not exist", (AVOIDED, "RG016"), "it is rendered before the RedisFailover"),
    "T38": Trap("a misspelt field is dropped", (AVOIDED,), "overrides are held against the API (finding `overrides`)"),
    "T39": Trap("memory without a bound at the start", (AVOIDED, "RG027", "RG028", "RG029", "RG032"), "an argument"),
    "T40": Trap("the network of the node", ("RG043",), ""),
    "T41": Trap("Sentinels answer 127.0.0.1 during a rollout", (RUNBOOK,), "clients ask again"),
    "T42": Trap("default-deny policies and meshes", (RUNBOOK,), "which connections must be allowed"),
    "T43": Trap("an even number of Sentinels, or a changed one", ("RG002", DIFF), "says that Sentinels are reset"),
    "T44": Trap("bootstrapNode removed: old pods cannot hand over", ("RG054",), ""),
    "T45": Trap("the liveness probe sees no hung Redis", (RUNBOOK,), "delete the pod"),
    "T46": Trap("users and ACL files", ("RG032",), ""),
    "T47": Trap("the probes' user has a known password", (RUNBOOK,), "it may only PING"),
}


def table() -> str:
    """Return docs/traps.md."""
    ways = {
        AVOIDED: "avoided by what is rendered",
        RUNBOOK: "runbook, in the README rendered beside the manifests",
        DIFF: "`redisgen diff`",
    }
    rows = [
        f"| {name} | {trap.what} | {', '.join(ways.get(way, way) for way in trap.ways)}{trap.how and ': ' + trap.how} |"
        for name, trap in TRAPS.items()
    ]
    return "\n".join(
        [
            "# The traps of redis-operator v1.2.4, and what becomes of them",
            "",
            "`RG…` is a rule of `redisgen validate`. Written by tools/build_reference.py from redisgen/rules/traps.py.",
            "",
            "| trap | what happens | met by |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )
