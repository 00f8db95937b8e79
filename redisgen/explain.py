"""What a key of the values means, becomes in the manifests and costs to change; what a rule guards against."""

from __future__ import annotations

import json
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from redisgen.change import Change
from redisgen.effects import NEW_CLUSTER, Effect, Outcome
from redisgen.schema import KINDS, resolve, schema

Judgement = tuple[str, Change, Effect]

# Another value of a key than its default, where enum, examples or type do not give one that fits the other defaults.
SAMPLES: dict[str, Any] = {
    "name": "orders",
    "namespace": "shop",
    "operator.namespace": "operators",
    "operator.resources.requests.memory": "128Mi",
    "sentinel.resources.requests.cpu": "100m",
    "exporter.resources.requests.cpu": "50m",
    "operator.image": "quay.io/spotahome/redis-operator:v1.2.3",
    "redis.image": "redis:7.4.1-alpine",
    "redis.port": 6380,
    "redis.maxmemory": "640mb",
    "redis.persistence.aof": "no",
    "redis.persistence.rdb": ["3600 1"],
    "redis.persistence.storage": "ephemeral",
    "redis.persistence.storage.size": "10Gi",
    "redis.config": {"notify-keyspace-events": "Ex", "databases": 32},
    "redis.replicas": 5,
    "redis.resources.limits.memory": "2Gi",
    "redis.priorityClassName": "stateful",
    "sentinel.replicas": 5,
    "sentinel.image": "redis:7.4.1-alpine",
    "sentinel.resources.requests.memory": "64Mi",
    "sentinel.resources.limits.memory": "256Mi",
    "sentinel.priorityClassName": "stateful",
    "auth.secretName": "redis-auth",
    "exporter.image": "oliver006/redis_exporter:v1.67.0-alpine",
    "exporter.resources.requests.memory": "64Mi",
    "exporter.resources.limits.memory": "256Mi",
    "connection.masterService": "orders-master",
    "connection.configMap": "orders-connection",
    "connection.clusterDomain": "k8s.example.com",
    "overrides": {"redis": {"podAnnotations": {"example.com/team": "shop"}}},
}
# What else must be so that the sample can be.
BESIDE = {"redis.replicas": {"sentinel": {"replicas": 5}}}
# Keys that stand for others, or say something to redisgen alone.
NO_MANIFEST = {
    "clusters": "Each item takes every key but operator and clusters; the keys above it are shared. Adding one creates "
    "a cluster; removing one deletes it, with its data unless keepAfterDeletion is true (T22).",
    "waive": "Changes no manifest.",
}


class Unknown(Exception):  # noqa: N818  # it says what is the matter
    """There is no such key or rule; the message guesses."""


def explain(name: str) -> str:
    """Return all that there is to say about a key of the values (`redis.maxmemory`) or a rule (`RG005`), as text.

    Raises Unknown with a guess.
    """
    rule = _rules().get(name.upper())
    if rule is not None:
        return _of_rule(rule)
    keys = dict(keys_of(schema()))
    if name not in keys:
        raise Unknown(f"unknown key or rule '{name[:80]}'{_guess(name, keys)}")
    return "\n".join(_of_key(name, keys)) + "\n"


