"""Data in; YAML text out, that every parser of YAML 1.1 and 1.2 reads back as the same data."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup
from msgspec import Struct, to_builtins

# Text that no YAML takes for anything else may stand without quotes: words, names and images, amounts with a unit.
_PLAIN = re.compile(
    r"(--?|/)?[A-Za-z][A-Za-z0-9_./-]*((:[A-Za-z0-9_./-]*[A-Za-z0-9_/-])*|( [A-Za-z0-9_./-]+)*)"
    r"|[0-9]+(m|Ki|Mi|Gi|Ti|kb|mb|gb)"
)
_WORDS = re.compile(r"(?i)y|n|yes|no|on|off|true|false|null|nan|inf")
# JSON leaves as they are what YAML does not allow as they are, or folds as a line break.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class Yaml(Markup):
    """Text that is YAML already; what a macro returns counts as such too."""

    __slots__ = ()


def scalar(value: Any) -> Yaml:
    """Return one value as YAML that fits in a line: text quoted where it must be, true, false, numbers."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and not _WORDS.fullmatch(value):
            return Yaml(value)
        quoted = json.dumps(value, ensure_ascii=False)
        return Yaml(_UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted))
    if value is None or isinstance(value, (bool, int, float)):
        return Yaml(json.dumps(value))
    raise TypeError(f"not one YAML value: {value!r}")


def block(value: Any, indent: int) -> Yaml:
    """Return a mapping or sequence as block YAML to stand at column `indent`, the first line not indented."""
    if isinstance(value, Struct):
        value = to_builtins(value)
    return Yaml(f"\n{' ' * indent}".join(_lines(value)))


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict) and value:
        lines = []
        for key, item in value.items():
            inner = _lines(item)
            if isinstance(item, (dict, list, tuple)) and item:
                lines += [f"{scalar(key)}:", *(f"  {line}" for line in inner)]
            else:
                lines.append(f"{scalar(key)}: {inner[0]}")
        return lines
    if isinstance(value, (list, tuple)) and value:
        lines = []
        for item in value:
            first, *rest = _lines(to_builtins(item) if isinstance(item, Struct) else item)
            lines += [f"- {first}", *(f"  {line}" for line in rest)]
        return lines
    return ["{}" if isinstance(value, dict) else "[]"] if isinstance(value, (dict, list, tuple)) else [scalar(value)]
