"""What a change of a manifest does to the running system under operator v1.2.4: one table, for `diff` and `explain`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from redisgen.amounts import quantity, size

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING", "__bool__": lambda _: False})()


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


class Identity(NamedTuple):
    """What tells one manifest from another."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        text = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
        return text if text.isprintable() else json.dumps(text)


class Change(NamedTuple):
    """One field that differs, or with an empty path a whole document; MISSING stands for what is not there.

    A step `[name]` of the path is the item of that name: a container, a directive of customConfig, an option.
    `before` and `after` are the whole documents, `passwords` the (namespace, name) of Secrets that clusters use.
    """

    identity: Identity
    path: tuple[str, ...]
    old: Any
    new: Any
    before: Any = MISSING
    after: Any = MISSING
    passwords: frozenset[tuple[str, str]] = frozenset()


class Effect(NamedTuple):
    """What a change does: the outcome, one sentence, and the fact (`T5`, or a section) that it stands on."""

    outcome: Outcome
    sentence: str
    fact: str | None = None


class Row(NamedTuple):
    """One line of the table: changes at `path` or below it, in documents of these kinds, when the condition holds.

    `*` in the path is any one step; a key with a dot in it stands in double quotes.
    """

    kinds: str
    path: str
    effect: Effect
    when: Callable[[Change], bool] | None = None

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
        return found._replace(**(_LOST if not _has_claim(change.before) else _ALONE))
    return found


def at(document: Any, *path: str) -> Any:
    """Return what stands at a path of a document, or MISSING; no surprise of a manifest makes it fail."""
    for step in path:
        document = document.get(step, MISSING) if isinstance(document, dict) else MISSING
    return MISSING if document is None else document


def replicas(document: Any, component: str = "redis") -> int:
    """Return how many pods the operator runs: 3 where the manifest says nothing, or no more than 0 (1.1, T20)."""
    number = at(document, "spec", component, "replicas")
    return number if isinstance(number, int) and number > 0 else 3


def options(command: Any) -> tuple[list[str], dict[str, str]]:
    """Split a command into what stands before its options, and each `--name` with the text behind it."""
    words = [str(word) for word in command] if isinstance(command, list) else []
    first = next((index for index, word in enumerate(words) if word.startswith("--")), len(words))
    given: dict[str, list[list[str]]] = {}
    for word in words[first:]:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            current = [value] if equals else []
            given.setdefault(name, []).append(current)
        else:
            current.append(word or '""')
    return words[:first], {name: "; ".join(" ".join(one) for one in each) for name, each in given.items()}


def directives(lines: Any) -> dict[str, str]:
    """Return customConfig as directive name to value; of a repeated one, all values."""
    given: dict[str, list[str]] = {}
    for line in lines if isinstance(lines, list) else []:
        name, _, value = str(line).partition(" ")
        given.setdefault(name, []).append(value)
    return {name: "; ".join(dict.fromkeys(values)) for name, values in given.items()}


def _added(change: Change) -> bool:
    return change.old is MISSING


def _removed(change: Change) -> bool:
    return change.new is MISSING


def _whole_added(change: Change) -> bool:
    return not change.path and _added(change)


def _whole_removed(change: Change) -> bool:
    return not change.path and _removed(change)


def _has_claim(document: Any) -> bool:
    return bool(at(document, "spec", "redis", "storage", "persistentVolumeClaim"))


def _loses_claims(change: Change) -> bool:
    return _whole_removed(change) and not (
        _has_claim(change.old) and at(change.old, "spec", "redis", "storage", "keepAfterDeletion") is True
    )


def _option(document: Any, name: str) -> str:
    return options(at(document, "spec", "redis", "command"))[1].get(f"--{name}", "")


def _live_setting(document: Any, name: str) -> str:
    return directives(at(document, "spec", "redis", "customConfig")).get(name, "")


def _aof_switched_on(change: Change) -> bool:
    # An AOF that was on at run time first is on the volumes by now.
    was_on = "yes" in (_option(change.before, "appendonly"), _live_setting(change.before, "appendonly"))
    return _option(change.after, "appendonly") == "yes" and not was_on


def _aof_switched_off(change: Change) -> bool:
    return _option(change.before, "appendonly") == "yes" and _option(change.after, "appendonly") != "yes"


