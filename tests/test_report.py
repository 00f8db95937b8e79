"""What findings look like in every format, whatever is in them."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from redisgen import __version__
from redisgen.cli import app
from redisgen.findings import Finding, Place
from redisgen.load import load_fleet
from redisgen.report import Format, report
from tests.conftest import ROOT, Run

ERROR = Finding(Place("redisgen.yaml", 4, 3), "schema", "unknown key 'replica'; did you mean 'replicas'?")
WARNING = Finding(
    Place("a b/é,c:d.yaml", 2, 1),
    "RG003",
    "100% of <memory> & more",
    "warning",
    fact="T3",
    fix={"redis.maxmemory": "512mb"},
)
INFO = Finding(Place("--set a={b}"), "RG007", "not {0} a\nplaceholder", "info")
ALL = [ERROR, WARNING, INFO]

SEVERITIES = {"error": "error", "warning": "warning", "note": "info", "notice": "info"}

TEXT = r"""--set a={b}: info: not {0} a\nplaceholder [RG007]
a b/é,c:d.yaml:2:1: warning: 100% of <memory> & more [RG003]
redisgen.yaml:4:3: error: unknown key 'replica'; did you mean 'replicas'? [schema]
"""

JSON = r"""{
  "findings": [
    {
      "file": "--set a={b}",
      "line": null,
      "column": null,
      "severity": "info",
      "rule": "RG007",
      "fact": null,
      "message": "not {0} a\nplaceholder",
      "fix": null
    },
    {
      "file": "a b/\u00e9,c:d.yaml",
      "line": 2,
      "column": 1,
      "severity": "warning",
      "rule": "RG003",
      "fact": "T3",
      "message": "100% of <memory> & more",
      "fix": {
        "redis.maxmemory": "512mb"
      }
    },
    {
      "file": "redisgen.yaml",
      "line": 4,
      "column": 3,
      "severity": "error",
      "rule": "schema",
      "fact": null,
      "message": "unknown key 'replica'; did you mean 'replicas'?",
      "fix": null
    }
  ]
}
"""

GITHUB = """::notice title=RG007::--set a={b}: not {0} a%0Aplaceholder
::warning file=a b/é%2Cc%3Ad.yaml,line=2,col=1,title=RG003::100%25 of <memory> & more
::error file=redisgen.yaml,line=4,col=3,title=schema::unknown key 'replica'; did you mean 'replicas'?
"""

JUNIT = r"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="redisgen" tests="3" failures="1" errors="0">
  <testsuite name="redisgen" tests="3" failures="1" errors="0">
    <testcase name="--set a={b}: not {0} a\nplaceholder" classname="redisgen.RG007" file="--set a={b}">
      <system-out>--set a={b}: info: not {0} a\nplaceholder [RG007]</system-out>
    </testcase>
    <testcase name="a b/é,c:d.yaml:2:1: 100% of &lt;memory&gt; &amp; more" classname="redisgen.RG003" file="a b/é,c:d.yaml" line="2">
      <system-out>a b/é,c:d.yaml:2:1: warning: 100% of &lt;memory&gt; &amp; more [RG003]</system-out>
    </testcase>
    <testcase name="redisgen.yaml:4:3: unknown key 'replica'; did you mean 'replicas'?" classname="redisgen.schema" file="redisgen.yaml" line="4">
      <failure message="unknown key 'replica'; did you mean 'replicas'?" type="error">redisgen.yaml:4:3: error: unknown key 'replica'; did you mean 'replicas'? [schema]</failure>
    </testcase>
  </testsuite>
</testsuites>
"""  # noqa: E501

NO_FINDING = {
    Format.TEXT: "",
    Format.JSON: '{\n  "findings": []\n}\n',
    Format.GITHUB: "",
    Format.JUNIT: """<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="redisgen" tests="1" failures="0" errors="0">
  <testsuite name="redisgen" tests="1" failures="0" errors="0">
    <testcase name="the values are right" classname="redisgen"/>
  </testsuite>
</testsuites>
""",
}


