"""Any text a user writes comes back unchanged, as YAML 1.1 and as YAML 1.2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError
from ruamel.yaml import YAML

from redisgen.emit import block, scalar
from redisgen.findings import InvalidValues
from redisgen.load import load_fleet
from redisgen.render import render
from redisgen.resources import TEMPLATES
from redisgen.template import environment
from redisgen.values import Mapping, assignment
from tests.system import documents, only

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    st.sampled_from("yYnNoO-:.0123456789eExX_~#'\"\\{}[]|>&*! \n\t%@`=<"), max_size=8
)
AWKWARD = [
    "",
    "no",
    "y",
    "NO",
    "null",
    "~",
    "1e3",
    "0x1F",
    "0o17",
    "1_000",
    "1:20",
    "010",
    ".inf",
    "-.INF",
    ".nan",
    "<<",
    "=",
    "---",
    "...",
    "- a",
    "a: b",
    "a #b",
    "#",
    "{{ x }}",
    "{% raw %}",
    "\x85",
    "\u2028",
    "\ufeff",
    "\x7f",
    "\x00",
    "😀",
    "a\r\nb",
    " a",
    "a ",
    "a  b",
    "2001-01-01",
    "-",
    "?",
    "--x",
    "-x",
    "1m",
    "1E",
    "1Ki",
    "off a",
    "0.1",
    "+1",
    "@a",
    "`a`",
    "%a",
    "!a",
    "&a",
    "*a",
    "|",
    ">",
    "'",
    '"',
    "\\",
]
DATA = st.recursive(
    TEXT | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def both(text: str) -> tuple[Any, Any]:
    return yaml.safe_load(text), YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("value", AWKWARD)
def test_awkward_text(value: str) -> None:
    assert both(f"a:\n  - {scalar(value)}\n  - b: {scalar(value)}\n") == ({"a": [value, {"b": value}]},) * 2


@given(TEXT)
@example("a" * 5000)
def test_text(value: str) -> None:
    key = value[:300]  # longer ones need another notation in YAML, and no key of ours is
    assert both(f"{scalar(key)}: {scalar(value)}\n") == ({key: value},) * 2


@given(DATA)
def test_data(value: Any) -> None:
    inline = not isinstance(value, (dict, list)) or not value
    assert both(f"a:\n  b:{' ' if inline else chr(10) + '    '}{block(value, 4)}\n") == ({"a": {"b": value}},) * 2


def test_ordinary_text_needs_no_quotes() -> None:
    for text in (
        "redis:7.2.7-alpine",
        "quay.io/a/b:v1",
        "kubernetes.io/hostname",
        "512mb",
        "1Gi",
        "100m",
        "--save",
        "failover-timeout 10000",
    ):
        assert scalar(text) == text


@settings(deadline=None)
@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=3), TEXT)
def test_overrides_come_back_unchanged(annotations: dict[str, str], argument: str) -> None:
    patch = Mapping(assignment("a=b").place)
    patch["overrides"] = {"redis": {"podAnnotations": annotations, "exporter": {"args": [argument]}}}
    patch.places["overrides"] = patch.place
    texts = render(load_fleet([patch])[0])
    redis = only(texts, "RedisFailover")["spec"]["redis"]
    assert redis["podAnnotations"] == annotations
    assert redis["exporter"]["args"] == [argument]
    assert len(documents(texts)) == len(documents(render(load_fleet([])[0])))


HOSTILE = "x: \"y\"\n---\nkind: Secret # {{ 1 }} 'no' 😀"


def hostile(value: Any, key: str = "") -> Any:
    if isinstance(value, str) and key not in ("rbac", "nodes", "zones", "aof", "storage"):
        return HOSTILE
    if isinstance(value, dict):
        return {name: hostile(item, name) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [hostile(item, key) for item in value]
    return value


def test_no_template_prints_a_raw_string() -> None:
    """Every text of a typed system, whether checks would let it pass or not, comes out whole."""
    from msgspec import convert, to_builtins

    from redisgen.cluster import Fleet

    text = (
        "labels={a: b}",
        "imagePullSecrets=[a]",
        "createNamespace=true",
        "auth.secretName=a",
        "redis.handover=false",
        "redis.nodeSelector={a: b}",
        "redis.tolerations=[{key: a, value: b}]",
        "redis.priorityClassName=a",
        "redis.persistence.storage.storageClass=a",
    )
    from functools import reduce

    from redisgen.values import merge

    fleet, _ = load_fleet([reduce(merge, map(assignment, text))])
    fleet = convert(hostile(to_builtins(fleet)), Fleet)
    texts = render(fleet)
    found = documents(texts)
    assert len(found) == len(documents(render(load_fleet([])[0]))) - 1  # the script's ConfigMap
    redisfailover = only(texts, "RedisFailover")
    assert redisfailover["metadata"] == {
        "name": HOSTILE,
        "namespace": HOSTILE,
        "labels": {"a": HOSTILE, "app.kubernetes.io/name": HOSTILE},
    }
    assert redisfailover["spec"]["redis"]["image"] == HOSTILE
    assert redisfailover["spec"]["redis"]["nodeSelector"] == {"a": HOSTILE}
    assert only(texts, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"] == HOSTILE


def test_a_value_that_is_missing_stops_the_rendering() -> None:
    with pytest.raises(UndefinedError):
        environment().from_string("a: {{ b }}").render()


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.j2")), ids=lambda path: path.name)
def test_no_template_leaves_the_road(template: Path) -> None:
    text = template.read_text("utf-8")
    for shortcut in ("|safe", "| safe", "Markup", "autoescape", "tojson"):
        assert shortcut not in text


def test_a_raw_string_would_be_seen() -> None:
    jinja = environment()
    assert jinja.from_string("a: {{ b }}").render(b=HOSTILE) != f"a: {HOSTILE}"
    assert both(jinja.from_string("a: {{ b }}").render(b=HOSTILE))[0] == {"a": HOSTILE}
    with pytest.raises(TypeError, match="not one YAML value"):
        jinja.from_string("a: {{ b }}").render(b=[1])


def test_invalid_values_are_no_traceback() -> None:
    with pytest.raises(InvalidValues):
        load_fleet([assignment("name=A")])
