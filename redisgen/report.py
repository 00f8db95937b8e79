"""Findings as text for people, and in the formats that other programs read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from redisgen.findings import Finding, Place

_WIDEST = 120  # characters of a source line that are shown; a file may hold one line of megabytes

# What could move the cursor, colour the terminal, turn text around, break a line, or cannot stand in XML or UTF-8.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)

_COLOURS = {"error": "1;31", "warning": "1;33", "info": "1;36"}
_SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_FORMS = {
    "yaml": "The values are one document of YAML 1.2",
    "schema": "Every key is known, and its value of the right kind",
}
_GITHUB_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


class Format(StrEnum):
    """In what form findings are handed on."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    JUNIT = "junit"


def report(
    findings: list[Finding],
    format_: Format = Format.TEXT,
    *,
    texts: Mapping[str, bytes] | None = None,
    colour: bool = False,
    strict: bool = False,
) -> str:
    """Say the findings, sorted by place; lines and columns count from 1, columns in characters (code points).

    For Format.TEXT: `texts`, file name to content, adds the source line of every finding in one of these files, and
    `colour` adds colour. For Format.JUNIT: a finding fails its test case when it makes `redisgen validate` fail, which
    a warning does when `strict`.
    """
    findings = sorted(findings, key=lambda finding: finding[:3])
    match format_:
        case Format.TEXT:
            return _text(findings, texts or {}, colour)
        case Format.JSON:
            return _json({"findings": [_plain(finding) for finding in findings]})
        case Format.SARIF:
            return _json(_sarif(findings))
        case Format.GITHUB:
            return "".join(map(_github, findings))
        case Format.JUNIT:
            return _junit(findings, strict)


def is_failure(finding: Finding, strict: bool) -> bool:
    """Tell whether a finding makes the run fail: an error does, and a warning when `strict`."""
    return finding.severity == "error" or (strict and finding.severity == "warning")


# For people


def _text(findings: list[Finding], texts: Mapping[str, bytes], colour: bool) -> str:
    said = []
    lines: dict[str, list[str]] = {}
    for finding in findings:
        file, line, _ = finding.place
        said.append(_headline(finding, colour))
        if line and file in texts:
            if file not in lines:
                lines[file] = _lines(texts[file])
            if line <= len(lines[file]):
                said += _excerpt(lines[file][line - 1], finding, colour)
    return "".join(f"{one}\n" for one in said)


def _headline(finding: Finding, colour: bool) -> str:
    place, message, rule = _visible(str(finding.place)), _visible(finding.message), _visible(finding.rule)
    severity = _painted(finding.severity, _COLOURS.get(finding.severity, "1"), colour)
    return f"{_painted(place, '1', colour)}: {severity}: {message} {_painted(f'[{rule}]', '2', colour)}"


def _lines(text: bytes) -> list[str]:
    # Lines as YAML 1.2 counts them.
    return re.split(r"\r\n|\r|\n", text.decode("utf-8-sig", "replace"))


def _excerpt(line: str, finding: Finding, colour: bool) -> list[str]:
    """Show where in its line a finding stands, with a caret under the place."""
    line = line.replace("\ufeff", "")  # YAML gives it no column
    before = finding.place.column - 1
    first = max(0, before - _WIDEST // 2)
    shown = [_shown(char) for char in line[first : first + _WIDEST]]
    head, tail = "…" * (first > 0), "…" * (first + _WIDEST < len(line))
    indent = " " * (len(head) + sum(map(_width, shown[: before - first])))
    number = str(finding.place.line)
    caret = _painted("^", _COLOURS.get(finding.severity, "1"), colour)
    return [
        f"  {number} | {head}{''.join(shown)}{tail}".rstrip(),
        f"  {' ' * len(number)} | {indent}{caret}",
    ]


def _shown(char: str) -> str:
    return "    " if char == "\t" else _visible(char)


def _width(shown: str) -> int:
    """Count the columns of a terminal that characters take: wide ones two, combining ones none."""
    from unicodedata import category, east_asian_width

    wide = {"W": 2, "F": 2}
    return sum(0 if category(char) in ("Mn", "Me", "Cf") else wide.get(east_asian_width(char), 1) for char in shown)


def _painted(text: str, sgr: str, colour: bool) -> str:
    return f"\x1b[{sgr}m{text}\x1b[0m" if colour else text


def _visible(text: str) -> str:
    """Write what a terminal would obey rather than show as the escape it has in Python and, mostly, in YAML."""
    return _UNPRINTABLE.sub(lambda char: char[0].encode("unicode_escape").decode(), text)


# For programs


def _json(data: dict[str, Any]) -> str:
    import json

    # All in ASCII: whatever a terminal might obey, or UTF-8 cannot carry, is an escape.
    return json.dumps(data, indent=2) + "\n"


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.place.file,
        "line": finding.place.line or None,
        "column": finding.place.column or None,
        "severity": finding.severity,
        "rule": finding.rule,
        "fact": finding.fact,
        "message": finding.message,
        "fix": finding.fix,
    }