@pytest.mark.parametrize(
    ("format_", "expected"),
    [(Format.TEXT, TEXT), (Format.JSON, JSON), (Format.GITHUB, GITHUB), (Format.JUNIT, JUNIT)],
)
def test_exactly(format_: Format, expected: str) -> None:
    assert report(ALL, format_) == expected


def test_sarif_exactly() -> None:
    log = json.loads(report(ALL, Format.SARIF))
    (run,) = log.pop("runs")
    assert log == {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0"}
    assert run["tool"]["driver"]["name"] == "redisgen"
    assert run["tool"]["driver"]["version"] == __version__
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["RG003", "RG007", "schema"]
    about = {"text": "Every key is known, and its value of the right kind"}
    assert run["tool"]["driver"]["rules"][2] == {
        "id": "schema",
        "shortDescription": about,
        "fullDescription": about,
        "help": about,
    }
    assert run["columnKind"] == "unicodeCodePoints"
    assert run["results"] == [
        {
            "ruleId": "RG007",
            "ruleIndex": 1,
            "level": "note",
            "message": {"text": "not {{0}} a\nplaceholder"},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": "--set%20a%3D%7Bb%7D"}}}],
        },
        {
            "ruleId": "RG003",
            "ruleIndex": 0,
            "level": "warning",
            "message": {"text": "100% of <memory> & more"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a%20b/%C3%A9%2Cc%3Ad.yaml"},
                        "region": {"startLine": 2, "startColumn": 1},
                    }
                }
            ],
            "properties": {"fact": "T3", "fix": {"redis.maxmemory": "512mb"}},
        },
        {
            "ruleId": "schema",
            "ruleIndex": 2,
            "level": "error",
            "message": {"text": "unknown key 'replica'; did you mean 'replicas'?"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "redisgen.yaml"},
                        "region": {"startLine": 4, "startColumn": 3},
                    }
                }
            ],
        },
    ]


def test_sarif_says_what_a_registered_rule_guards_against(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = SimpleNamespace(title="Memory left for forks", guards="A save that needs more memory than the limit.")
    monkeypatch.setattr("redisgen.rules.RULES", {"RG003": rule}, raising=False)
    (run,) = json.loads(report([WARNING], Format.SARIF))["runs"]
    assert run["tool"]["driver"]["rules"] == [
        {
            "id": "RG003",
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.guards},
            "help": {"text": rule.guards},
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("./x.yaml", "x.yaml"),
        ("../x.yaml", "../x.yaml"),
        ("/etc/x y.yaml", "file:///etc/x%20y.yaml"),
        ("<stdin>", "%3Cstdin%3E"),
        ("C:x?#%.yaml", "C%3Ax%3F%23%25.yaml"),
        ("\udcff.yaml", "%FF.yaml"),
    ],
)
def test_uri(file: str, uri: str) -> None:
    (result,) = _results(report([ERROR._replace(place=Place(file, 1, 1))], Format.SARIF))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri}


@pytest.mark.parametrize("format_", NO_FINDING)
def test_no_finding(format_: Format) -> None:
    assert report([], format_) == NO_FINDING[format_]


def test_no_finding_as_sarif() -> None:
    assert _results(report([], Format.SARIF)) == []


def test_a_warning_fails_its_test_case_when_strict() -> None:
    root = ET.fromstring(report(ALL, Format.JUNIT, strict=True))
    assert [failure.attrib["type"] for failure in root.iter("failure")] == ["warning", "error"]
    assert root.attrib["failures"] == "2"


# On a terminal


def test_source_line_and_caret() -> None:
    texts = {"f": b"redis:\n  replica: 3\n"}
    assert report([Finding(Place("f", 2, 3), "schema", "no")], texts=texts) == (
        "f:2:3: error: no [schema]\n"  # the headline is the same without a terminal
        "  2 |   replica: 3\n"
        "    |   ^\n"
    )


