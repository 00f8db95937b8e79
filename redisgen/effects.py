"""What a change of a manifest does to the running system under operator v1.2.4: one table, for `diff` and `explain`."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from redisgen import conditions
from redisgen.change import Change, at, has_claim, replicas


class Outcome(Enum):
    """How a change ends, from harmless to worst; the value is the word that all formats print."""

    NONE = "none"
    CREATED = "created"
    LIVE = "live"
    DEFERRED = "deferred"
    IGNORED = "ignored"
    OPERATOR = "operator-restart"
    UNKNOWN = "unknown"
    SENTINELS = "sentinel-restart"
    RESTART = "restart"
    REFUSED = "refused"
    LOCKED_OUT = "locked-out"
    OUTAGE = "outage"
    DATA_LOSS = "data-loss"

    @property
    def rank(self) -> int:
        """Return the place in the order; higher is worse."""
        return list(Outcome).index(self)


MEANINGS = {
    Outcome.NONE: "nothing changes on the running system",
    Outcome.CREATED: "something new is made; nothing that runs changes",
    Outcome.LIVE: "takes effect at once or within 30 s, no pod restarts",
    Outcome.DEFERRED: "nothing until pods restart for another reason",
    Outcome.IGNORED: "silently ignored",
    Outcome.OPERATOR: "the operator restarts, Redis and Sentinel do not",
    Outcome.UNKNOWN: "redisgen cannot judge it",
    Outcome.SENTINELS: "the Sentinel pods are replaced",
    Outcome.RESTART: "the Redis pods restart one by one, with one failover",
    Outcome.REFUSED: "refused by Kubernetes, or tried in vain in every pass",
    Outcome.LOCKED_OUT: "the operator can no longer look after the cluster",
    Outcome.OUTAGE: "Redis, or a way to it, goes away",
    Outcome.DATA_LOSS: "data is at risk",
}


class Effect(NamedTuple):
    """What a change does: the outcome, one sentence, and the fact (`T5`, or a section) that it stands on."""

    outcome: Outcome
    sentence: str
    fact: str | None = None


class Row(NamedTuple):
    """One line of the table: what changes at `path` or below it do, in documents of these kinds, if a condition holds.

    `*` in the path is any one step; a key with a dot in it stands in double quotes.
    """

    kinds: str
    path: str
    outcome: Outcome
    sentence: str
    fact: str | None = None
    when: Callable[[Change], bool] | None = None

    @property
    def effect(self) -> Effect:
        """Return the effect alone."""
        return Effect(self.outcome, self.sentence, self.fact)

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the path as that of a change."""
        return tuple(step.strip('"') for step in re.findall(r'"[^"]*"|\[[^]]*\]|[^.\["]+', self.path))

    def matches(self, change: Change) -> bool:
        """Say whether this row speaks of the change."""
        steps = self.steps
        return (
            change.identity.kind in self.kinds.split("|")
            and len(change.path) >= len(steps)
            and all(step in ("*", "[*]", there) for step, there in zip(steps, change.path, strict=False))
            and (bool(change.path) or not steps)
            and (self.when is None or self.when(change))
        )


def effect(change: Change) -> Effect:
    """Return what a change does: the first row that matches, read with what the cluster is like."""
    found = next((row.effect for row in TABLE if row.matches(change)), None)
    if found is None:
        return UNKNOWN
    if found.outcome is Outcome.RESTART and change.identity.kind == "RedisFailover" and replicas(change.before) == 1:
        return _ALONE if has_claim(change.before) else _LOST
    return found


UNKNOWN = Effect(Outcome.UNKNOWN, "effect unknown: redisgen knows nothing about this field")
RENAMED = Effect(
    Outcome.DATA_LOSS,
    "a new, empty cluster beside the old one: the claims, Services and pods bear the name and stay where they are; "
    "move the data with spec.bootstrapNode, and the clients, before the old one is deleted",
    "1.1",
)
NEW_CLUSTER = Effect(Outcome.CREATED, "how the new cluster is made")
_ROLL = Effect(
    Outcome.RESTART,
    "the operator restarts the Redis pods one by one, one every 30 s at most, the master last with one failover",
    "2.4",
)
_ALONE = Effect(
    Outcome.OUTAGE,
    "the only Redis pod restarts: no failover, and no Redis until it is back and the operator promotes it",
    "T13",
)
_LOST = Effect(
    Outcome.DATA_LOSS, "the only Redis pod restarts, and its data goes with it: it has no volume claim", "T25"
)
_SENTINELS = Effect(
    Outcome.SENTINELS,
    "the Sentinel pods are replaced at once, a quarter at a time; Redis goes on, and a master that dies meanwhile may "
    "wait for a quorum",
    "1.3",
)
_RIGHTS = Effect(Outcome.LIVE, "takes effect at once; what the operator may no longer do fails in its next pass", "4")
_IMMUTABLE = Effect(Outcome.REFUSED, "Kubernetes refuses the change: the field is fixed when the object is created")
_PASSWORD = Effect(
    Outcome.LOCKED_OUT,
    "the operator uses the new password on pods that still have the old: it sees no master and restarts nothing; set "
    "the password by hand on every pod first, or delete all Redis pods",
    "T8",
)
_SNAPSHOTS_ONLY = Effect(
    Outcome.RESTART,
    "the Redis pods restart one by one with one failover; from then on there is no append-only file, and a crash of "
    "all pods loses what changed since the last snapshot",
    "2.4",
)

