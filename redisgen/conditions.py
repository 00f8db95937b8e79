"""What can be asked of a change: the conditions of the table of effects."""

from __future__ import annotations

import re
from typing import Any

from redisgen.amounts import quantity, size
from redisgen.change import MISSING, Change, at, directives, has_claim, options, replicas


def removed(change: Change) -> bool:
    """Whether nothing stands there any more."""
    return change.new is MISSING


def whole_added(change: Change) -> bool:
    """Whether the document is new."""
    return not change.path and _added(change)


def whole_removed(change: Change) -> bool:
    """Whether the document is gone."""
    return not change.path and removed(change)


def loses_claims(change: Change) -> bool:
    """Whether the cluster goes, and its claims with it (T22)."""
    return whole_removed(change) and not (
        has_claim(change.old) and at(change.old, "spec", "redis", "storage", "keepAfterDeletion") is True
    )


def aof_switched_on(change: Change) -> bool:
    """Whether Redis will start with an append-only file that it did not have (T4b)."""
    # An AOF that was on at run time first is on the volumes by now.
    was_on = "yes" in (_option(change.before, "appendonly"), _live_setting(change.before, "appendonly"))
    return _option(change.after, "appendonly") == "yes" and not was_on


def aof_switched_off(change: Change) -> bool:
    """Whether Redis will start without the append-only file that it had."""
    return _option(change.before, "appendonly") == "yes" and _option(change.after, "appendonly") != "yes"


def aof_on_too_late(change: Change) -> bool:
    """Whether the append-only file is switched on only after Redis has started (T4)."""
    return change.new == "yes" and _option(change.after, "appendonly") != "yes"


def less_memory(change: Change) -> bool:
    """Whether maxmemory gets smaller, 0 being no bound."""
    new = size(str(change.new))
    return new > 0 and not 0 < size(str(change.old)) <= new


def fewer_databases(change: Change) -> bool:
    """Whether there are fewer databases, of 16 where nothing is said."""
    old, new = (int(value) if str(value).isdecimal() else 16 for value in (change.old, change.new))
    return new < old


def older_image(change: Change) -> bool:
    """Whether the tag of the image names an older Redis."""
    old, new = _version(change.old), _version(change.new)
    return bool(old and new and new < old)


def more_redis_than_sentinels(change: Change) -> bool:
    """Whether there will be more Redis than Sentinel pods (T1)."""
    return replicas(change.after) > replicas(change.after, "sentinel")


def fewer(change: Change) -> bool:
    """Whether there will be fewer pods."""
    component = change.path[1]
    return replicas(change.after, component) < replicas(change.before, component)


def same_number(change: Change) -> bool:
    """Whether the number of pods stays (T20)."""
    component = change.path[1]
    return replicas(change.after, component) == replicas(change.before, component)


def claim_gone(change: Change) -> bool:
    """Whether the pods lose their claims."""
    return has_claim(change.before) and not has_claim(change.after)


def claim_new(change: Change) -> bool:
    """Whether the pods get claims that they did not have."""
    return has_claim(change.after) and not has_claim(change.before)


def claims_ignore_empty_dir(change: Change) -> bool:
    """Whether there is a claim, which wins over an emptyDir (T25)."""
    return has_claim(change.after)


def smaller(change: Change) -> bool:
    """Whether a quantity gets smaller."""
    old, new = quantity(str(change.old)), quantity(str(change.new))
    return old is not None and new is not None and new < old


def refused_live(change: Change) -> bool:
    """Whether Redis, of the version of the image, refuses the directive at run time (T3)."""
    from redisgen.directives import is_live

    image = str(at(change.after, "spec", "redis", "image"))
    return not removed(change) and not is_live(change.path[3][1:-1], _version(image))


def labels_stay(change: Change) -> bool:
    """Whether the pods keep their labels."""
    old, new = _copied_labels(change.before), _copied_labels(change.after)
    return old is not None and old == new


def exporter_stays_off(change: Change) -> bool:
    """Whether the exporter is off before and after."""
    sides = (change.before, change.after)
    return not any(at(document, "spec", change.path[1], "exporter", "enabled") is True for document in sides)


def of_operator(change: Change) -> bool:
    """Whether a Deployment is that of the operator."""
    for document in (change.before, change.after, change.old, change.new):
        containers = at(document, "spec", "template", "spec", "containers")
        for container in containers if isinstance(containers, list) else []:
            if "redis-operator" in str(at(container, "image")):
                return True
    return False


def operator_removed(change: Change) -> bool:
    """Whether the Deployment of the operator is gone."""
    return whole_removed(change) and of_operator(change)


def is_password(change: Change) -> bool:
    """Whether a Secret is one that a cluster takes its password from."""
    return (change.identity.namespace, change.identity.name) in change.passwords


def redis_service_removed(change: Change) -> bool:
    """Whether a Service is gone that led to Redis."""
    return whole_removed(change) and _to_redis(change)


def _added(change: Change) -> bool:
    return change.old is MISSING


def _option(document: Any, name: str) -> str:
    return options(at(document, "spec", "redis", "command"))[1].get(f"--{name}", "")


def _live_setting(document: Any, name: str) -> str:
    return directives(at(document, "spec", "redis", "customConfig")).get(name, "")


def _version(image: Any) -> tuple[int, int] | None:
    match = re.search(r":v?(\d{1,4})\.(\d{1,4})", str(image).rpartition("/")[2])
    return (int(match[1]), int(match[2])) if match else None


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


def _to_redis(change: Change) -> bool:
    return any(
        str(key).startswith("redisfailovers") or at(document, "spec", "selector", "app.kubernetes.io/part-of")
        for document in (change.before, change.after, change.old, change.new)
        for key in at(document, "spec", "selector") or {}
    )