@pytest.mark.parametrize(
    ("line", "column", "shown", "caret"),
    [
        ("日本: x", 5, "日本: x", 6),
        ("e\u0301a\u0308: x", 7, "e\u0301a\u0308: x", 4),
        ("a:\tx", 4, "a:    x", 6),
        ("\x1b[31m: x", 8, r"\x1b[31m: x", 10),
        ("\u202ea: x", 2, r"\u202ea: x", 6),
        ("a", 2, "a", 1),
        ("x" * 500, 300, "…" + "x" * 120 + "…", 61),
        ("日" * 500, 300, "…" + "日" * 120 + "…", 121),
    ],
)
def test_caret_stands_under_the_place(line: str, column: int, shown: str, caret: int) -> None:
    text = report([Finding(Place("f", 10, column), "r", "m")], texts={"f": b"\n" * 9 + line.encode()})
    assert text.splitlines()[1:] == [f"  10 | {shown}", f"     | {' ' * caret}^"]


@pytest.mark.parametrize("text", [b"a\nb\nc", b"a\r\nb\r\nc", b"a\rb\rc", b"\xef\xbb\xbfa\nb"])
def test_lines_end_as_in_yaml(text: bytes) -> None:
    assert report([Finding(Place("f", 2, 1), "r", "m")], texts={"f": text}).splitlines()[1] == "  2 | b"


def test_a_place_without_source() -> None:
    found = [Finding(place, "r", "m") for place in (Place("f", 9, 1), Place("f"), Place("g", 1, 1))]
    assert report(found, texts={"f": b"a"}) == "f: error: m [r]\nf:9:1: error: m [r]\ng:1:1: error: m [r]\n"


def test_source_that_is_no_utf_8() -> None:
    text = report([Finding(Place("f", 1, 4), "r", "m")], texts={"f": b"a: \xff"})
    assert text.splitlines()[1:] == ["  1 | a: �", "    |    ^"]


def test_colour() -> None:
    texts = {"f": b"\x1b[5mx"}
    assert report([Finding(Place("f", 1, 5), "r", "\x1b[2Jm", "warning")], texts=texts, colour=True) == (
        "\x1b[1mf:1:5\x1b[0m: \x1b[1;33mwarning\x1b[0m: \\x1b[2Jm \x1b[2m[r]\x1b[0m\n"
        "  1 | \\x1b[5mx\n"
        "    |        \x1b[1;33m^\x1b[0m\n"
    )


# Whatever is in them

NASTY = "\x00\x07\x1b[31m\x7f\x9b\u2028\u202e\ufeff\uffff\ud800\udcff]]>\"'&<>%,:\r\n\t::error::"


@pytest.mark.parametrize("format_", Format)
def test_nothing_that_a_terminal_obeys_gets_through(format_: Format) -> None:
    file = NASTY.replace("\ud800", "")  # names of files hold only surrogates that stand for bytes
    found = [Finding(Place(file, 1, 1), NASTY, NASTY, "info", NASTY, {NASTY: [NASTY]})]
    text = report(found, format_, texts={file: NASTY.encode("utf-8", "replace")})
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\ufeff\uffff]", text)
    text.encode("utf-8")
    if format_ in (Format.TEXT, Format.GITHUB):
        assert text.count("\n") == (3 if format_ is Format.TEXT else 1)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
places = st.builds(Place, texts, st.integers(1, 10**6), st.integers(1, 10**6)) | texts.map(Place)
lists_of_findings = st.lists(
    st.builds(
        Finding,
        place=places,
        rule=texts,
        message=texts,
        severity=st.sampled_from(["error", "warning", "info"]),
        fact=st.none() | texts,
        fix=st.none() | st.dictionaries(texts, st.integers() | texts | st.lists(texts), min_size=1),
    )
).map(lambda findings: sorted(findings, key=lambda finding: finding[:3]))

quickly = settings(max_examples=50, deadline=None)


@quickly
@given(lists_of_findings)
def test_json_reads_back(findings: list[Finding]) -> None:
    read = [
        Finding(Place(one.pop("file"), one.pop("line") or 0, one.pop("column") or 0), **one)
        for one in json.loads(report(findings, Format.JSON))["findings"]
    ]
    assert read == findings