def _sarif(findings: list[Finding]) -> dict[str, Any]:
    """Build a SARIF 2.1.0 log of one run; its rules are those that found something."""
    from redisgen import __version__

    rules = sorted({finding.rule for finding in findings})
    driver = {"name": "redisgen", "version": __version__, "rules": [_sarif_rule(rule) for rule in rules]}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(finding, rules.index(finding.rule)) for finding in findings],
            }
        ],
    }


def _sarif_rule(rule: str) -> dict[str, Any]:
    title, guards = _about(rule)
    return {
        "id": rule,
        "shortDescription": {"text": title},
        "fullDescription": {"text": guards},
        "help": {"text": guards},
    }


def _about(rule: str) -> tuple[str, str]:
    """Look up what a rule is called and what it guards against; what is about the form of values is in no registry."""
    from redisgen import rules

    known = getattr(rules, "RULES", {}).get(rule)
    if known:
        return known.title, known.guards
    return _FORMS.get(rule, rule), _FORMS.get(rule, rule)


def _sarif_result(finding: Finding, index: int) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.place.file)}}
    if finding.place.line:
        column = {"startColumn": finding.place.column} if finding.place.column else {}
        physical["region"] = {"startLine": finding.place.line, **column}
    # SARIF's own `fixes` are edits of text; ours name keys and values.
    properties = {"fact": finding.fact, "fix": finding.fix}
    properties = {key: value for key, value in properties.items() if value is not None}
    return {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[finding.severity],
        # Braces are doubled: in SARIF they hold placeholders.
        "message": {"text": finding.message.replace("{", "{{").replace("}", "}}")},
        "locations": [{"physicalLocation": physical}],
        **({"properties": properties} if properties else {}),
    }


def _uri(file: str) -> str:
    """Write a file name as a URI: relative as the user named it, or file:///…; `<stdin>` is %3Cstdin%3E."""
    from urllib.parse import quote

    # A colon stays no colon, or `a:b.yaml` would be of the scheme `a`. Bytes that are no UTF-8 keep their value.
    path = quote(file.removeprefix("./"), safe="/", errors="surrogateescape")
    return f"file://{path}" if path.startswith("/") else path


def _github(finding: Finding) -> str:
    """Write a workflow command; one about no file of the repository names its place in the message."""
    file, line, column = finding.place
    properties: dict[str, str | int] = {}
    message = finding.message
    if _is_file(finding.place):
        properties = {"file": file, "line": line, "col": column}
    else:
        message = f"{finding.place}: {message}"
    properties["title"] = finding.rule
    written = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value)
    return f"::{_GITHUB_COMMANDS[finding.severity]} {written}::{_data(message)}\n"


def _is_file(place: Place) -> bool:
    return place.file not in ("<stdin>", "the defaults") and not place.file.startswith("--set ")


def _data(text: str) -> str:
    return _visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _junit(findings: list[Finding], strict: bool) -> str:
    """Write a test case per finding, or one that passes; findings that fail nothing stand in system-out."""
    cases = [_junit_case(finding, is_failure(finding, strict)) for finding in findings]
    cases = cases or [f"    <testcase{_attributes(name='the values are right', classname='redisgen')}/>\n"]
    failures = sum(is_failure(finding, strict) for finding in findings)
    counts = _attributes(name="redisgen", tests=len(cases), failures=failures, errors=0)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<testsuites{counts}>\n  <testsuite{counts}>\n{''.join(cases)}  </testsuite>\n</testsuites>\n"
    )


def _junit_case(finding: Finding, fails: bool) -> str:
    file, line, _ = finding.place
    where = {"file": file, "line": line} if line else {"file": file}
    # Only with its message is the name of a finding its own.
    case = _attributes(name=f"{finding.place}: {finding.message}", classname=f"redisgen.{finding.rule}", **where)
    text = _xml(str(finding))
    if fails:
        failure = _attributes(message=finding.message, type=finding.severity)
        inner = f"<failure{failure}>{text}</failure>"
    else:
        inner = f"<system-out>{text}</system-out>"
    return f"    <testcase{case}>\n      {inner}\n    </testcase>\n"


def _attributes(**attributes: str | int) -> str:
    return "".join(f' {name}="{_xml(str(value))}"' for name, value in attributes.items())


def _xml(text: str) -> str:
    from html import escape

    return escape(_visible(text), quote=False).replace('"', "&quot;")