RF = "RedisFailover"
RBAC = "Role|ClusterRole|RoleBinding|ClusterRoleBinding"
PROMETHEUS = "ServiceMonitor|PodMonitor|PrometheusRule"
# Fields of Redis and of Sentinel that end up in the template of their pods.
_OF_PODS = (
    "affinity",
    "containerSecurityContext",
    "dnsPolicy",
    "exporter",
    "extraContainers",
    "extraVolumeMounts",
    "extraVolumes",
    "hostNetwork",
    "image",
    "imagePullPolicy",
    "imagePullSecrets",
    "initContainers",
    "nodeSelector",
    "podAnnotations",
    "priorityClassName",
    "resources",
    "securityContext",
    "serviceAccountName",
    "startupConfigMap",
    "tolerations",
    "topologySpreadConstraints",
)

# First match wins: the narrow stands before the wide. What the rows say of Redis pods is put right for clusters of one
# pod in `effect`.
TABLE: tuple[Row, ...] = (
    # --- whole documents; a tool that does not prune leaves what is removed from the files where it is
    Row(RF, "", Outcome.CREATED, "a new cluster is created", when=conditions.whole_added),
    Row(
        RF,
        "",
        Outcome.DATA_LOSS,
        "deletes the cluster with its data: its volumes do not outlive it",
        "T22",
        when=conditions.loses_claims,
    ),
    Row(
        RF,
        "",
        Outcome.OUTAGE,
        "deletes the cluster; its volume claims stay (keepAfterDeletion)",
        "T22",
        when=conditions.whole_removed,
    ),
    Row(
        "CustomResourceDefinition",
        "",
        Outcome.DATA_LOSS,
        "deletes every object of this kind: for RedisFailovers, every cluster",
        "T22",
        when=conditions.whole_removed,
    ),
    Row(
        "Namespace",
        "",
        Outcome.DATA_LOSS,
        "deletes the namespace with all that lives in it",
        when=conditions.whole_removed,
    ),
    Row(
        "Deployment",
        "",
        Outcome.LOCKED_OUT,
        "removes the operator: Redis goes on, but no pod that restarts joins its cluster again",
        "2.8",
        when=conditions.operator_removed,
    ),
    Row(
        "Service",
        "",
        Outcome.OUTAGE,
        "clients that use this Service lose Redis",
        "T7",
        when=conditions.redis_service_removed,
    ),
    Row(RBAC, "", *_RIGHTS, when=conditions.whole_removed),
    Row(
        "ServiceAccount",
        "",
        Outcome.LOCKED_OUT,
        "an operator that runs as it loses its rights at once",
        "4",
        when=conditions.whole_removed,
    ),
    Row(
        "Secret",
        "",
        Outcome.LOCKED_OUT,
        "the operator finds no password: every pass fails",
        "3",
        when=lambda change: conditions.whole_removed(change) and conditions.is_password(change),
    ),
    Row(
        "Deployment|Service|ServiceAccount|ConfigMap|Namespace|NetworkPolicy|CustomResourceDefinition|Secret"
        f"|{RBAC}|{PROMETHEUS}",
        "",
        Outcome.CREATED,
        "is created",
        when=conditions.whole_added,
    ),
    Row(
        "ConfigMap",
        "",
        Outcome.DEFERRED,
        "pods that mount or read it run on, but cannot start without it",
        "T37",
        when=conditions.whole_removed,
    ),
    Row(
        f"NetworkPolicy|Service|{PROMETHEUS}",
        "",
        Outcome.LIVE,
        "is gone at once; no pod restarts",
        when=conditions.whole_removed,
    ),
    # --- RedisFailover: the object
    Row(RF, "metadata.name", *RENAMED),
    Row(RF, "metadata.namespace", *RENAMED),
    Row(
        RF,
        "metadata.labels",
        Outcome.LIVE,
        "labels the RedisFailover only: labelWhitelist keeps the label off the pods",
        "T27",
        when=conditions.labels_stay,
    ),
    Row(
        RF,
        "metadata.labels",
        Outcome.RESTART,
        "the label is copied into the pods: all Redis and Sentinel pods restart, with one failover; "
        'labelWhitelist ["^$"] would keep it off them',
        "T27",
    ),
    Row(RF, "metadata.annotations", Outcome.LIVE, "copied to the StatefulSet, not to its pods", "1.2"),
    Row(
        RF,
        "spec.labelWhitelist",
        Outcome.NONE,
        "the same labels are copied to the pods as before",
        "1.2",
        when=conditions.labels_stay,
    ),
    Row(
        RF,
        "spec.labelWhitelist",
        Outcome.RESTART,
        "other labels are copied into the pods: all Redis and Sentinel pods restart, with one failover",
        "T27",
    ),
    Row(RF, "spec.auth", *_PASSWORD),
    Row(
        RF,
        "spec.bootstrapNode.allowSentinels",
        Outcome.LIVE,
        "Sentinels are created in the next pass; existing ones are never removed",
        "1.4",
    ),
    Row(
        RF,
        "spec.bootstrapNode",
        Outcome.LIVE,
        "the operator elects a master; pods made meanwhile cannot hand over when stopped",
        "T44",
        when=lambda change: not at(change.after, "spec", "bootstrapNode"),
    ),
    Row(
        RF,
        "spec.bootstrapNode",
        Outcome.DATA_LOSS,
        "all pods become replicas of the outside master and drop what they hold",
        "2.2",
    ),
    # --- RedisFailover: Redis
    Row(
        RF,
        "spec.redis.replicas",
        Outcome.NONE,
        "the same number of pods as before: without a number, or with 0, it is 3",
        "T20",
        when=conditions.same_number,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Outcome.LOCKED_OUT,
        "with more Redis than Sentinel pods the operator heals nothing and elects no master",
        "T1",
        when=conditions.more_redis_than_sentinels,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Outcome.RESTART,
        "the pods with the highest numbers stop, with one failover if the master is among them; their claims stay",
        "T43",
        when=conditions.fewer,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Outcome.LIVE,
        "pods are added and copy the data from the master; Sentinels are reset",
        "T43",
    ),
    Row(
        RF,
        "spec.redis.port",
        Outcome.LOCKED_OUT,
        "the operator looks for the running pods at the new port and sees no master, so it does not restart them; "
        "delete all Redis pods, and tell the clients",
        "2.4",
    ),
    Row(
        RF,
        "spec.redis.image",
        Outcome.DATA_LOSS,
        "the Redis pods restart one by one with an older Redis, which may not read the files of a newer "
        "one, nor copy from it",
        "2.4",
        when=conditions.older_image,
    ),
    Row(
        RF,
        "spec.redis.command[--appendonly]",
        Outcome.DATA_LOSS,
        "a pod that starts with the append-only file on, and only a dump.rdb on its volume, starts empty: whatever "
        "no other pod holds is lost; CONFIG SET appendonly yes on all pods first, wait for the rewrite, then "
        "change the command",
        "T4b",
        when=conditions.aof_switched_on,
    ),
    Row(RF, "spec.redis.command[--appendonly]", *_SNAPSHOTS_ONLY, when=conditions.aof_switched_off),
    Row(
        RF,
        "spec.redis.command[--maxmemory]",
        Outcome.RESTART,
        "the Redis pods restart one by one with one failover; the new master then evicts keys, or refuses "
        "writes under noeviction, until its data fits",
        "2.4",
        when=conditions.less_memory,
    ),
    Row(
        RF,
        "spec.redis.command[--databases]",
        Outcome.DATA_LOSS,
        "a pod does not start again while its data, or that of the master, has keys in a database that is "
        "no longer there",
        when=conditions.fewer_databases,
    ),
    Row(RF, "spec.redis.command", *_ROLL),
    Row(
        RF,
        "spec.redis.customConfig[appendonly]",
        Outcome.DATA_LOSS,
        "Redis starts without the append-only file and then overwrites it; put --appendonly yes into command, "
        "minding T4b",
        "T4",
        when=conditions.aof_on_too_late,
    ),
    *(
        Row(
            RF,
            f"spec.redis.customConfig[{name}]",
            Outcome.LOCKED_OUT,
            "applied live, and the operator no longer reaches the pods",
            "2.3",
        )
        for name in ("port", "bind", "requirepass", "masterauth", "replica-announce-ip")
    ),
    Row(
        RF,
        "spec.redis.customConfig[*]",
        Outcome.DEFERRED,
        "the running pods keep the setting; it is gone when they restart",
        "2.3",
        when=conditions.removed,
    ),
    Row(
        RF,
        "spec.redis.customConfig[*]",
        Outcome.LOCKED_OUT,
        "Redis refuses the directive at run time: every healing pass stops there",
        "T3",
        when=conditions.refused_live,
    ),
    Row(
        RF,
        "spec.redis.customConfig[maxmemory]",
        Outcome.LIVE,
        "set live on every pod by CONFIG SET within 30 s; what does not fit is evicted, or writes are refused "
        "under noeviction",
        "2.3",
        when=conditions.less_memory,
    ),
    Row(RF, "spec.redis.customConfig", Outcome.LIVE, "set live on every pod by CONFIG SET within 30 s", "2.3"),
    Row(
        RF,
        "spec.redis.customCommandRenames",
        Outcome.DEFERRED,
        "written to redis.conf only: each pod takes it at its next restart, until then pods differ; a command that "
        "the operator, Sentinel or the probes use must keep its name (T33)",
        "2.4",
    ),
    Row(
        RF,
        "spec.redis.storage",
        Outcome.DATA_LOSS,
        "each pod restarts on an empty volume that goes with it, one after the other; if the claim is called "
        "redis-data the change is ignored as long as the StatefulSet lives",
        "T24",
        when=conditions.claim_gone,
    ),
    Row(
        RF,
        "spec.redis.storage",
        Outcome.REFUSED,
        "the StatefulSet rejects a claim it was not made with, in every pass; the data must move to a new cluster",
        "T24",
        when=conditions.claim_new,
    ),
    Row(
        RF,
        "spec.redis.storage.keepAfterDeletion",
        Outcome.IGNORED,
        "existing claims keep what they were made with",
        "T22",
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
        Outcome.REFUSED,
        "a claim cannot shrink: the operator tries again in every pass, for ever",
        "T23",
        when=conditions.smaller,
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
        Outcome.LIVE,
        "the operator grows every claim, if its StorageClass allows it",
        "T23",
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.metadata.name",
        Outcome.REFUSED,
        "the StatefulSet rejects a volume it has no claim for, in every pass",
        "T24",
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim",
        Outcome.IGNORED,
        "silently ignored: of a claim only the size can change",
        "T23",
    ),
    Row(
        RF,
        "spec.redis.storage.emptyDir",
        Outcome.IGNORED,
        "silently ignored: the volume claim wins",
        "T25",
        when=conditions.claims_ignore_empty_dir,
    ),
    Row(
        RF,
        "spec.redis.serviceAnnotations",
        Outcome.LIVE,
        "put on the Service rfr-NAME in the next pass; no pod restarts",
        "1.1",
    ),
    Row(
        RF,
        "spec.redis.exporter",
        Outcome.NONE,
        "the exporter is off before and after",
        "1.3",
        when=conditions.exporter_stays_off,
    ),
    Row(
        RF,
        "spec.sentinel.exporter",
        Outcome.NONE,
        "the exporter is off before and after",
        "1.3",
        when=conditions.exporter_stays_off,
    ),
    Row(
        RF,
        "spec.redis.exporter.enabled",
        Outcome.RESTART,
        "the Redis pods restart one by one with one failover, and the Service rfr-NAME with the DNS names "
        "of the pods comes or goes",
        "T28",
    ),
    Row(
        RF,
        "spec.redis.shutdownConfigMap",
        Outcome.RESTART,
        "the Redis pods restart one by one with one failover, each still stopping by the old script; the "
        "ConfigMap must exist first",
        "T37",
    ),
    *(Row(RF, f"spec.redis.{field}", *_ROLL) for field in (*_OF_PODS, "storage.emptyDir", "terminationGracePeriod")),
    # --- RedisFailover: Sentinel
    Row(
        RF,
        "spec.sentinel.replicas",
        Outcome.NONE,
        "the same number of pods as before: without a number, or with 0, it is 3",
        "T20",
        when=conditions.same_number,
    ),
    Row(
        RF,
        "spec.sentinel.replicas",
        Outcome.LOCKED_OUT,
        "with fewer Sentinel than Redis pods the operator heals nothing and elects no master",
        "T1",
        when=conditions.more_redis_than_sentinels,
    ),
    Row(
        RF,
        "spec.sentinel.replicas",
        Outcome.LIVE,
        "Sentinels come or go, the quorum follows, and all Sentinels are reset",
        "T43",
    ),
    Row(
        RF,
        "spec.sentinel.customConfig[*]",
        Outcome.DEFERRED,
        "Sentinels keep the setting until they watch another master; then Sentinel's own 30 s, 180 s and 1 hold",
        "T5",
        when=conditions.removed,
    ),
    Row(
        RF, "spec.sentinel.customConfig", Outcome.LIVE, "set live on every Sentinel by SENTINEL SET within 30 s", "2.3"
    ),
    Row(
        RF,
        "spec.sentinel.serviceAnnotations",
        Outcome.LIVE,
        "put on the Service rfs-NAME in the next pass; no pod restarts",
        "1.1",
    ),
    *(Row(RF, f"spec.sentinel.{field}", *_SENTINELS) for field in (*_OF_PODS, "command", "configCopy")),
    # --- what stands beside the RedisFailover
    Row(
        "ConfigMap",
        'data."shutdown.sh"',
        Outcome.LIVE,
        "no pod restarts: the kubelet puts the new script into the pods within a minute or so, and the next stop "
        "of a pod runs it",
        "2.4",
    ),
    Row(
        "ConfigMap",
        'data."startup.sh"',
        Outcome.LIVE,
        "no pod restarts: the next start of a pod runs the new script",
        "T36",
    ),
    Row(
        "ConfigMap",
        "data.*",
        Outcome.DEFERRED,
        "applications that read it as environment see it when they restart",
        when=lambda change: change.path[1].startswith("REDIS_"),
    ),
    Row(
        "Secret",
        "*",
        *_PASSWORD,
        when=lambda change: conditions.is_password(change) and change.path[0] in ("data", "stringData"),
    ),
    Row("Service", "spec.clusterIP", *_IMMUTABLE),
    Row("Service", "spec", Outcome.LIVE, "takes effect at once; clients have to use the Service as it is now", "T7"),
    # --- the operator
    Row("Deployment", "spec.selector", *_IMMUTABLE),
    Row(
        "Deployment",
        "spec.replicas",
        Outcome.LIVE,
        "operator pods come or go; one leads",
        "5",
        when=conditions.of_operator,
    ),
    Row(
        "Deployment",
        "spec.template",
        Outcome.OPERATOR,
        "the operator restarts; Redis and Sentinel run on, and are not looked after for some 20 s",
        "2.7",
        when=conditions.of_operator,
    ),
    Row(
        "Deployment",
        "spec",
        Outcome.LIVE,
        "changes how the operator is rolled out, nothing else",
        when=conditions.of_operator,
    ),
    Row("RoleBinding|ClusterRoleBinding", "roleRef", *_IMMUTABLE),
    Row("Role|ClusterRole", "rules", *_RIGHTS),
    Row("RoleBinding|ClusterRoleBinding", "subjects", *_RIGHTS),
    Row(
        "CustomResourceDefinition",
        "spec",
        Outcome.LIVE,
        "no pod restarts; fields that it no longer knows are dropped at the next write",
        "T38",
    ),
    Row(
        "Namespace",
        "metadata.labels",
        Outcome.DEFERRED,
        "running pods stay; pods that start later must pass what the labels demand",
        "T35",
        when=lambda change: change.path[2:3] != () and change.path[2].startswith("pod-security."),
    ),
    Row(
        "NetworkPolicy",
        "spec",
        Outcome.LIVE,
        "takes effect at once; operator, Redis and Sentinel need 6379 and 26379 open",
        "T42",
    ),
    Row(PROMETHEUS, "spec", Outcome.LIVE, "changes what Prometheus reads, nothing else"),
    *(
        Row("StatefulSet", f"spec.{field}", *_IMMUTABLE)
        for field in ("selector", "serviceName", "volumeClaimTemplates")
    ),
    *(
        Row(
            f"Deployment|Service|ServiceAccount|ConfigMap|Secret|NetworkPolicy|CustomResourceDefinition|StatefulSet|Namespace|{RBAC}"
            f"|{PROMETHEUS}",
            f"metadata.{field}",
            Outcome.LIVE,
            "changes the object only; no pod restarts",
        )
        for field in ("labels", "annotations")
    ),
)

# The least outcome that makes `diff --fail-on` fail; what redisgen cannot judge may be a restart.
GATES = {"any": Outcome.NONE, "restart": Outcome.UNKNOWN, "data-loss": Outcome.DATA_LOSS}