@quickly
@given(lists_of_findings)
def test_sarif_reads_back(findings: list[Finding]) -> None:
    (run,) = json.loads(report(findings, Format.SARIF))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    read = []
    for result in run["results"]:
        physical = result["locations"][0]["physicalLocation"]
        region = physical.get("region", {})
        file = _file(physical["artifactLocation"]["uri"])
        place = Place(file, region.get("startLine", 0), region.get("startColumn", 0))
        message = result["message"]["text"].replace("{{", "{").replace("}}", "}")
        properties = result.get("properties", {})
        severity = SEVERITIES[result["level"]]
        assert rules[result["ruleIndex"]] == result["ruleId"]
        read.append(Finding(place, result["ruleId"], message, severity, properties.get("fact"), properties.get("fix")))
    assert read == [one._replace(place=one.place._replace(file=_plain(one.place.file))) for one in findings]


@pytest.mark.skipif(
    not find_spec("pydantic_sarif") and not os.environ.get("CI"), reason="pydantic-sarif, of the group dev, is missing"
)
@quickly
@given(lists_of_findings)
def test_sarif_fits_its_schema(findings: list[Finding]) -> None:
    # Classes made from the published schema; unlike it they do not know that lists such as `rules` have no twins.
    model = import_module("pydantic_sarif.model")
    model.StaticAnalysisResultsFormatSarifVersion210JsonSchema.model_validate_json(report(findings, Format.SARIF))


@quickly
@given(lists_of_findings)
def test_github_reads_back(findings: list[Finding]) -> None:
    lines = report(findings, Format.GITHUB).splitlines()
    assert len(lines) == len(findings)
    for line, finding in zip(lines, findings, strict=True):
        found = re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line)
        assert found
        properties = dict(one.split("=", 1) for one in found[2].split(","))
        place = Place(
            _unescaped(properties.get("file", "")), int(properties.get("line", 0)), int(properties.get("col", 0))
        )
        assert SEVERITIES[found[1]] == finding.severity
        assert place == finding.place._replace(file=_seen(finding.place.file))
        assert _unescaped(properties["title"]) == _seen(finding.rule)
        assert _unescaped(found[3]) == _seen(finding.message)


@quickly
@given(lists_of_findings)
def test_xml_reads_back(findings: list[Finding]) -> None:
    root = ET.fromstring(report(findings, Format.JUNIT))
    cases = list(root.iter("testcase"))
    assert int(root.attrib["tests"]) == len(cases) == max(len(findings), 1)
    assert [case.attrib["file"] for case in cases[: len(findings)]] == [
        _escaped(finding.place.file) for finding in findings
    ]
    assert [case[0].text for case in cases[: len(findings)]] == [_escaped(str(finding)) for finding in findings]


def _results(sarif: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(sarif)["runs"][0]["results"]
    return results


def _file(uri: str) -> str:
    return unquote(uri.removeprefix("file://"))


def _plain(file: str) -> str:
    return file.removeprefix("./")


HIDDEN = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"


def _escaped(text: str) -> str:
    return re.sub(HIDDEN, lambda char: char[0].encode("unicode_escape").decode(), text)


def _seen(text: str) -> str:
    """Give what GitHub shows: line breaks as they are, other control characters as escapes."""
    return "".join(char if char in "\r\n" else _escaped(char) for char in text)


def _unescaped(text: str) -> str:
    """Undo the escapes of a workflow command as GitHub's runner does."""
    for escape, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, char)
    return text


# From the command line

WRONG = "redis: {replica: 3}\nsentinel: {replicas: x}\n"
FOUND = [("<stdin>", 1, 9), ("<stdin>", 2, 12)]


def _places(format_: str, out: str) -> list[tuple[str, int, int]]:
    if format_ == "json":
        return [(one["file"], one["line"], one["column"]) for one in json.loads(out)["findings"]]
    if format_ == "sarif":
        physical = [result["locations"][0]["physicalLocation"] for result in _results(out)]
        regions = [(one["region"]["startLine"], one["region"]["startColumn"]) for one in physical]
        return [
            (unquote(one["artifactLocation"]["uri"]), *region) for one, region in zip(physical, regions, strict=True)
        ]
    written = [case.text for case in ET.fromstring(out).iter("failure")] if format_ == "junit" else out.splitlines()
    found = [re.search(r"(<stdin>):(\d+):(\d+): ", line or "") for line in written]
    return [(one[1], int(one[2]), int(one[3])) for one in found if one]