def _aof_on_too_late(change: Change) -> bool:
    return change.new == "yes" and _option(change.after, "appendonly") != "yes"


def _less_memory(change: Change) -> bool:
    new = size(str(change.new))
    return new > 0 and not 0 < size(str(change.old)) <= new


def _fewer_databases(change: Change) -> bool:
    old, new = (int(value) if str(value).isdecimal() else 16 for value in (change.old, change.new))
    return new < old


def _older_image(change: Change) -> bool:
    old, new = _version(change.old), _version(change.new)
    return bool(old and new and new < old)


def _version(image: Any) -> tuple[int, int] | None:
    match = re.search(r":v?(\d{1,4})\.(\d{1,4})", str(image).rpartition("/")[2])
    return (int(match[1]), int(match[2])) if match else None


def _more_redis_than_sentinels(change: Change) -> bool:
    return replicas(change.after) > replicas(change.after, "sentinel")


def _fewer(change: Change) -> bool:
    component = change.path[1]
    return replicas(change.after, component) < replicas(change.before, component)


def _same_number(change: Change) -> bool:
    component = change.path[1]
    return replicas(change.after, component) == replicas(change.before, component)


def _claim_gone(change: Change) -> bool:
    return _has_claim(change.before) and not _has_claim(change.after)


def _claim_new(change: Change) -> bool:
    return _has_claim(change.after) and not _has_claim(change.before)


def _claims_ignore_empty_dir(change: Change) -> bool:
    return _has_claim(change.after)


def _smaller(change: Change) -> bool:
    old, new = quantity(str(change.old)), quantity(str(change.new))
    return old is not None and new is not None and new < old


def _refused_live(change: Change) -> bool:
    from redisgen.directives import is_live

    image = str(at(change.after, "spec", "redis", "image"))
    return not _removed(change) and not is_live(change.path[3][1:-1], _version(image))


def _copied_labels(document: Any) -> dict[str, Any] | None:
    """Return the labels that the operator copies to pods (1.2), or None when a pattern is more than redisgen reads."""
    labels = at(document, "metadata", "labels") or {}
    patterns = at(document, "spec", "labelWhitelist") or []
    if not patterns:
        return dict(labels)
    copied: dict[str, Any] = {}
    for pattern in map(str, patterns):
        # Go reads any expression in linear time, Python does not: only plain words are tried.
        plain = re.fullmatch(r"\^?([\w/.-]*)\$?", pattern)
        if plain is None:
            return None
        copied |= {key: value for key, value in labels.items() if re.search(pattern, str(key))}
    return copied


def _labels_stay(change: Change) -> bool:
    old, new = _copied_labels(change.before), _copied_labels(change.after)
    return old is not None and old == new


def _exporter_stays_off(change: Change) -> bool:
    sides = (change.before, change.after)
    return not any(at(document, "spec", change.path[1], "exporter", "enabled") is True for document in sides)


def _of_operator(change: Change) -> bool:
    for document in (change.before, change.after, change.old, change.new):
        containers = at(document, "spec", "template", "spec", "containers")
        for container in containers if isinstance(containers, list) else []:
            if "redis-operator" in str(at(container, "image")):
                return True
    return False


def _operator_removed(change: Change) -> bool:
    return _whole_removed(change) and _of_operator(change)


def _is_password(change: Change) -> bool:
    return (change.identity.namespace, change.identity.name) in change.passwords


def _to_redis(change: Change) -> bool:
    return any(
        str(key).startswith("redisfailovers") or at(document, "spec", "selector", "app.kubernetes.io/part-of")
        for document in (change.before, change.after, change.old, change.new)
        for key in at(document, "spec", "selector") or {}
    )


def _redis_service_removed(change: Change) -> bool:
    return _whole_removed(change) and _to_redis(change)


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
_ALONE: dict[str, Any] = {
    "outcome": Outcome.OUTAGE,
    "sentence": "the only Redis pod restarts: no failover, and no Redis until it is back and the operator promotes it",
    "fact": "T13",
}
_LOST: dict[str, Any] = {
    "outcome": Outcome.DATA_LOSS,
    "sentence": "the only Redis pod restarts, and its data goes with it: it has no volume claim",
    "fact": "T25",
}
_SENTINELS = Effect(
    Outcome.SENTINELS,
    "the Sentinel pods are replaced at once, a quarter at a time; Redis goes on, and a master that dies meanwhile may "
    "wait for a quorum",
    "1.3",
)
_CREATED = Effect(Outcome.CREATED, "is created")
_AT_ONCE = Effect(Outcome.LIVE, "takes effect at once; no pod restarts")
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

