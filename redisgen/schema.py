"""What JSON Schema can say about the values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redisgen.findings import Finding, Place
from redisgen.resources import SCHEMAS
from redisgen.values import Mapping, place_of

if TYPE_CHECKING:
    from jsonschema import ValidationError

    KeyPath = tuple[str | int, ...]

VALUES = SCHEMAS / "values.schema.json"
_LONGEST = 4096
KINDS = {
    "object": "a mapping",
    "array": "a sequence",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@cache
def schema(file: Path = VALUES) -> dict[str, Any]:
    """Return the JSON Schema of the values: the source of keys, types, defaults, descriptions and examples."""
    return json.loads(file.read_bytes())  # type: ignore[no-any-return]


@cache
def defaults() -> Mapping:
    """Return every key of one cluster and its operator with its default; keys without places. Not to be changed."""
    return _default(schema())  # type: ignore[no-any-return]


def resolve(node: dict[str, Any]) -> dict[str, Any]:
    """Follow the `$ref` of a node of the schema; what stands beside it wins."""
    while "$ref" in node:
        target: Any = schema()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def check_schema(values: Mapping) -> list[Finding]:
    """Hold the values against the schema; no finding when they fit."""
    return [] if not values or _fast(VALUES).is_valid(values) else explain(values)


def explain(values: Mapping) -> list[Finding]:
    """Say what of the values does not fit the schema, at the key where it stands."""
    return [Finding(place_of(values, path), "schema", text) for path, text in _misfits(values, VALUES)]


def misfits(data: dict[str, Any], file: Path) -> list[tuple[KeyPath, str]]:
    """Say where and why data does not fit the JSON Schema in `file`: (path of keys, sentence) each."""
    return [] if _fast(file).is_valid(data) else _misfits(data, file)


def _misfits(data: dict[str, Any], file: Path) -> list[tuple[KeyPath, str]]:
    found = (_sentences(error) for error in _exact(file).iter_errors(data))
    return list(dict.fromkeys(one for part in found for one in part))


def _default(node: dict[str, Any]) -> Any:
    if node.get("default", {}) != {}:
        return node["default"]
    mapping = Mapping(Place("the defaults"))
    branch = next((one for one in node.get("anyOf", []) if "properties" in one), node)
    mapping.update({key: _default(child) for key, child in branch.get("properties", {}).items() if key != "clusters"})
    return mapping


@cache
def _fast(file: Path) -> Any:
    from jsonschema_rs import validator_for

    return validator_for(file.read_text("utf-8"))


@cache
def _exact(file: Path) -> Any:
    # jsonschema is slow to import, and needed only to explain.
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: Any, regex: str, text: Any, __: Any) -> Iterator[ValidationError]:
        # Python's $ also matches before a final line break; JSON Schema's does not.
        # What is longer than any name is not worth the time.
        if isinstance(text, str) and (len(text) > _LONGEST or not re.search(regex.removesuffix("$") + r"\Z", text)):
            yield ValidationError(f"{text!r} does not match")

    def is_integer(_: Any, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool)

    checker = Draft202012Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": is_integer,  # 3.0 is none: what is written is what is rendered
            "object": lambda _, value: isinstance(value, dict),
            "array": lambda _, value: isinstance(value, list),
        }
    )
    return extend(  # type: ignore[no-untyped-call]
        Draft202012Validator, {"pattern": pattern}, type_checker=checker
    )(schema(file))


def _sentences(error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    """Turn one error into (path, sentence) in the words of YAML."""
    path: KeyPath = tuple(error.absolute_path)
    value: Any = error.instance
    node: Any = error.schema
    key = f"'{path[-1]}'" if path and isinstance(path[-1], str) else "the item" if path else "the file"
    if "propertyNames" in error.absolute_schema_path:
        yield (*path, value), f"the key {_shown(value)} must be {_expected(node)}"
    elif value is None:
        yield path, f"{key} has no value; write one, or leave the key out"
    elif error.validator == "additionalProperties":
        known = node["properties"]
        for unknown in [name for name in value if name not in known]:
            yield (*path, unknown), f"unknown key '{unknown}'{_guess(unknown, known, path)}"
    elif error.validator == "anyOf" and isinstance(value, dict) and (inner := _inner(error)):
        for one in inner:
            yield from _sentences(one)
    else:
        yield path, f"{key} must {_demand(str(error.validator), error.validator_value, node, value)}"


def _inner(error: ValidationError) -> list[ValidationError]:
    """Return what is wrong by the one alternative of the value's own kind."""
    return [one for one in error.context or () if one.relative_path or one.validator not in ("type", "const", "enum")]


def _demand(keyword: str, rule: Any, node: dict[str, Any], value: Any) -> str:
    match keyword:
        case "type":
            expected = node.get("title") or KINDS[rule]
            return f"be {expected}, not {_shown(value)}{_quote_hint(rule, node, value)}"
        case "enum":
            return f"be {_choice(rule)}, not {_shown(value)}{_word_guess(value, rule)}"
        case "const":
            return f"be {_shown(rule)}, not {_shown(value)}"
        case "minimum":
            return f"be at least {rule}, not {value}"
        case "maximum":
            return f"be at most {rule}, not {value}"
        case "minItems":
            return f"have at least {rule} item{'s' * (rule > 1)}"
        case "uniqueItems":
            return "not have an item twice"
        case "required":
            missing = [name for name in rule if name not in value]
            return f"have the key{'s' * (len(missing) > 1)} {_choice(missing)}"
        case "anyOf" if "title" not in node:
            branches = [resolve(branch) for branch in rule]
            return f"be {' or '.join(map(_branch, branches))}, not {_shown(value)}"
        case _:
            return f"be {_expected(node)}, not {_shown(value)}"


def _branch(branch: dict[str, Any]) -> str:
    if "const" in branch:
        return f"'{branch['const']}'" if branch["const"] else "empty"
    return _expected(branch)


def _expected(node: dict[str, Any]) -> str:
    examples = node.get("examples", [])
    shown = f" (for example {', '.join(map(str, examples))})" if examples else ""
    return (node.get("title") or KINDS.get(node.get("type", ""), "of another form")) + shown


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a sequence"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = json.dumps(value, ensure_ascii=False)[1:-1]
        return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
    return str(value)


def _choice(values: list[Any]) -> str:
    *most, last = map(_shown, values)
    return f"{', '.join(most)} or {last}" if most else last


def _quote_hint(kind: str, node: dict[str, Any], value: Any) -> str:
    if (
        kind != "string"
        or not isinstance(value, (bool, int, float))
        or not re.search(node.get("pattern", ""), str(value))
    ):
        return ""
    return "; put it in quotes"


def _guess(unknown: str, known: dict[str, Any], path: KeyPath) -> str:
    from difflib import get_close_matches

    close = get_close_matches(unknown.lower(), [name.lower() for name in known], n=1, cutoff=0.6)
    names = [name for name in known if close and name.lower() == close[0]]
    if not names and not path:
        names = [f"{section}.{unknown}" for section, child in known.items() if unknown in child.get("properties", {})]
    return f"; did you mean '{names[0]}'?" if names else f"; known here: {', '.join(known)}"


def _word_guess(value: Any, choices: list[Any]) -> str:
    from difflib import get_close_matches

    if value is False and "no" in choices:
        return "; did you mean 'no'?"
    close = get_close_matches(str(value).lower(), map(str, choices), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
