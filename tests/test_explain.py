"""What `redisgen explain` says of keys and rules."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import redisgen.rules
from redisgen.explain import Unknown, explain
from tests.conftest import ROOT, Run

AOF = """\
redis.persistence.aof: When the append-only file is forced to disk; `no` turns the file off.

  type      one of the allowed
  default   everysec
  allowed   everysec, always, "no"

In the manifests ("no" instead of everysec changes):
  04-cluster.yaml: RedisFailover redis-cluster, spec.redis.command[--appendonly]
  04-cluster.yaml: RedisFailover redis-cluster, spec.redis.command[--appendfsync]

On a running system:
  everysec → "no"
    restart: the Redis pods restart one by one with one failover; from then on there is no append-only file, and a \
crash of all pods loses what changed since the last snapshot (2.4)
    restart: the operator restarts the Redis pods one by one, one every 30 s at most, the master last with one \
failover (2.4)
  "no" → everysec
    data-loss: a pod that starts with the append-only file on, and only a dump.rdb on its volume, starts empty: \
whatever no other pod holds is lost; CONFIG SET appendonly yes on all pods first, wait for the rewrite, then change \
the command (T4b)
    restart: the operator restarts the Redis pods one by one, one every 30 s at most, the master last with one \
failover (2.4)
"""
SPREAD = """\
redis.spread: How the Redis pods of this cluster keep away from each other. `preferred`: if there is room; \
`required`: or not at all; `none`.

  type      a mapping of the keys below

  redis.spread.nodes  One a node.
  redis.spread.zones  Evenly over zones (`topology.kubernetes.io/zone`).
"""
SYNCS = """\
sentinel.parallelSyncs: Replicas that copy from a new master at the same time.

  type      a whole number
  default   1
  allowed   1 to 20

In the manifests (2 instead of 1 changes):
  04-cluster.yaml: RedisFailover redis-cluster, spec.sentinel.customConfig[parallel-syncs]

On a running system:
  live: set live on every Sentinel by SENTINEL SET within 30 s (2.3)
"""


@pytest.mark.parametrize(
    ("key", "text"),
    [("redis.persistence.aof", AOF), ("redis.spread", SPREAD), ("sentinel.parallelSyncs", SYNCS)],
)
def test_keys(key: str, text: str, run: Run) -> None:
    done = run("explain", key)
    assert (done.returncode, done.stdout, done.stderr) == (0, text, "")


def test_clusters_render_nothing_of_their_own() -> None:
    assert "In the manifests" not in explain("clusters")


@pytest.mark.parametrize(
    ("name", "guess"),
    [
        ("redis.persistance.aof", "; did you mean 'redis.persistence.aof'?"),
        ("maxmemory", "; did you mean 'redis.maxmemory'?"),
        ("redis.MaxMemory", "; did you mean 'redis.maxmemory'?"),
        ("???", "; `redisgen schema` prints all keys"),
    ],
)
def test_unknown(name: str, guess: str, run: Run) -> None:
    done = run("explain", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"redisgen: error: unknown key or rule '{name}'{guess}\n"


RULE = SimpleNamespace(
    id="RG001",
    severity="error",
    fact="T1",
    title="fewer Sentinels than Redis pods",
    guards="The operator never elects a master.",
    example="redis: {replicas: 5}\n",
    near_miss="redis: {replicas: 5}\nsentinel: {replicas: 5}\n",
    waivable=False,
)


def test_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redisgen.rules, "RULES", {"RG001": RULE}, raising=False)
    assert explain("rg001") == (
        "RG001: fewer Sentinels than Redis pods\n"
        "\n"
        "  severity  error\n"
        "  fact      T1\n"
        "  waive     cannot be waived\n"
        "\n"
        "The operator never elects a master.\n"
        "\n"
        "Triggers it:\n"
        "\n"
        "  redis: {replicas: 5}\n"
        "\n"
        "Does not:\n"
        "\n"
        "  redis: {replicas: 5}\n"
        "  sentinel: {replicas: 5}\n"
    )
    RULE.waivable = True
    assert '  waive     waive: {RG001: "why it is all right here"}\n' in explain("RG001")


def test_unknown_rule() -> None:
    with pytest.raises(Unknown, match="unknown key or rule 'RG999'"):
        explain("RG999")


def test_readme_has_every_effect() -> None:
    from redisgen.effects import MEANINGS

    text = (ROOT / "README.md").read_text("utf-8")
    assert "\n".join(f"| `{outcome.value}` | {meaning} |" for outcome, meaning in MEANINGS.items()) in text
