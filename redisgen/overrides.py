"""The user's JSON merge patch (RFC 7396) on the spec of the RedisFailover."""

from __future__ import annotations

import io
from typing import Any

from redisgen.emit import scalar
from redisgen.findings import Finding
from redisgen.resources import SCHEMAS
from redisgen.schema import misfits
from redisgen.values import Mapping, place_of

_REDISFAILOVER = SCHEMAS / "redisfailover.schema.json"


def check(values: Mapping) -> list[Finding]:
    """Hold `overrides` against the API of operator v1.2.4, which would drop an unknown field without a word (T38)."""
    patch = values.get("overrides")
    if not patch:
        return []
    document = Mapping(values.place)
    document.update(apiVersion="databases.spotahome.com/v1", kind="RedisFailover", metadata={"name": "x"})
    document["spec"] = _without_null(patch)
    problems = misfits(document, _REDISFAILOVER)
    return [Finding(place_of(values, ("overrides", *path[1:])), "overrides", text) for path, text in problems]


def apply(text: str, patch: dict[str, Any]) -> str:
    """Return the manifests with the patch laid on the spec of their RedisFailover; all else, comments too, stays."""
    from ruamel.yaml import YAML

    head, separator, manifest = text.rpartition("---\n")
    if "kind: RedisFailover\n" not in manifest:
        return text
    yaml = YAML(pure=True)
    yaml.preserve_quotes = True
    yaml.width = 2**16
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(manifest)
    _lay(document["spec"], patch)
    out = io.StringIO()
    yaml.dump(document, out)
    return head + separator + out.getvalue()


def _without_null(patch: Any) -> Any:
    return (
        {key: _without_null(value) for key, value in patch.items() if value is not None}
        if isinstance(patch, dict)
        else patch
    )


def _lay(base: Any, patch: dict[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            _lay(base[key], value)
        else:
            base[key] = _quoted(value)


def _quoted(value: Any) -> Any:
    """Copy the user's data with quotes around all text, so that YAML 1.1 takes none of it for something else."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, dict):
        return {
            _quoted(key) if scalar(key) != key else key: _quoted(item)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    return DoubleQuotedScalarString(value) if isinstance(value, str) else value
