"""Small things about reading values: each nasty input ends in one clear finding, or in the right data."""

from __future__ import annotations

import pytest

from redisgen.findings import InvalidValues, Place
from redisgen.values import Mapping, assignment, merge, parse, place_of

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)

FINDINGS: dict[str, tuple[str | bytes, str]] = {
    "duplicate key": ("a: 1\nb: 2\na: 3", "f:3:1: error: key 'a' is here a second time; the first is in line 1 [yaml]"),
    "duplicate in flow": ("{a: 1, a: 2}", "f:1:8: error: key 'a' is here a second time; the first is in line 1 [yaml]"),
    "two documents": ("a: 1\n---\nb: 2", "f:2:1: error: a second document starts here; values are one document [yaml]"),
    "tag": ("a: !foo 1", "f:1:4: error: tag '!foo' is not supported; write the value without it [yaml]"),
    "core tag": ("a: !!str 1", "f:1:4: error: tag '!!str' is not supported; write the value without it [yaml]"),
    "python tag": (
        "a: !!python/object/apply:os.system [x]",
        "f:1:4: error: tag '!!python/object/apply:os.system' is not supported; write the value without it [yaml]",
    ),
    "alias bomb": (BOMB, "f:1:1: error: aliases repeat more than 1000000 values [yaml]"),
    "recursion": ("a: &x [*x]", "f:1:4: error: an alias inside its own anchor never ends [yaml]"),
    "unknown alias": ("a: *b", "f:1:4: error: not YAML: found undefined alias 'b' [yaml]"),
    "deep": ("[" * 5000, "f:1:101: error: nested more than 100 levels deep [yaml]"),
    "tab": ("a:\n\t- b", "f:2:1: error: a tab cannot indent or start a value in YAML; use spaces [yaml]"),
    "two colons": (
        "a: b: c",
        "f:1:5: error: a second ': ' in one line; put text that contains ': ' in quotes, and check the indentation "
        "[yaml]",
    ),
    "sequence": ("- a", "f:1:1: error: values must be a mapping of keys, not a sequence [yaml]"),
    "scalar": ("hello", "f:1:1: error: values must be a mapping of keys, not a single value [yaml]"),
    "number as key": ("1: a", "f:1:1: error: the key 1 is not text; put it in quotes [yaml]"),
    "mapping as key": ("? {a: b}\n: c", "f:1:3: error: the key is not text; put it in quotes [yaml]"),
    "no text": (b"a: \xff", "f:1:4: error: byte 0xff is not UTF-8 text [yaml]"),
    "latin-1 after text": ("é: é\nx: ".encode() + b"\xe9", "f:2:4: error: byte 0xe9 is not UTF-8 text [yaml]"),
    "utf-16": ("a: 1".encode("utf-16"), "f:1:1: error: the file is UTF-16; save it as UTF-8 [yaml]"),
    "nul": (b"a: \x00", "f:1:4: error: character U+0000 is not allowed in YAML; in text write it as an escape [yaml]"),
    "png": (b"\x89PNG\r\n\x1a\n\x00", "f:1:1: error: byte 0x89 is not UTF-8 text [yaml]"),
    "10 MB": (b"a: " + b"x" * 10_000_000, "f: error: larger than 8 MiB, more than values need [yaml]"),
    "huge integer": (
        "a: " + "9" * 5000,
        "f:1:4: error: the number 99999999999999999999… is too large; put it in quotes if it is text [yaml]",
    ),
    "huge float": ("a: 1e999", "f:1:4: error: the number 1e999 is too large; put it in quotes if it is text [yaml]"),
    "not a number": (
        "a: .nan",
        "f:1:4: error: .nan is not a number that values can hold; put it in quotes if it is text [yaml]",
    ),
    "merge of a number": ("<<: 3", "f:1:5: error: '<<' merges a mapping, or a sequence of mappings [yaml]"),
}