@pytest.mark.parametrize("format_", [one.value for one in Format])
def test_every_finding_in_every_format(run: Run, format_: str) -> None:
    done = run("validate", "--format", format_, "-f", "-", stdin=WRONG)
    assert (done.returncode, done.stderr) == (1, "")
    assert _places(format_, done.stdout) == FOUND


@pytest.mark.parametrize("format_", [one.value for one in Format])
def test_broken_yaml_in_every_format(run: Run, format_: str) -> None:
    done = run("validate", "--format", format_, "-f", "-", stdin="a: 1\na: 2\n3: 4\n")
    assert (done.returncode, done.stderr) == (1, "")
    assert _places(format_, done.stdout) == [("<stdin>", 2, 1), ("<stdin>", 3, 1)]


def test_right_values_as_json(run: Run) -> None:
    done = run("validate", "--format", "json", "--set", "name=x")
    assert (done.returncode, done.stdout) == (0, '{\n  "findings": []\n}\n')
    assert done.stderr == "redisgen: the values are right: 1 cluster\n"


def test_unknown_format(run: Run) -> None:
    done = run("validate", "--format", "yaml")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("severity", "arguments", "code"),
    [("warning", [], 0), ("warning", ["--strict"], 1), ("info", [], 0), ("info", ["--strict"], 0)],
)
def test_strict(monkeypatch: pytest.MonkeyPatch, severity: str, arguments: list[str], code: int) -> None:
    found = WARNING._replace(severity=severity)
    line = f"{found}\n"
    monkeypatch.setattr("redisgen.load.load_fleet", lambda sources: (load_fleet(sources)[0], [found]))

    done = CliRunner().invoke(app, ["validate", "--set", "name=x", *arguments])
    assert (done.exit_code, done.stdout) == (code, line)
    assert done.stderr == ("" if code else "redisgen: the values are right: 1 cluster\n")

    done = CliRunner().invoke(app, ["render", "--set", "name=x", *arguments])
    assert (done.exit_code, done.stderr) == (code, line)
    assert bool(done.stdout) == (code == 0)


def _on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-m", "redisgen", *arguments],
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env={**clean, "TERM": "xterm", "PYTHONPATH": str(ROOT), **environment},
    ):
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)
    return written.decode().replace("\r\n", "\n")


PLAIN = (
    "redisgen.yaml:1:9: error: unknown key 'replica'; did you mean 'replicas'? [schema]\n"
    "  1 | redis: {replica: 3}\n"
    "    |         ^\n"
)
COLOURED = (
    "\x1b[1mredisgen.yaml:1:9\x1b[0m: \x1b[1;31merror\x1b[0m: unknown key 'replica'; did you mean 'replicas'? "
    "\x1b[2m[schema]\x1b[0m\n"
    "  1 | redis: {replica: 3}\n"
    "    |         \x1b[1;31m^\x1b[0m\n"
)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, COLOURED),
        ({"NO_COLOR": "1"}, PLAIN),
        ({"NO_COLOR": ""}, COLOURED),
        ({"TERM": "dumb"}, PLAIN),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, COLOURED),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, PLAIN),
    ],
)
@pytest.mark.parametrize("command", ["validate", "render"])
def test_on_a_terminal(tmp_path: Path, command: str, environment: dict[str, str], expected: str) -> None:
    (tmp_path / "redisgen.yaml").write_text("redis: {replica: 3}\n")
    assert _on_a_terminal(tmp_path, command, **environment) == expected


def test_a_folder_of_values_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "values").mkdir()
    (tmp_path / "values/a.yaml").write_text("redis: {replica: 3}\n")
    said = _on_a_terminal(tmp_path, "validate", "-f", "values", NO_COLOR="1")
    assert said == PLAIN.replace("redisgen.yaml", "values/a.yaml")


def test_colour_forced_where_there_is_no_terminal(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redisgen.yaml").write_text("redis: {replica: 3}\n")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert run("validate").stdout == COLOURED.splitlines(keepends=True)[0]