# First match wins: the narrow stands before the wide. What the rows say of Redis pods is put right for clusters of one
# pod in `effect`.
TABLE: tuple[Row, ...] = (
    # --- whole documents; a tool that does not prune leaves what is removed from the files where it is
    Row(RF, "", Effect(Outcome.CREATED, "a new cluster is created"), _whole_added),
    Row(
        RF,
        "",
        Effect(Outcome.DATA_LOSS, "deletes the cluster with its data: its volumes do not outlive it", "T22"),
        _loses_claims,
    ),
    Row(
        RF,
        "",
        Effect(Outcome.OUTAGE, "deletes the cluster; its volume claims stay (keepAfterDeletion)", "T22"),
        _whole_removed,
    ),
    Row(
        "CustomResourceDefinition",
        "",
        Effect(Outcome.DATA_LOSS, "deletes every object of this kind: for RedisFailovers, every cluster", "T22"),
        _whole_removed,
    ),
    Row("Namespace", "", Effect(Outcome.DATA_LOSS, "deletes the namespace with all that lives in it"), _whole_removed),
    Row(
        "Deployment",
        "",
        Effect(
            Outcome.LOCKED_OUT,
            "removes the operator: Redis goes on, but no pod that restarts joins its cluster again",
            "2.8",
        ),
        _operator_removed,
    ),
    Row(
        "Service", "", Effect(Outcome.OUTAGE, "clients that use this Service lose Redis", "T7"), _redis_service_removed
    ),
    Row(RBAC, "", _RIGHTS, _whole_removed),
    Row(
        "ServiceAccount",
        "",
        Effect(Outcome.LOCKED_OUT, "an operator that runs as it loses its rights at once", "4"),
        _whole_removed,
    ),
    Row(
        "Secret",
        "",
        Effect(Outcome.LOCKED_OUT, "the operator finds no password: every pass fails", "3"),
        lambda change: _whole_removed(change) and _is_password(change),
    ),
    Row(
        "Deployment|Service|ServiceAccount|ConfigMap|Namespace|NetworkPolicy|CustomResourceDefinition|Secret"
        f"|{RBAC}|{PROMETHEUS}",
        "",
        _CREATED,
        _whole_added,
    ),
    Row(
        "ConfigMap",
        "",
        Effect(Outcome.DEFERRED, "pods that mount or read it run on, but cannot start without it", "T37"),
        _whole_removed,
    ),
    Row(
        f"NetworkPolicy|Service|{PROMETHEUS}",
        "",
        Effect(Outcome.LIVE, "is gone at once; no pod restarts"),
        _whole_removed,
    ),
    # --- RedisFailover: the object
    Row(RF, "metadata.name", RENAMED),
    Row(RF, "metadata.namespace", RENAMED),
    Row(
        RF,
        "metadata.labels",
        Effect(Outcome.LIVE, "labels the RedisFailover only: labelWhitelist keeps the label off the pods", "T27"),
        _labels_stay,
    ),
    Row(
        RF,
        "metadata.labels",
        _ROLL._replace(
            sentence="the label is copied into the pods: all Redis and Sentinel pods restart, with one failover; "
            'labelWhitelist ["^$"] would keep it off them',
            fact="T27",
        ),
    ),
    Row(RF, "metadata.annotations", Effect(Outcome.LIVE, "copied to the StatefulSet, not to its pods", "1.2")),
    Row(
        RF,
        "spec.labelWhitelist",
        Effect(Outcome.NONE, "the same labels are copied to the pods as before", "1.2"),
        _labels_stay,
    ),
    Row(
        RF,
        "spec.labelWhitelist",
        _ROLL._replace(
            sentence="other labels are copied into the pods: all Redis and Sentinel pods restart, with one failover",
            fact="T27",
        ),
    ),
    Row(
        RF,
        "spec.auth",
        _PASSWORD,
    ),
    Row(
        RF,
        "spec.bootstrapNode.allowSentinels",
        Effect(Outcome.LIVE, "Sentinels are created in the next pass; existing ones are never removed", "1.4"),
    ),
    Row(
        RF,
        "spec.bootstrapNode",
        Effect(Outcome.LIVE, "the operator elects a master; pods made meanwhile cannot hand over when stopped", "T44"),
        lambda change: not at(change.after, "spec", "bootstrapNode"),
    ),
    Row(
        RF,
        "spec.bootstrapNode",
        Effect(Outcome.DATA_LOSS, "all pods become replicas of the outside master and drop what they hold", "2.2"),
    ),
    # --- RedisFailover: Redis
    Row(
        RF,
        "spec.redis.replicas",
        Effect(Outcome.NONE, "the same number of pods as before: without a number, or with 0, it is 3", "T20"),
        _same_number,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Effect(
            Outcome.LOCKED_OUT,
            "with more Redis than Sentinel pods the operator heals nothing and elects no master",
            "T1",
        ),
        _more_redis_than_sentinels,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Effect(
            Outcome.RESTART,
            "the pods with the highest numbers stop, with one failover if the master is among them; their claims stay",
            "T43",
        ),
        _fewer,
    ),
    Row(
        RF,
        "spec.redis.replicas",
        Effect(Outcome.LIVE, "pods are added and copy the data from the master; Sentinels are reset", "T43"),
    ),
    Row(
        RF,
        "spec.redis.port",
        Effect(
            Outcome.LOCKED_OUT,
            "the operator looks for the running pods at the new port and sees no master, so it does not restart them; "
            "delete all Redis pods, and tell the clients",
            "2.4",
        ),
    ),
    Row(
        RF,
        "spec.redis.image",
        _ROLL._replace(
            outcome=Outcome.DATA_LOSS,
            sentence="the Redis pods restart one by one with an older Redis, which may not read the files of a newer "
            "one, nor copy from it",
        ),
        _older_image,
    ),
    Row(
        RF,
        "spec.redis.command[--appendonly]",
        Effect(
            Outcome.DATA_LOSS,
            "a pod that starts with the append-only file on, and only a dump.rdb on its volume, starts empty: whatever "
            "no other pod holds is lost; CONFIG SET appendonly yes on all pods first, wait for the rewrite, then "
            "change the command",
            "T4b",
        ),
        _aof_switched_on,
    ),
    Row(RF, "spec.redis.command[--appendonly]", _SNAPSHOTS_ONLY, _aof_switched_off),
    Row(
        RF,
        "spec.redis.command[--maxmemory]",
        _ROLL._replace(
            sentence="the Redis pods restart one by one with one failover; the new master then evicts keys, or refuses "
            "writes under noeviction, until its data fits",
        ),
        _less_memory,
    ),
    Row(
        RF,
        "spec.redis.command[--databases]",
        _ROLL._replace(
            outcome=Outcome.DATA_LOSS,
            sentence="a pod does not start again while its data, or that of the master, has keys in a database that is "
            "no longer there",
            fact=None,
        ),
        _fewer_databases,
    ),
    Row(RF, "spec.redis.command", _ROLL),
    Row(
        RF,
        "spec.redis.customConfig[appendonly]",
        Effect(
            Outcome.DATA_LOSS,
            "Redis starts without the append-only file and then overwrites it; put --appendonly yes into command, "
            "minding T4b",
            "T4",
        ),
        _aof_on_too_late,
    ),
    *(
        Row(
            RF,
            f"spec.redis.customConfig[{name}]",
            Effect(Outcome.LOCKED_OUT, "applied live, and the operator no longer reaches the pods", "2.3"),
        )
        for name in ("port", "bind", "requirepass", "masterauth", "replica-announce-ip")
    ),
    Row(
        RF,
        "spec.redis.customConfig[*]",
        Effect(Outcome.DEFERRED, "the running pods keep the setting; it is gone when they restart", "2.3"),
        _removed,
    ),
    Row(
        RF,
        "spec.redis.customConfig[*]",
        Effect(Outcome.LOCKED_OUT, "Redis refuses the directive at run time: every healing pass stops there", "T3"),
        _refused_live,
    ),
    Row(
        RF,
        "spec.redis.customConfig[maxmemory]",
        Effect(
            Outcome.LIVE,
            "set live on every pod by CONFIG SET within 30 s; what does not fit is evicted, or writes are refused "
            "under noeviction",
            "2.3",
        ),
        _less_memory,
    ),
    Row(RF, "spec.redis.customConfig", Effect(Outcome.LIVE, "set live on every pod by CONFIG SET within 30 s", "2.3")),
    Row(
        RF,
        "spec.redis.customCommandRenames",
        Effect(
            Outcome.DEFERRED,
            "written to redis.conf only: each pod takes it at its next restart, until then pods differ; a command that "
            "the operator, Sentinel or the probes use must keep its name (T33)",
            "2.4",
        ),
    ),
    Row(
        RF,
        "spec.redis.storage",
        Effect(
            Outcome.DATA_LOSS,
            "each pod restarts on an empty volume that goes with it, one after the other; if the claim is called "
            "redis-data the change is ignored as long as the StatefulSet lives",
            "T24",
        ),
        _claim_gone,
    ),
    Row(
        RF,
        "spec.redis.storage",
        Effect(
            Outcome.REFUSED,
            "the StatefulSet rejects a claim it was not made with, in every pass; the data must move to a new cluster",
            "T24",
        ),
        _claim_new,
    ),
    Row(
        RF,
        "spec.redis.storage.keepAfterDeletion",
        Effect(Outcome.IGNORED, "existing claims keep what they were made with", "T22"),
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
        Effect(Outcome.REFUSED, "a claim cannot shrink: the operator tries again in every pass, for ever", "T23"),
        _smaller,
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.spec.resources.requests.storage",
        Effect(Outcome.LIVE, "the operator grows every claim, if its StorageClass allows it", "T23"),
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim.metadata.name",
        Effect(Outcome.REFUSED, "the StatefulSet rejects a volume it has no claim for, in every pass", "T24"),
    ),
    Row(
        RF,
        "spec.redis.storage.persistentVolumeClaim",
        Effect(Outcome.IGNORED, "silently ignored: of a claim only the size can change", "T23"),
    ),
    Row(
        RF,
        "spec.redis.storage.emptyDir",
        Effect(Outcome.IGNORED, "silently ignored: the volume claim wins", "T25"),
        _claims_ignore_empty_dir,
    ),
    Row(
        RF,
        "spec.redis.serviceAnnotations",
        Effect(Outcome.LIVE, "put on the Service rfr-NAME in the next pass; no pod restarts", "1.1"),
    ),
    Row(
        RF,
        "spec.redis.exporter",
        Effect(Outcome.NONE, "the exporter is off before and after", "1.3"),
        _exporter_stays_off,
    ),
    Row(
        RF,
        "spec.sentinel.exporter",
        Effect(Outcome.NONE, "the exporter is off before and after", "1.3"),
        _exporter_stays_off,
    ),
    Row(
        RF,
        "spec.redis.exporter.enabled",
        _ROLL._replace(
            sentence="the Redis pods restart one by one with one failover, and the Service rfr-NAME with the DNS names "
            "of the pods comes or goes",
            fact="T28",
        ),
    ),
    Row(
        RF,
        "spec.redis.shutdownConfigMap",
        _ROLL._replace(
            sentence="the Redis pods restart one by one with one failover, each still stopping by the old script; the "
            "ConfigMap must exist first",
            fact="T37",
        ),
    ),
    *(
        Row(RF, f"spec.redis.{field}", _ROLL)
        for field in (
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
            "storage.emptyDir",
            "terminationGracePeriod",
            "tolerations",
            "topologySpreadConstraints",
        )
    ),
    # --- RedisFailover: Sentinel
    Row(
        RF,
        "spec.sentinel.replicas",
        Effect(Outcome.NONE, "the same number of pods as before: without a number, or with 0, it is 3", "T20"),
        _same_number,
    ),
    Row(
        RF,
        "spec.sentinel.replicas",
        Effect(
            Outcome.LOCKED_OUT,
            "with fewer Sentinel than Redis pods the operator heals nothing and elects no master",
            "T1",
        ),
        _more_redis_than_sentinels,
    ),
    Row(
        RF,
        "spec.sentinel.replicas",
        Effect(Outcome.LIVE, "Sentinels come or go, the quorum follows, and all Sentinels are reset", "T43"),
    ),
    Row(
        RF,
        "spec.sentinel.customConfig[*]",
        Effect(
            Outcome.DEFERRED,
            "Sentinels keep the setting until they watch another master; then Sentinel's own 30 s, 180 s and 1 hold",
            "T5",
        ),
        _removed,
    ),
    Row(
        RF,
        "spec.sentinel.customConfig",
        Effect(Outcome.LIVE, "set live on every Sentinel by SENTINEL SET within 30 s", "2.3"),
    ),
    Row(
        RF,
        "spec.sentinel.serviceAnnotations",
        Effect(Outcome.LIVE, "put on the Service rfs-NAME in the next pass; no pod restarts", "1.1"),
    ),
    *(
        Row(RF, f"spec.sentinel.{field}", _SENTINELS)
        for field in (
            "affinity",
            "command",
            "configCopy",
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
    ),
    # --- what stands beside the RedisFailover
    Row(
        "ConfigMap",
        'data."shutdown.sh"',
        Effect(
            Outcome.LIVE,
            "no pod restarts: the kubelet puts the new script into the pods within a minute or so, and the next stop "
            "of a pod runs it",
            "2.4",
        ),
    ),
    Row(
        "ConfigMap",
        'data."startup.sh"',
        Effect(Outcome.LIVE, "no pod restarts: the next start of a pod runs the new script", "T36"),
    ),
    Row(
        "ConfigMap",
        "data.*",
        Effect(Outcome.DEFERRED, "applications that read it as environment see it when they restart"),
        lambda change: change.path[1].startswith("REDIS_"),
    ),
    Row(
        "Secret",
        "*",
        _PASSWORD,
        lambda change: _is_password(change) and change.path[0] in ("data", "stringData"),
    ),
    Row("Service", "spec.clusterIP", _IMMUTABLE),
    Row(
        "Service",
        "spec",
        Effect(Outcome.LIVE, "takes effect at once; clients have to use the Service as it is now", "T7"),
    ),
    # --- the operator
    Row("Deployment", "spec.selector", _IMMUTABLE),
    Row("Deployment", "spec.replicas", Effect(Outcome.LIVE, "operator pods come or go; one leads", "5"), _of_operator),
    Row(
        "Deployment",
        "spec.template",
        Effect(
            Outcome.OPERATOR,
            "the operator restarts; Redis and Sentinel run on, and are not looked after for some 20 s",
            "2.7",
        ),
        _of_operator,
    ),
    Row(
        "Deployment", "spec", Effect(Outcome.LIVE, "changes how the operator is rolled out, nothing else"), _of_operator
    ),
    Row("RoleBinding|ClusterRoleBinding", "roleRef", _IMMUTABLE),
    Row("Role|ClusterRole", "rules", _RIGHTS),
    Row("RoleBinding|ClusterRoleBinding", "subjects", _RIGHTS),
    Row(
        "CustomResourceDefinition",
        "spec",
        Effect(Outcome.LIVE, "no pod restarts; fields that it no longer knows are dropped at the next write", "T38"),
    ),
    Row(
        "Namespace",
        "metadata.labels",
        Effect(Outcome.DEFERRED, "running pods stay; pods that start later must pass what the labels demand", "T35"),
        lambda change: change.path[2:3] != () and change.path[2].startswith("pod-security."),
    ),
    Row(
        "NetworkPolicy",
        "spec",
        Effect(Outcome.LIVE, "takes effect at once; operator, Redis and Sentinel need 6379 and 26379 open", "T42"),
    ),
    Row(PROMETHEUS, "spec", Effect(Outcome.LIVE, "changes what Prometheus reads, nothing else")),
    *(Row("StatefulSet", f"spec.{field}", _IMMUTABLE) for field in ("selector", "serviceName", "volumeClaimTemplates")),
    *(
        Row(
            f"Deployment|Service|ServiceAccount|ConfigMap|Secret|NetworkPolicy|CustomResourceDefinition|StatefulSet|Namespace|{RBAC}"
            f"|{PROMETHEUS}",
            f"metadata.{field}",
            Effect(Outcome.LIVE, "changes the object only; no pod restarts"),
        )
        for field in ("labels", "annotations")
    ),
)

# The least outcome that makes `diff --fail-on` fail; what redisgen cannot judge may be a restart.
GATES = {
    "any": Outcome.NONE,
    "restart": Outcome.UNKNOWN,
    "data-loss": Outcome.DATA_LOSS,
}