DATA: dict[str, tuple[str | bytes, dict[str, object]]] = {
    "empty": ("", {}),
    "comments": ("# nothing\n", {}),
    "null": ("~", {}),
    "markers": ("---\n...\n", {}),
    "BOM": (b"\xef\xbb\xbfa: 1", {"a": 1}),
    "CRLF": ("a:\r\n  b: 1\r\n  c: x\r\n", {"a": {"b": 1, "c": "x"}}),
    "YAML 1.2": (
        "{a: no, b: 2001-01-01, c: 1_000, d: 0o17, e: 0x1F, f: 1e3, g: on, h: 1:20, i: TRUE}",
        {"a": "no", "b": "2001-01-01", "c": "1_000", "d": 15, "e": 31, "f": 1000.0, "g": "on", "h": "1:20", "i": True},
    ),
    "YAML 1.1 asked for": ("%YAML 1.1\n---\na: no", {"a": "no"}),
    "quoted": ("{a: '1', b: \"true\", c: '~', d: ''}", {"a": "1", "b": "true", "c": "~", "d": ""}),
    "emoji and braces": ("a: 😀 {{ x }}", {"a": "😀 {{ x }}"}),
    "anchor and alias": ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
    "merge key": ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"c": 3, "b": 1}}),
    "merge of two": ("a: &x {b: 1}\nd: {<<: [*x, {b: 2, c: 3}]}", {"a": {"b": 1}, "d": {"b": 1, "c": 3}}),
    "block text": ("a: |\n  x\n   y\n", {"a": "x\n y\n"}),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_finding(name: str) -> None:
    text, expected = FINDINGS[name]
    with pytest.raises(InvalidValues) as error:
        parse(text, "f")
    assert [str(finding) for finding in error.value.findings] == [expected]


@pytest.mark.parametrize("name", DATA)
def test_data(name: str) -> None:
    text, expected = DATA[name]
    assert parse(text, "f") == expected


def test_all_findings_of_one_text_come_at_once_and_sorted() -> None:
    with pytest.raises(InvalidValues) as error:
        parse("b: !t 1\na: 1\na: 2\n3: 4\n", "f")
    assert [finding.place for finding in error.value.findings] == [Place("f", 1, 4), Place("f", 3, 1), Place("f", 4, 1)]


def test_place_of_a_key_or_its_nearest_parent() -> None:
    values = parse("redis:\n  persistence: {rdb: [900 1]}\n", "f")
    assert place_of(values, ["redis", "persistence", "rdb", 0]) == Place("f", 2, 23)
    assert place_of(values, ["redis", "persistence", "aof"]) == Place("f", 2, 3)
    assert place_of(values, ["sentinel"]) == Place("f", 1, 1)


def test_place_of_a_merged_key_is_where_it_stands() -> None:
    values = parse("a: &x\n  port: 1\nb: {<<: *x}\n", "f")
    assert place_of(values, ["b", "port"]) == Place("f", 2, 3)


def test_later_values_win_key_by_key_and_keep_their_places() -> None:
    merged = merge(parse("a: {b: 1, c: [1, 2]}", "one"), parse("a: {c: [3]}", "two"))
    assert merged == {"a": {"b": 1, "c": [3]}}
    assert place_of(merged, ["a", "b"]).file == "one"
    assert place_of(merged, ["a", "c"]).file == "two"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis.replicas=5", {"redis": {"replicas": 5}}),
        ("name=no", {"name": "no"}),
        ("name=", {"name": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("redis.persistence.rdb=[900 1, 60 5]", {"redis": {"persistence": {"rdb": ["900 1", "60 5"]}}}),
        (r"labels.example\.com/team=x", {"labels": {"example.com/team": "x"}}),
        ("redis={port: 1}", {"redis": {"port": 1}}),
    ],
)
def test_assignment(text: str, expected: dict[str, object]) -> None:
    assert assignment(text) == expected


@pytest.mark.parametrize("text", ["", "a", "=x", "a..b=1", ".=1", "a=[", "a=b\nc: d", "a=x: y: z", "a=*x", "a=!t x"])
def test_assignment_that_is_none(text: str) -> None:
    with pytest.raises(InvalidValues) as error:
        assignment(text)
    assert {finding.place for finding in error.value.findings} == {Place(f"--set {text}")}


def test_merge_changes_neither() -> None:
    one, two = parse("a: {b: 1}", "one"), parse("a: {b: 2}", "two")
    assert isinstance(merge(one, two), Mapping)
    assert (one, two) == ({"a": {"b": 1}}, {"a": {"b": 2}})