def keys_of(node: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every key of the values, sections too, with its node of the schema."""
    for key, raw in node.get("properties", {}).items():
        child = resolve(raw)
        yield f"{prefix}{key}", child
        for section in [child, *map(resolve, child.get("anyOf", []))]:
            yield from keys_of(section, f"{prefix}{key}.")


def sample(key: str, node: dict[str, Any]) -> Any:
    """Return a value for the key that is not its default, to see what it becomes."""
    if key in SAMPLES:
        return SAMPLES[key]
    default = node.get("default")
    if isinstance(default, bool):
        return not default
    if isinstance(default, int):
        return default + 1
    others = [value for value in [*node.get("enum", []), *node.get("examples", [])] if value != default]
    return others[0]


def changes_of(key: str, node: dict[str, Any]) -> tuple[list[Judgement], list[Judgement]]:
    """Return what setting a key to its sample, and back, changes: (file, change, effect) each, found by rendering."""
    default, other = _texts({}, key), _texts(_nested(key, sample(key, node)), key)
    return _judged(default, other), _judged(other, default)


def _of_key(key: str, keys: dict[str, dict[str, Any]]) -> Iterator[str]:
    node = keys[key]
    yield f"{key}: {node['description']}"
    yield ""
    below = [name for name in keys if name.startswith(f"{key}.")]
    if "default" in node or not below:
        yield f"  type      {_type(node)}"
    elif "anyOf" in node:
        yield f"  type      {_type(node)}, or a mapping of the keys below"
    else:
        yield "  type      a mapping of the keys below"
    if "default" in node:
        yield f"  default   {_yaml(node['default'])}"
    if allowed := _allowed(node):
        yield f"  allowed   {allowed}"
    for example in node.get("examples", []):
        yield f"  example   {_yaml(example)}"
    if below:
        yield ""
        width = max(map(len, below))
        yield from (f"  {name:{width}}  {keys[name]['description']}" for name in below)
    if "default" in node or key in SAMPLES:
        yield from _cost(key, node)


def _cost(key: str, node: dict[str, Any]) -> Iterator[str]:
    yield ""
    if key in NO_MANIFEST:
        yield NO_MANIFEST[key]
        return
    forth, back = changes_of(key, node)
    default, other = (_yaml(value) for value in (node.get("default", "a volume claim"), sample(key, node)))
    yield f"In the manifests ({other} instead of {default} changes):"
    yield from dict.fromkeys(f"  {file}: {_where(change)}" for file, change, effect in forth if effect != NEW_CLUSTER)
    yield ""
    yield "On a running system:"
    there, and_back = (list(_effects(judged)) for judged in (forth, back))
    if there == and_back:
        yield from (line.removeprefix("  ") for line in there)
    else:
        yield from (f"  {default} → {other}", *there, f"  {other} → {default}", *and_back)


def _effects(judged: list[Judgement]) -> Iterator[str]:
    """Yield each effect once, worst first; what is merely new matters only if it is all."""
    effects = dict.fromkeys(effect for _, _, effect in judged)
    for effect in sorted(effects, key=lambda effect: -effect.outcome.rank):
        if effect.outcome is not Outcome.CREATED or len(effects) == 1:
            fact = f" ({effect.fact})" if effect.fact else ""
            yield f"    {effect.outcome.value}: {effect.sentence}{fact}"


def _where(change: Change) -> str:
    from redisgen.diff import path_text

    return f"{change.identity.kind} {change.identity.name}" + (f", {path_text(change.path)}" if change.path else "")


def _texts(values: dict[str, Any], key: str) -> dict[str, str]:
    from redisgen.load import load_fleet
    from redisgen.render import render
    from redisgen.values import parse

    beside = BESIDE.get(key, {})
    sources = [parse(json.dumps(one), "the sample") for one in (beside, values)]
    return render(load_fleet(sources)[0])


def _nested(key: str, value: Any) -> dict[str, Any]:
    for step in reversed(key.split(".")):
        value = {step: value}
    return value  # type: ignore[no-any-return]


def _judged(old: dict[str, str], new: dict[str, str]) -> list[Judgement]:
    from redisgen.diff import compare
    from redisgen.manifests import documents, of_texts

    files = {
        identity: file
        for texts in (old, new)
        for file, text in texts.items()
        if old.get(file) != new.get(file)
        for chunk in of_texts({file: text}).chunks
        for identity, _ in documents(chunk)
    }
    judged, _ = compare(of_texts(old), of_texts(new))
    return [(files[change.identity], change, effect) for change, effect in judged]


def _type(node: dict[str, Any]) -> str:
    if "title" in node:
        return str(node["title"])
    if "enum" in node:
        return "one of the allowed"
    if "const" in node:
        return _yaml(node["const"])
    if "anyOf" in node:
        return " or ".join(_type(resolve(one)) for one in node["anyOf"] if "properties" not in one)
    return KINDS.get(node.get("type", ""), "anything")


def _allowed(node: dict[str, Any]) -> str:
    if "enum" in node:
        return ", ".join(map(_yaml, node["enum"]))
    if "minimum" in node and "maximum" in node:
        return f"{node['minimum']} to {node['maximum']}"
    return f"at least {node['minimum']}" if "minimum" in node else ""


def _yaml(value: Any) -> str:
    """Write a value as one would in YAML, in one line."""
    from redisgen.emit import scalar

    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(key)}: {_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return str(value) if value == "a volume claim" else str(scalar(value))


def _rules() -> dict[str, Any]:
    import redisgen.rules

    return getattr(redisgen.rules, "RULES", {})


def _of_rule(rule: Any) -> str:
    waivable = f'waive: {{{rule.id}: "why it is all right here"}}' if rule.waivable else "cannot be waived"
    lines = [
        f"{rule.id}: {rule.title}",
        "",
        f"  severity  {rule.severity}",
        f"  fact      {rule.fact or 'none'}",
        f"  waive     {waivable}",
        "",
        str(rule.guards).strip(),
    ]
    for title, text in (("Triggers it:", rule.example), ("Does not:", rule.near_miss)):
        lines += ["", title, ""]
        lines += [f"  {line}".rstrip() for line in str(text).strip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def _guess(name: str, keys: dict[str, Any]) -> str:
    known = [*keys, *_rules()]
    lower = {one.lower(): one for one in known}
    last = [one for one in known if one.rpartition(".")[2].lower() == name.rpartition(".")[2].lower()]
    close = last or [lower[one] for one in get_close_matches(name[:80].lower(), lower, n=1)]
    return f"; did you mean '{close[0]}'?" if close else "; `redisgen schema` prints all keys"
